//! Rooms as logs, in random schedules: nothing crosses from one to another, numbers have neither gap nor double, and
//! whoever comes back hears exactly what it missed.

use std::collections::{BTreeMap, HashMap, HashSet};

use chinwag::chat::protocol::{ByteBudget, Dialect, ServerMessage, StoredMessage, UserId};
use chinwag::chat::rules::{Chat, Input, Now, Output, RoomName, RoomSnapshot, Rules, Since};
use proptest::prelude::*;

const ROOMS: [&str; 3] = ["", "kitchen", "Garden"];

/// People, who come and go, one after the other in any room, always under the same name as somebody elsewhere.
const PEOPLE: usize = 5;

/// One step of a schedule, by one of the people.
#[derive(Debug, Clone)]
enum Step {
    /// Enters a room, where it was before, or anew.
    Come(usize),
    /// Leaves, or loses its connection: it is the same.
    Go,
    /// Says something; with one of a few nonces.
    Say(Option<u8>),
    /// Whoever is behind has taken what it was told.
    Ready,
    /// Says something to its namesake, who is in another room or the first one here.
    Whisper,
    /// The process ends, and another one takes over from the archive, if there is one.
    Restart,
    /// The archive does not answer; or does again.
    Silence,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        4 => (0..ROOMS.len()).prop_map(Step::Come),
        2 => Just(Step::Go),
        8 => proptest::option::of(0..9_u8).prop_map(Step::Say),
        3 => Just(Step::Ready),
        1 => Just(Step::Whisper),
        1 => Just(Step::Restart),
        1 => Just(Step::Silence),
    ];
    prop::collection::vec((0..PEOPLE, step), 0..150)
}

fn rules() -> impl Strategy<Value = Rules> {
    let sizes = prop::sample::select(vec![0, 1, 3, 500]);
    // Room enough for as many messages at once.
    let replays = prop::sample::select(vec![1, 2, 500]);
    (sizes.clone(), sizes, replays, any::<bool>(), 2..4_usize).prop_map(|(messages, lines, replay, archive, rooms)| {
        let mut rules = Rules::unlimited();
        rules.replay_bytes = replay * 160;
        (rules.room_messages, rules.history_lines, rules.archive, rules.rooms) = (messages, lines, archive, rooms);
        rules
    })
}

/// What a client knows of one room.
#[derive(Debug, Clone, Default)]
struct Heard {
    log: String,
    /// The number up to which it has heard everything, or was told what it missed.
    last: u64,
    /// How many it has heard, and how many it was told that it missed.
    messages: u64,
    missed: u64,
    /// It came without `since`: what was before it does not miss.
    began: u64,
    is_new: bool,
    /// The numbering got another name while it was here: where it is in it, the next message says.
    is_renamed: bool,
}

impl Heard {
    /// The same place has another number, from which it is counted anew.
    fn is_at(&mut self, seq: u64) {
        *self = Self { log: self.log.clone(), last: seq, began: seq, ..Self::default() };
    }
}

/// A world of people with one chat.
struct World {
    rules: Rules,
    chat: Chat,
    runs: u64,
    /// What was told to an archive, by room.
    kept: BTreeMap<String, Vec<StoredMessage>>,
    is_silent: bool,
    /// The connections that were told a numbering, by place.
    begun: HashMap<(usize, usize), UserId>,
    /// Connections: whose, and to which room.
    here: HashMap<UserId, (usize, usize)>,
    /// Those who hear what is said now.
    live: HashSet<UserId>,
    heard: HashMap<(usize, usize), Heard>,
    next: UserId,
    said: u64,
}

impl World {
    fn new(rules: Rules) -> Self {
        let (kept, begun, here, live, heard) = Default::default();
        let chat = Chat::named(rules, 0);
        Self { rules, chat, runs: 0, kept, is_silent: false, begun, here, live, heard, next: 1, said: 0 }
    }

    fn connection(&self, person: usize) -> Option<UserId> {
        self.here.iter().find(|(_, (whose, _))| *whose == person).map(|(id, _)| *id)
    }

    fn step(&mut self, person: usize, step: &Step) {
        let id = self.connection(person);
        match (step, id) {
            (Step::Come(room), None) => self.come(person, *room),
            (Step::Go, Some(id)) => {
                self.here.remove(&id);
                self.live.remove(&id);
                self.apply(Input::Left { id });
            }
            (Step::Say(nonce), Some(id)) => self.say(id, *nonce),
            (Step::Whisper, Some(id)) => {
                self.apply(Input::Text { id, text: r#"{"type":"message","text":"psst","target":"bob"}"# });
            }
            (Step::Ready, _) => {
                let first = self.chat.behind().next();
                first.into_iter().for_each(|id| self.apply(Input::Ready { id }));
            }
            (Step::Restart, _) => self.restart(),
            (Step::Silence, _) if self.is_silent => self.answer(),
            (Step::Silence, _) => self.is_silent = true,
            _ => {}
        }
    }

    fn come(&mut self, person: usize, room: usize) {
        let (id, name) = (self.next, name(room));
        self.next += 1;
        if self.chat.lacks_past(&name) && !self.is_silent {
            self.restore(&name);
        }
        let before = self.heard.get(&(person, room)).cloned();
        let since = before.as_ref().map(|heard| Since::new(heard.last, Some(&heard.log)));
        let mut out = Vec::new();
        self.chat.apply(NOW, Input::Joined { id, dialect: Dialect::Chinwag, room: &name, since }, &mut out);
        if self.chat.room_of(id).is_none() {
            assert!(matches!(out[..], [Output::Close { code: 1013, .. }]), "{out:?}");
            return;
        }
        self.here.insert(id, (person, room));
        out.into_iter().for_each(|output| self.perform(output));
        self.apply(Input::Text { id, text: r#"{"type":"username","name":"bob"}"# });
    }

    fn restore(&mut self, name: &RoomName) {
        let entries = self.kept.get(&**name.key()).cloned().unwrap_or_default();
        let mut out = Vec::new();
        self.chat.restore(name, RoomSnapshot::new("kept", entries.len() as u64, entries), &mut out);
        out.into_iter().for_each(|output| self.perform(output));
    }

    /// The archive answers again: all rooms get their past.
    fn answer(&mut self) {
        self.is_silent = false;
        let rooms: Vec<RoomName> = self.chat.unrestored().cloned().collect();
        rooms.iter().for_each(|room| self.restore(room));
        assert_eq!(self.chat.unrestored().count(), 0);
    }

    /// The text names the room, and is never said twice, unless its nonce is.
    fn say(&mut self, id: UserId, nonce: Option<u8>) {
        self.said += 1;
        let room = self.here[&id].1;
        let nonce = nonce.map(|nonce| format!(r#","nonce":"{nonce}""#)).unwrap_or_default();
        let text = format!(r#"{{"type":"message","text":"{room} {}"{nonce}}}"#, self.said);
        self.apply(Input::Text { id, text: &text });
    }

    fn restart(&mut self) {
        self.runs += 1;
        self.here.clear();
        self.live.clear();
        self.chat = Chat::named(self.rules, self.runs);
    }

    fn apply(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.chat.apply(NOW, input, &mut out);
        out.into_iter().for_each(|output| self.perform(output));
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Send { to, notice } => self.hear(to, &notice),
            Output::Broadcast { room, notice } => {
                let members: Vec<UserId> = self.chat.members(room).collect();
                members
                    .into_iter()
                    .filter(|id| self.live.contains(id))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|id| self.hear(id, &notice));
            }
            Output::Enter { who, room } => {
                assert_eq!(self.chat.room_of(who), Some(room));
                assert!(self.live.insert(who), "once");
            }
            Output::Store(entry) => {
                let kept = self.kept.entry(entry.room.to_string()).or_default();
                assert_eq!(entry.seq, kept.len() as u64 + 1, "numbers have neither gap nor double, restarts included");
                kept.push(entry);
            }
            Output::Recall { to: id, up_to, .. } if self.is_silent => {
                self.apply(Input::Recalled { id, up_to, found: None });
            }
            Output::Recall { to: id, room, after, up_to, bytes } => {
                // It has lost the oldest one.
                let there = self.kept[&*room].iter().filter(|entry| entry.seq > after.max(1) && entry.seq <= up_to);
                let mut part = ByteBudget::new(bytes);
                let found: Vec<StoredMessage> = there.take_while(|entry| part.spend(entry)).cloned().collect();
                self.apply(Input::Recalled { id, up_to, found: Some(&found) });
            }
            other => panic!("what is that? {other:?}"),
        }
    }

    fn hear(&mut self, id: UserId, notice: &ServerMessage) {
        let place = *self.here.get(&id).unwrap_or_else(|| panic!("{id} is not here: {notice:?}"));
        match notice {
            ServerMessage::Id { seq, log, .. } => self.begin(id, place, *seq, log),
            ServerMessage::Message(entry) => self.hear_message(place, entry),
            ServerMessage::Past(entry) => self.hear_past(place, entry),
            ServerMessage::Gap { missed: None } => {
                let log = self.heard[&place].log.clone();
                self.heard.insert(place, Heard { log, ..Heard::default() });
            }
            ServerMessage::Gap { missed: Some(missed) } => {
                let heard = self.heard.get_mut(&place).expect("it has begun");
                heard.last += missed;
                heard.missed += missed;
            }
            ServerMessage::Private { id: from, .. } => assert_eq!(self.here[from].1, place.1, "whispers do not cross"),
            _ => {}
        }
    }

    fn begin(&mut self, id: UserId, place: (usize, usize), seq: u64, log: &str) {
        let fresh = Heard { last: seq, began: seq, is_new: true, ..Heard::default() };
        let heard = self.heard.entry(place).and_modify(|heard| heard.is_new = false).or_insert(fresh);
        log.clone_into(&mut heard.log);
        heard.is_renamed = self.begun.get(&place).is_some_and(|begun| *begun == id);
        if heard.is_renamed && self.live.contains(&id) {
            heard.is_at(seq);
        }
        self.begun.insert(place, id);
    }

    /// What a newcomer hears first of history says where it begins for it.
    fn hear_past(&mut self, place: (usize, usize), entry: &StoredMessage) {
        let heard = self.heard.get_mut(&place).expect("it has begun");
        if std::mem::take(&mut heard.is_new) {
            (heard.began, heard.last) = (entry.seq - 1, entry.seq - 1);
        }
        self.hear_message(place, entry);
    }

    fn hear_message(&mut self, (person, room): (usize, usize), entry: &StoredMessage) {
        assert!(entry.text.starts_with(&format!("{room} ")), "in room {room}: {entry:?}");
        assert_eq!(&*entry.room, &**name(room).key());
        let heard = self.heard.get_mut(&(person, room)).expect("it has begun");
        heard.is_new = false;
        // What was said under a nonce before is told again, to the one who says it again.
        if entry.seq <= heard.last && entry.nonce.is_some() {
            return;
        }
        if heard.is_renamed {
            heard.is_at(entry.seq - 1);
        }
        assert_eq!(entry.seq, heard.last + 1, "{person} in {room}: {heard:?}");
        (heard.last, heard.messages) = (entry.seq, heard.messages + 1);
    }

    /// Everybody who is here has heard everything, but for what it was told that it missed.
    fn check(&self) {
        for (id, place) in &self.here {
            let heard = &self.heard[place];
            assert_eq!(heard.began + heard.messages + heard.missed, heard.last, "{heard:?}");
            let is_kept = self.rules.archive && !self.chat.lacks_past(&name(place.1));
            if is_kept && self.live.contains(id) {
                let said = self.kept.get(&**name(place.1).key()).map_or(0, Vec::len);
                assert_eq!(heard.last, said as u64, "{heard:?}");
            }
        }
    }
}

const NOW: Now = Now::new(0, 1_700_000_000_000);

fn name(room: usize) -> RoomName {
    if ROOMS[room].is_empty() { RoomName::lobby() } else { RoomName::new(ROOMS[room]).expect("a name") }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rooms_are_logs(rules in rules(), steps in steps()) {
        let mut world = World::new(rules);
        for (person, step) in &steps {
            world.step(*person, step);
            world.check();
        }
        world.answer();
        for _ in 0..1000 {
            world.step(0, &Step::Ready);
        }
        prop_assert_eq!(world.live.len(), world.here.len(), "nobody stays behind for ever");
        world.check();
    }
}

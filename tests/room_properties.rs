//! Rooms are logs, in random schedules: messages stay in their room, numbers have neither gap nor duplicate, and a
//! returning client receives exactly what it missed.

use std::collections::{BTreeMap, HashMap, HashSet};

use chinwag::chat::protocol::{ByteBudget, Dialect, ServerMessage, StoredMessage, UserId};
use chinwag::chat::rules::{Chat, ClientInfo, Input, Now, Output, RoomName, RoomSnapshot, Rules, Since};
use proptest::prelude::*;

const ROOMS: [&str; 3] = ["", "kitchen", "Garden"];

/// Users who come and go, one after the other in any room. They all ask for the same name.
const PEOPLE: usize = 5;

/// A step of a schedule, by one of the users.
#[derive(Debug, Clone)]
enum Step {
    /// Enters a room, for the first time or again.
    Come(usize),
    /// Leaves, or loses the connection.
    Go(bool),
    /// Sends a message, perhaps with one of a few nonces.
    Say(Option<u8>),
    /// The first client that is catching up has taken its part.
    Ready,
    /// Does not take messages fast enough.
    Lag,
    /// Sends a private message to `bob`, who is the first one here or in another room.
    Whisper,
    /// The process ends, and another one restores rooms from the archive, if there is one.
    Restart,
    /// The archive stops answering, or recovers.
    Silence,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        4 => (0..ROOMS.len()).prop_map(Step::Come),
        2 => any::<bool>().prop_map(Step::Go),
        8 => proptest::option::of(0..9_u8).prop_map(Step::Say),
        3 => Just(Step::Ready),
        2 => Just(Step::Lag),
        1 => Just(Step::Whisper),
        1 => Just(Step::Restart),
        1 => Just(Step::Silence),
    ];
    prop::collection::vec((0..PEOPLE, step), 0..150)
}

fn rules() -> impl Strategy<Value = Rules> {
    let sizes = prop::sample::select(vec![0, 1, 3, 500]);
    // Space for as many messages at once.
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
struct Known {
    log: String,
    /// The number up to which it has received all messages, or a gap for them.
    last: u64,
    /// How many messages it has received, and how many were in gaps.
    messages: u64,
    missed: u64,
    /// The number before its first message: it came without `since`.
    began: u64,
    is_new: bool,
}

impl Known {
    /// The same place has another number now, from which counting starts again.
    fn is_at(&mut self, seq: u64) {
        *self = Self { log: self.log.clone(), last: seq, began: seq, ..Self::default() };
    }
}

/// The users, and one chat.
struct World {
    rules: Rules,
    chat: Chat,
    runs: u64,
    /// What was stored in the archive, by room.
    stored: BTreeMap<String, Vec<StoredMessage>>,
    is_silent: bool,
    /// The connections that received an `id`, by user and room.
    greeted: HashMap<(usize, usize), UserId>,
    /// The user and the room of each connection.
    here: HashMap<UserId, (usize, usize)>,
    /// The connections that receive broadcasts.
    subscribed: HashSet<UserId>,
    known: HashMap<(usize, usize), Known>,
    next: UserId,
    count: u64,
}

impl World {
    fn new(rules: Rules) -> Self {
        let (stored, greeted, here, subscribed, known) = Default::default();
        let chat = Chat::new(rules, 0);
        Self { rules, chat, runs: 0, stored, is_silent: false, greeted, here, subscribed, known, next: 1, count: 0 }
    }

    fn connection(&self, person: usize) -> Option<UserId> {
        self.here.iter().find(|(_, (whose, _))| *whose == person).map(|(id, _)| *id)
    }

    fn step(&mut self, person: usize, step: &Step) {
        let id = self.connection(person);
        match (step, id) {
            (Step::Come(room), None) => self.come(person, *room),
            (Step::Go(is_lost), Some(id)) => {
                self.here.remove(&id);
                self.subscribed.remove(&id);
                self.apply(Input::Left(id, *is_lost));
            }
            (Step::Say(nonce), Some(id)) => self.say(id, *nonce),
            (Step::Whisper, Some(id)) => {
                self.apply(Input::Text(id, r#"{"type":"message","text":"psst","target":"bob"}"#));
            }
            (Step::Ready, _) => {
                let first = self.chat.catching_up().next();
                first.into_iter().for_each(|id| self.apply(Input::Ready(id)));
            }
            (Step::Lag, Some(id)) => self.apply(Input::Behind(id)),
            (Step::Restart, _) => self.restart(),
            (Step::Silence, _) => self.is_silent = !self.is_silent,
            _ => {}
        }
    }

    fn come(&mut self, person: usize, room: usize) {
        let (id, name) = (self.next, name(room));
        self.next += 1;
        if self.chat.needs_snapshot(&name) {
            if self.is_silent {
                // The server refuses the connection.
                return;
            }
            self.restore(&name);
        }
        let before = self.known.get(&(person, room)).cloned();
        let since = before.as_ref().map(|known| Since { seq: known.last, log: Some(&known.log) });
        let client = ClientInfo { id, dialect: Dialect::Chinwag, ..ClientInfo::default() };
        let out = self.chat.apply(NOW, Input::Joined(client, &name, since));
        if self.chat.room_of(id).is_none() {
            assert!(matches!(out[..], [Output::Close(_, 1013, ..)]), "{out:?}");
            return;
        }
        self.here.insert(id, (person, room));
        out.into_iter().for_each(|output| self.apply_output(output));
        self.apply(Input::Text(id, r#"{"type":"username","name":"bob"}"#));
    }

    fn restore(&mut self, name: &RoomName) {
        let messages = self.stored.get(&**name.key()).cloned().unwrap_or_default();
        self.chat.restore(name, RoomSnapshot { log: "stored".into(), last: messages.len() as u64, messages });
    }

    /// The text names the room, and is used once.
    fn say(&mut self, id: UserId, nonce: Option<u8>) {
        self.count += 1;
        let room = self.here[&id].1;
        let nonce = nonce.map(|nonce| format!(r#","nonce":"{nonce}""#)).unwrap_or_default();
        let text = format!(r#"{{"type":"message","text":"{room} {}"{nonce}}}"#, self.count);
        self.apply(Input::Text(id, &text));
    }

    fn restart(&mut self) {
        self.runs += 1;
        self.here.clear();
        self.subscribed.clear();
        self.chat = Chat::new(self.rules, self.runs);
    }

    fn apply(&mut self, input: Input<'_>) {
        let out = self.chat.apply(NOW, input);
        out.into_iter().for_each(|output| self.apply_output(output));
    }

    fn apply_output(&mut self, output: Output) {
        match output {
            Output::Send(to, message) => self.receive(to, &message),
            Output::Broadcast(room, message, except) => {
                let is_receiver = |id: &UserId| self.chat.room_of(*id) == Some(room) && Some(*id) != except;
                let receivers: Vec<UserId> = self.subscribed.iter().copied().filter(is_receiver).collect();
                receivers.into_iter().for_each(|id| self.receive(id, &message));
            }
            Output::Subscribe(id) => {
                assert!(self.chat.room_of(id).is_some());
                assert!(self.subscribed.insert(id), "once");
            }
            Output::Unsubscribe(id) => assert!(self.subscribed.remove(&id), "once"),
            Output::Store(message) => {
                let stored = self.stored.entry(message.room.to_string()).or_default();
                assert_eq!(message.seq, stored.len() as u64 + 1, "no gap and no duplicate, restarts included");
                stored.push(message);
            }
            Output::Load { id, up_to, .. } if self.is_silent => {
                self.apply(Input::Loaded(id, up_to, None));
            }
            Output::Load { id, room, after, up_to, bytes } => {
                // The archive has lost the oldest message.
                let there =
                    self.stored[&*room].iter().filter(|message| message.seq > after.max(1) && message.seq <= up_to);
                let mut budget = ByteBudget::new(bytes);
                let found: Vec<StoredMessage> = there.take_while(|message| budget.spend(message)).cloned().collect();
                self.apply(Input::Loaded(id, up_to, Some(&found)));
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn receive(&mut self, id: UserId, message: &ServerMessage) {
        let place = *self.here.get(&id).unwrap_or_else(|| panic!("{id} is not here: {message:?}"));
        match message {
            ServerMessage::Id { seq, log, .. } => self.greet(id, place, *seq, log),
            ServerMessage::Message(message) => self.receive_message(place, message),
            ServerMessage::History(message) => self.receive_history(place, message),
            ServerMessage::Gap { missed: None } => {
                let log = self.known[&place].log.clone();
                self.known.insert(place, Known { log, ..Known::default() });
            }
            ServerMessage::Gap { missed: Some(missed) } => {
                let known = self.known.get_mut(&place).expect("it has begun");
                known.is_new = false;
                known.last += missed;
                known.missed += missed;
            }
            ServerMessage::Private { id: from, .. } => {
                assert_eq!(self.here[from].1, place.1, "private messages stay in their room")
            }
            _ => {}
        }
    }

    fn greet(&mut self, id: UserId, place: (usize, usize), seq: u64, log: &str) {
        let fresh = Known { last: seq, began: seq, is_new: true, ..Known::default() };
        let known = self.known.entry(place).and_modify(|known| known.is_new = false).or_insert(fresh);
        log.clone_into(&mut known.log);
        if self.greeted.insert(place, id) == Some(id) {
            known.is_at(seq);
        }
    }

    /// The first message of history is where a new client begins.
    fn receive_history(&mut self, place: (usize, usize), message: &StoredMessage) {
        let known = self.known.get_mut(&place).expect("it has begun");
        if std::mem::take(&mut known.is_new) {
            (known.began, known.last) = (message.seq - 1, message.seq - 1);
        }
        self.receive_message(place, message);
    }

    fn receive_message(&mut self, (person, room): (usize, usize), message: &StoredMessage) {
        assert!(message.text.starts_with(&format!("{room} ")), "in room {room}: {message:?}");
        assert_eq!(&*message.room, &**name(room).key());
        let known = self.known.get_mut(&(person, room)).expect("it has begun");
        known.is_new = false;
        // A message whose nonce was used before is answered with the first one.
        if message.seq <= known.last && message.nonce.is_some() {
            return;
        }
        assert_eq!(message.seq, known.last + 1, "{person} in {room}: {known:?}");
        (known.last, known.messages) = (message.seq, known.messages + 1);
    }

    /// Every client has received all messages, except those in gaps.
    fn check(&self) {
        for (id, place) in &self.here {
            let known = &self.known[place];
            assert_eq!(known.began + known.messages + known.missed, known.last, "{known:?}");
            let is_stored = self.rules.archive && !self.chat.needs_snapshot(&name(place.1));
            if is_stored && self.subscribed.contains(id) {
                let stored = self.stored.get(&**name(place.1).key()).map_or(0, Vec::len);
                assert_eq!(known.last, stored as u64, "{known:?}");
            }
        }
    }
}

const NOW: Now = Now { uptime: 0, date: 1_700_000_000_000 };

fn name(room: usize) -> RoomName {
    if ROOMS[room].is_empty() { RoomName::lobby() } else { RoomName::new(ROOMS[room]).expect("a name") }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clients_receive_each_message_once_in_order(rules in rules(), steps in steps()) {
        let mut world = World::new(rules);
        for (person, step) in &steps {
            world.step(*person, step);
            world.check();
        }
        world.is_silent = false;
        for _ in 0..1000 {
            world.step(0, &Step::Ready);
        }
        prop_assert_eq!(world.subscribed.len(), world.here.len(), "every client catches up");
        world.check();
    }
}

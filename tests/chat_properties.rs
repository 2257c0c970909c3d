//! The rules of the chat hold in random conversations in all dialects.

use std::collections::{BTreeMap, HashSet};

use chinwag::chat::protocol::{Dialect, Post, ServerMessage, StoredMessage, Target, UserId};
use chinwag::chat::rules::{Chat, ClientInfo, Input, Now, Output, Rate, RoomId, RoomName, Rules};
use proptest::prelude::*;

/// A step of a conversation.
#[derive(Debug, Clone)]
enum Step {
    /// A message without a connection to a room.
    Post(usize, Post),
    Join(UserId, Dialect, usize),
    Text(UserId, String),
    Binary(UserId),
    Leave(UserId, bool),
    Tick,
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "bob", "Bob", "ｂｏｂ", "bob1", "bob2", "bob01", "BOB１", "guest", "guest-3", "guest1", "Σίσυφος", "ΣΊΣΥΦΟΣ",
            " a  b ", "a b", "* bob left", "bob: hi", "<b>", "\u{200b}", "ab\u{200d}", "क्\u{200d}", "l·l", "ſ", "ß", "ẞ", "İ",
            "", "x".repeat(32).leak(), "y".repeat(33).leak(), "l·".repeat(16).leak(), "ﷺ".repeat(20).leak(),
        ]).prop_map(str::to_owned),
        1 => "[a-c0-2]{1,3}",
        1 => "\\PC{0,34}",
    ]
}

fn lines() -> impl Strategy<Value = String> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    prop_oneof![
        4 => names().prop_map(move |name| format!(r#"{{"type":"username","name":{}}}"#, json(&name))),
        3 => any::<String>().prop_map(move |text| format!(r#"{{"type":"message","text":{}}}"#, json(&text))),
        2 => names().prop_map(move |name| format!(r#"{{"type":"message","text":"x","target":{}}}"#, json(&name))),
        // All connections have the same secret here.
        2 => (names(), 1..8).prop_map(move |(name, id)| format!(r#"{{"type":"username","name":{},"resume":"{id}-0"}}"#, json(&name))),
        1 => (1..8).prop_map(|id| format!(r#"{{"type":"message","text":"x","target":{id},"nonce":"n{id}"}}"#)),
        1 => (1..8).prop_map(|id| format!(r#"{{"type":"message","text":"x","nonce":"n{id}"}}"#)),
        3 => names().prop_map(|name| format!("/name {name}")),
        1 => names().prop_map(|name| format!("/msg {name} psst")),
        1 => prop::sample::select(vec!["/users", "/help", "/quit", "/", "//", "{", "[]", "{\"type\":1}", "\n"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn posts() -> impl Strategy<Value = Post> {
    let (text, target) = (any::<String>(), prop::option::of(names()));
    (prop::option::of(names()), text, target, prop::option::of(1..8)).prop_map(|(name, text, target, nonce)| Post {
        name,
        text: text.into(),
        target: target.map(Target::Name),
        nonce: nonce.map(|nonce| format!("n{nonce}").into()),
    })
}

/// The numbers of posts begin above those of all connections.
const FIRST_POST: UserId = 1000;

fn steps() -> impl Strategy<Value = Vec<(i32, Step)>> {
    let id = || 1..8_u64;
    let step = prop_oneof![
        3 => (id(), prop::sample::select(Dialect::ALL.to_vec()), 0..3_usize).prop_map(|(id, dialect, room)| Step::Join(id, dialect, room)),
        12 => (id(), lines()).prop_map(|(id, line)| Step::Text(id, line)),
        1 => id().prop_map(Step::Binary),
        2 => (id(), any::<bool>()).prop_map(|(id, is_lost)| Step::Leave(id, is_lost)),
        2 => Just(Step::Tick),
        3 => (0..3_usize, posts()).prop_map(|(room, post)| Step::Post(room, post)),
    ];
    // Small steps of time: `Now::uptime` must not go backwards.
    prop::collection::vec((0..120, step), 0..120)
}

fn rules() -> impl Strategy<Value = Rules> {
    let mut strict = Rules::default();
    (strict.text_chars, strict.rate, strict.strikes) = (5, Some(Rate { per_second: 5, burst: 8 }), Some(4));
    prop::sample::select(vec![Rules::default(), Rules::unlimited(), strict])
}

/// What clients know, by room.
#[derive(Default)]
struct Model {
    rooms: BTreeMap<RoomId, RoomModel>,
}

impl Model {
    fn room_of(&mut self, id: UserId) -> Option<&mut RoomModel> {
        self.rooms.values_mut().find(|room| room.is_here(id))
    }

    fn apply(&mut self, output: &Output) {
        match output {
            Output::Broadcast(room, message, ..) => {
                check_encodings(message);
                let room = self.rooms.entry(*room).or_default();
                if !room.here.is_empty() {
                    room.apply_broadcast(message);
                }
            }
            Output::Subscribe(id) => assert!(self.room_of(*id).is_some()),
            Output::Send(to, ..) | Output::SendHandshake(to, ..) | Output::Cut(to) | Output::Close(to, ..) => {
                let room = self.room_of(*to).unwrap_or_else(|| panic!("not here: {output:?}"));
                room.apply(output);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// A connection joins. If the room was empty, no client knows anything of it.
    fn join(&mut self, id: UserId, room: RoomId) {
        let room = self.rooms.entry(room).or_default();
        if room.here.is_empty() {
            *room = RoomModel::default();
        }
        room.here.push((id, None));
        room.here.sort();
    }
}

/// What a client that receives everything in a room knows.
#[derive(Default)]
struct RoomModel {
    /// The connections, the oldest first, and their names.
    here: Vec<(UserId, Option<String>)>,
    list: Vec<String>,
    /// The number of the last message.
    last: Option<u64>,
}

impl RoomModel {
    fn is_here(&self, id: UserId) -> bool {
        self.here.iter().any(|&(member, _)| member == id)
    }

    fn forget(&mut self, id: UserId) {
        self.here.retain(|&(member, _)| member != id);
    }

    fn named(&self) -> Vec<String> {
        self.here.iter().filter_map(|(_, name)| name.clone()).collect()
    }

    fn apply(&mut self, output: &Output) {
        match output {
            Output::Send(to, message) => {
                assert!(self.is_here(*to), "{to} is not here: {message:?}");
                check_encodings(message);
            }
            Output::SendHandshake(id, ..) | Output::Cut(id) => assert!(self.is_here(*id)),
            Output::Close(id, _, reason) => {
                assert!(self.is_here(*id) && reason.len() <= 123);
                self.forget(*id);
            }
            _ => {}
        }
    }

    fn apply_broadcast(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::UserList { users, .. } => self.list = users.iter().map(ToString::to_string).collect(),
            ServerMessage::Username { name, id, .. } => {
                let member = self.here.iter_mut().find(|(member, _)| member == id).expect("a member");
                member.1 = Some(name.to_string());
            }
            ServerMessage::Message(StoredMessage { name, id, seq, .. }) => {
                let is_user = self.here.contains(&(*id, Some(name.to_string())));
                let others = self.named().into_iter().chain([name.to_string()]).collect::<Vec<_>>();
                assert!(is_user || *id >= FIRST_POST && are_unique(&others), "{id} is not {name}");
                assert!(self.last.is_none_or(|last| *seq == last + 1), "numbers have no gap: {seq}");
                self.last = Some(*seq);
            }
            _ => {}
        }
    }
}

fn check_encodings(message: &ServerMessage) {
    for dialect in Dialect::ALL {
        let Some(text) = &dialect.encode(message) else { continue };
        match dialect {
            Dialect::Text => assert!(!text.contains(|c: char| c.is_control() || c == '\u{2028}'), "{text:?}"),
            Dialect::Json => {
                assert!(!text.contains(['<', '>']), "{text:?}");
                serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text).expect("JSON");
            }
            _ => drop(serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text).expect("JSON")),
        }
    }
}

fn input<'a>(step: &'a Step, rooms: &'a [RoomName]) -> Input<'a> {
    match step {
        Step::Join(id, dialect, room) => {
            Input::Joined(ClientInfo { id: *id, dialect: *dialect, ..ClientInfo::default() }, &rooms[*room], None)
        }
        Step::Text(id, text) => Input::Text(*id, text),
        Step::Binary(id) => Input::Binary(*id),
        Step::Leave(id, is_lost) => Input::Left(*id, *is_lost),
        Step::Tick | Step::Post(..) => Input::Tick,
    }
}

fn at(uptime: u64) -> Now {
    Now { uptime, date: 1_700_000_000_000 }
}

/// Whether no two names compare equal, according to the rules themselves.
fn are_unique(names: &[String]) -> bool {
    let mut chat = Chat::new(Rules::unlimited(), 0);
    let mut out = Vec::new();
    for (id, name) in (1..).zip(names) {
        let room = &RoomName::lobby();
        let client = ClientInfo { id, dialect: Dialect::Chinwag, ..ClientInfo::default() };
        out.extend(chat.apply(at(0), Input::Joined(client, room, None)));
        let text = format!(r#"{{"type":"username","name":{}}}"#, serde_json::Value::from(name.as_str()));
        out.extend(chat.apply(at(0), Input::Text(id, &text)));
    }
    !out.iter().any(|output| matches!(output, Output::Send(_, ServerMessage::RejectUsername { .. })))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_in_random_conversations(rules in rules(), steps in steps()) {
        let mut chat = Chat::new(rules, 0);
        let rooms = [RoomName::lobby(), RoomName::new("kitchen").expect("a name"), RoomName::new("ｂ").expect("a name")];
        let mut model = Model::default();
        let mut now = 1_700_000_000_000_u64;
        let mut posted = 0;
        for (passed, step) in &steps {
            now = now.saturating_add_signed(i64::from(*passed));
            posted += 1;
            let out = match step {
                Step::Post(room, post) => {
                    let input = Input::Post(FIRST_POST + posted, None, &rooms[*room], post);
                    let mut out = chat.apply(at(now), input);
                    let Some(Output::Posted(_, result)) = out.pop() else { panic!("the result is the last output: {out:?}") };
                    let is_sent = result.is_ok_and(|receipt| receipt.seq.is_some() == post.target.is_none());
                    prop_assert!(is_sent || out.is_empty(), "{out:?}");
                    out
                }
                _ => chat.apply(at(now), input(step, &rooms)),
            };
            match step {
                Step::Join(id, ..) if model.room_of(*id).is_none() => model.join(*id, chat.room_of(*id).expect("room enough")),
                Step::Leave(id, _) => drop(model.room_of(*id).map(|room| room.forget(*id))),
                _ => {}
            }
            let history = out.iter().filter(|output| matches!(output, Output::Send(_, ServerMessage::History(_))));
            // At most a list for each room, and seven more.
            prop_assert!(out.len() - history.count() <= 10, "{out:?}");
            out.iter().for_each(|output| model.apply(output));

            for (room, known) in &model.rooms {
                prop_assert!(known.here.iter().all(|&(id, _)| chat.room_of(id) == Some(*room)));
            }
        }
        while let Some(due) = chat.next_tick() {
            let out = chat.apply(at(due), Input::Tick);
            prop_assert!(!out.is_empty(), "a list was due");
            out.iter().for_each(|output| model.apply(output));
        }
        for known in model.rooms.values().filter(|room| !room.here.is_empty()) {
            prop_assert_eq!(&known.list, &known.named());
            prop_assert!(are_unique(&known.list), "{:?}", known.list);
            prop_assert!(known.list.iter().all(|name| (1..=32).contains(&name.chars().count())));
            prop_assert_eq!(known.list.iter().collect::<HashSet<_>>().len(), known.list.len());
        }
    }
}

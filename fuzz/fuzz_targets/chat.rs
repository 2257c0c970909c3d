//! Any conversation in any rooms keeps the rules of the chat. Only members receive messages. A sender has its own name, and
//! names in a room differ. Messages stay in their room, and their numbers have neither gap nor duplicate.
//!
//! A line is a step. Its first byte selects the input, its second byte the connection and the time, and the rest is the
//! text. If a connection joins, the first byte of the rest selects the room, and the next one `since`.
#![no_main]

use std::collections::HashMap;

use chinwag::chat::rules::{Chat, ClientInfo, Input, Now, Output, RoomSnapshot, Rate, RoomId, RoomName, Rules, Since};
use chinwag::chat::protocol::{Dialect, StoredMessage, ServerMessage, UserId};
use libfuzzer_sys::fuzz_target;

const DATE: u64 = 1_700_000_000_000;

fuzz_target!(|steps: &[u8]| {
    let mut strict = Rules::default();
    (strict.text_chars, strict.rate, strict.strikes) = (20, Some(Rate { per_second: 5, burst: 8 }), Some(4));
    (strict.rooms, strict.room_users, strict.room_messages) = (3, Some(2), 4);
    (strict.room_bytes, strict.history_bytes, strict.replay_bytes) = (2000, 3000, 400);
    let mut archived = strict;
    (archived.archive, archived.history_lines) = (true, 2);
    for rules in [Rules::unlimited(), strict, archived] {
        converse(rules, steps);
    }
});

fn converse(rules: Rules, steps: &[u8]) {
    let mut chat = Chat::new(rules, 0);
    let mut model = Model::default();
    let mut uptime = 0;
    for step in steps.split(|byte| *byte == b'\n') {
        let [what, who, text @ ..] = step else { continue };
        let id = UserId::from(who % 8);
        uptime += u64::from(who / 8);
        let room = room(text.first().copied().unwrap_or_default());
        let text_message = String::from_utf8_lossy(text);
        let input = match what % 8 {
            0 => {
                let dialect = Dialect::ALL[usize::from(what / 8) % 3];
                Input::Joined(ClientInfo { id, dialect, ..ClientInfo::default() }, &room, since(text))
            }
            1 => Input::Left(id, what / 8 % 2 == 0),
            2 => Input::Binary(id),
            3 if what / 8 % 2 == 0 => Input::Tick,
            3 if what / 8 % 4 == 1 => Input::Behind(id),
            3 => Input::Ready(id),
            _ => Input::Text(id, &text_message),
        };
        model.before(&mut chat, &input);
        let out = chat.apply(Now { uptime, date: DATE }, input);
        model.enter(&chat, id);
        model.apply_all(&mut chat, &out);
        for id in 0..8 {
            assert_eq!(chat.room_of(id), model.members.get(&id).map(|member| member.room));
        }
    }
}

fn room(byte: u8) -> RoomName {
    let names = ["", "a", "A", "b", "c", "ﬁ", "fi"];
    RoomName::new(names[usize::from(byte) % names.len()]).unwrap_or_else(RoomName::lobby)
}

fn since(text: &[u8]) -> Option<Since<'_>> {
    let (seq, log) = (u64::from(*text.get(1)?), text.get(2..).and_then(|rest| std::str::from_utf8(rest).ok()));
    Some(Since { seq: seq / 2, log: log.filter(|_| seq % 2 == 1) })
}

/// The members, and an archive.
#[derive(Default)]
struct Model {
    members: HashMap<UserId, Member>,
    stored: HashMap<String, Vec<StoredMessage>>,
}

struct Member {
    room: RoomId,
    name: Option<String>,
    /// The number of the last message that it received, if any.
    last: Option<u64>,
    /// Whether it receives broadcasts.
    is_subscribed: bool,
}

impl Model {
    fn before(&mut self, chat: &mut Chat, input: &Input<'_>) {
        match input {
            Input::Left(id, ..) => drop(self.members.remove(id)),
            Input::Joined(_, room, _) if chat.needs_snapshot(room) => {
                let messages = self.stored.get(&**room.key()).cloned().unwrap_or_default();
                let snapshot = RoomSnapshot { log: "stored".into(), last: messages.len() as u64, messages };
                chat.restore(room, snapshot);
            }
            _ => {}
        }
    }

    fn enter(&mut self, chat: &Chat, id: UserId) {
        if let Some(room) = chat.room_of(id) {
            self.members.entry(id).or_insert(Member { room, name: None, last: None, is_subscribed: false });
        }
    }

    fn apply_all(&mut self, chat: &mut Chat, out: &[Output]) {
        for output in out {
            self.apply(output);
            if let Output::Load { id, room, after, up_to, .. } = output {
                let stored = &self.stored[&**room][*after as usize..*up_to as usize];
                let messages = &stored[..stored.len().min(3)].to_vec();
                let input = Input::Loaded(*id, *up_to, Some(messages));
                let more = chat.apply(Now { uptime: 0, date: DATE }, input);
                self.apply_all(chat, &more);
            }
        }
    }

    fn apply(&mut self, output: &Output) {
        match output {
            Output::Close(id, 1013, ..) => assert!(!self.members.contains_key(id), "{output:?}"),
            Output::Close(id, ..) => assert!(self.members.remove(id).is_some(), "{output:?}"),
            Output::Send(to, message) => self.send(*to, message),
            Output::SendHandshake(to, ..) | Output::Cut(to) => {
                assert!(self.members.contains_key(to), "{output:?}")
            }
            Output::Store(message) => {
                let stored = self.stored.entry(message.room.to_string()).or_default();
                stored.push(message.clone());
                assert_eq!(message.seq, stored.len() as u64);
            }
            Output::Subscribe(id) => {
                let member = self.members.get_mut(id).expect("a member");
                assert!(!std::mem::replace(&mut member.is_subscribed, true), "once");
            }
            Output::Unsubscribe(id) => {
                let member = self.members.get_mut(id).expect("a member");
                assert!(std::mem::replace(&mut member.is_subscribed, false), "once");
            }
            Output::Broadcast(room, message, except) => self.broadcast(*room, message, *except),
            _ => {}
        }
    }

    fn send(&mut self, to: UserId, message: &ServerMessage) {
        let member = self.members.get_mut(&to).unwrap_or_else(|| panic!("{to} is not here: {message:?}"));
        match message {
            ServerMessage::History(message) => {
                assert!(member.last.is_none_or(|last| message.seq == last + 1), "{message:?} after {:?}", member.last);
                member.last = Some(message.seq);
            }
            // Its own copy of a broadcast, or the first message with this nonce again.
            ServerMessage::Message(message) => {
                member.last = member.last.map_or(Some(message.seq), |last| Some(last.max(message.seq)));
            }
            ServerMessage::Gap { missed: Some(missed) } => {
                member.last = member.last.map(|last| last + missed);
            }
            _ => {}
        }
    }

    fn broadcast(&mut self, room: RoomId, message: &ServerMessage, except: Option<UserId>) {
        match message {
            ServerMessage::Username { name, id, .. } => {
                let named = |member: &Member| member.room == room && member.name.as_deref() == Some(name);
                let taken = self.members.iter().any(|(other, member)| other != id && named(member));
                assert!(!taken && (1..=32).contains(&name.chars().count()), "{message:?}");
                self.members.get_mut(id).expect("a member").name = Some(name.to_string());
            }
            ServerMessage::Message(StoredMessage { name, id, seq, .. }) => {
                let sender = &self.members[id];
                assert_eq!((sender.room, sender.name.as_deref()), (room, Some(&**name)), "{id} is not {name}");
                let is_receiver = |id: &UserId, member: &Member| {
                    member.room == room && member.is_subscribed && Some(*id) != except
                };
                for (_, member) in self.members.iter_mut().filter(|(id, member)| is_receiver(id, member)) {
                    assert!(member.last.is_none_or(|last| *seq == last + 1), "{message:?} after {:?}", member.last);
                    member.last = Some(*seq);
                }
            }
            _ => {}
        }
    }
}

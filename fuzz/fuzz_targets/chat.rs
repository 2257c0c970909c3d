//! Any conversation in any rooms: nobody is spoken to who is not there, nobody speaks as somebody else, no two in a room
//! have the same name, nothing crosses, and numbers have neither gap nor double.
//! One line is one step: its first byte is what happens, its second one who and when, the rest is what is said; of a
//! newcomer, the first byte of the rest says into which room, and the next one since when.
#![no_main]

use std::collections::{BTreeSet, HashMap};

use chinwag::chat::rules::{Chat, Input, Now, Output, RoomSnapshot, Rate, RoomId, RoomName, Rules, Since};
use chinwag::chat::protocol::{Dialect, StoredMessage, ServerMessage, UserId};
use libfuzzer_sys::fuzz_target;

const DATE: u64 = 1_700_000_000_000;

fuzz_target!(|steps: &[u8]| {
    let mut strict = Rules::default();
    (strict.text_chars, strict.rate, strict.strikes) = (20, Some(Rate::new(5, 8)), Some(4));
    (strict.rooms, strict.room_users, strict.room_messages) = (3, Some(2), 4);
    (strict.room_bytes, strict.history_bytes, strict.replay_bytes) = (2000, 3000, 400);
    let mut archived = strict;
    (archived.archive, archived.history_lines) = (true, 2);
    for rules in [Rules::unlimited(), strict, archived] {
        converse(rules, steps);
    }
});

fn converse(rules: Rules, steps: &[u8]) {
    let mut chat = Chat::new(rules);
    let mut house = House::default();
    let (mut uptime, mut out) = (0, Vec::new());
    for step in steps.split(|byte| *byte == b'\n') {
        let [what, who, text @ ..] = step else { continue };
        let id = UserId::from(who % 8);
        uptime += u64::from(who / 8);
        let room = room(text.first().copied().unwrap_or_default());
        let said = String::from_utf8_lossy(text);
        let input = match what % 8 {
            0 => {
                Input::Joined { id, dialect: Dialect::ALL[usize::from(what / 8) % 3], room: &room, since: since(text) }
            }
            1 => Input::Left { id },
            2 => Input::Binary { id },
            3 if what / 8 % 2 == 0 => Input::Tick,
            3 => Input::Ready { id },
            _ => Input::Text { id, text: &said },
        };
        house.before(&mut chat, &input);
        out.clear();
        chat.apply(Now::new(uptime, DATE), input, &mut out);
        house.enter(&chat, id);
        house.hear_all(&mut chat, &out);
        for room in house.people.values().map(|person| person.room) {
            let members: BTreeSet<UserId> = chat.members(room).collect();
            let here = house.people.iter().filter(|(_, person)| person.room == room).map(|(id, _)| *id);
            assert_eq!(members, here.collect());
        }
    }
}

fn room(byte: u8) -> RoomName {
    let names = ["", "a", "A", "b", "c", "ﬁ", "fi"];
    RoomName::new(names[usize::from(byte) % names.len()]).unwrap_or_else(RoomName::lobby)
}

fn since(text: &[u8]) -> Option<Since<'_>> {
    let (seq, log) = (u64::from(*text.get(1)?), text.get(2..).and_then(|rest| std::str::from_utf8(rest).ok()));
    Some(Since::new(seq / 2, log.filter(|_| seq % 2 == 1)))
}

/// What somebody who hears everything believes, and an archive.
#[derive(Default)]
struct House {
    people: HashMap<UserId, Person>,
    kept: HashMap<String, Vec<StoredMessage>>,
}

struct Person {
    room: RoomId,
    name: Option<String>,
    /// The number of the last message that it heard, once it has heard one.
    last: Option<u64>,
    /// Whether it hears what is said now.
    is_live: bool,
}

impl House {
    fn before(&mut self, chat: &mut Chat, input: &Input<'_>) {
        match input {
            Input::Left { id } => drop(self.people.remove(id)),
            Input::Joined { room, .. } if chat.needs_snapshot(room) => {
                let entries = self.kept.get(&**room.key()).cloned().unwrap_or_default();
                let past = RoomSnapshot::new("kept", entries.len() as u64, entries);
                chat.restore(room, past, &mut Vec::new());
            }
            _ => {}
        }
    }

    fn enter(&mut self, chat: &Chat, id: UserId) {
        if let Some(room) = chat.room_of(id) {
            self.people.entry(id).or_insert(Person { room, name: None, last: None, is_live: false });
        }
    }

    fn hear_all(&mut self, chat: &mut Chat, out: &[Output]) {
        for output in out {
            self.hear(output);
            if let Output::Load { id, room, after, up_to, .. } = output {
                let kept = &self.kept[&**room][*after as usize..*up_to as usize];
                let found = &kept[..kept.len().min(3)].to_vec();
                let mut more = Vec::new();
                let input = Input::Loaded { id: *id, up_to: *up_to, messages: Some(found) };
                chat.apply(Now::new(0, DATE), input, &mut more);
                self.hear_all(chat, &more);
            }
        }
    }

    fn hear(&mut self, output: &Output) {
        match output {
            Output::Close { id, code: 1013, .. } => assert!(!self.people.contains_key(to), "{output:?}"),
            Output::Close { id, .. } => assert!(self.people.remove(to).is_some(), "{output:?}"),
            Output::Send { to, message } => self.tell(*to, message),
            Output::SendHandshake { to } | Output::Cut { id: to } => {
                assert!(self.people.contains_key(to), "{output:?}")
            }
            Output::Store(entry) => {
                let kept = self.kept.entry(entry.room.to_string()).or_default();
                kept.push(entry.clone());
                assert_eq!(entry.seq, kept.len() as u64);
            }
            Output::Subscribe { id } => {
                let person = self.people.get_mut(who).expect("it is here");
                assert!(person.room == *room && !std::mem::replace(&mut person.is_live, true), "once");
            }
            Output::Broadcast { room, message } => self.broadcast(*room, message),
            _ => {}
        }
    }

    fn tell(&mut self, to: UserId, message: &ServerMessage) {
        let person = self.people.get_mut(&to).unwrap_or_else(|| panic!("{to} is not here: {message:?}"));
        match message {
            ServerMessage::History(entry) => {
                assert!(person.last.is_none_or(|last| entry.seq == last + 1), "{entry:?} after {:?}", person.last);
                person.last = Some(entry.seq);
            }
            ServerMessage::Gap { missed: Some(missed) } => {
                person.last = person.last.map(|last| last + missed);
            }
            _ => {}
        }
    }

    fn broadcast(&mut self, room: RoomId, message: &ServerMessage) {
        match message {
            ServerMessage::Username { name, id, .. } => {
                let named = |person: &Person| person.room == room && person.name.as_deref() == Some(name);
                let taken = self.people.iter().any(|(other, person)| other != id && named(person));
                assert!(!taken && (1..=32).contains(&name.chars().count()), "{message:?}");
                self.people.get_mut(id).expect("a member").name = Some(name.to_string());
            }
            ServerMessage::Message(StoredMessage { name, id, seq, .. }) => {
                let speaker = &self.people[id];
                assert_eq!((speaker.room, speaker.name.as_deref()), (room, Some(&**name)), "somebody speaks as {name}");
                for person in self.people.values_mut().filter(|person| person.room == room && person.is_live) {
                    assert!(person.last.is_none_or(|last| *seq == last + 1), "{message:?} after {:?}", person.last);
                    person.last = Some(*seq);
                }
            }
            _ => {}
        }
    }
}

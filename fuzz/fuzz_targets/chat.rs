//! Any conversation: nobody is spoken to who is not there, nobody speaks as somebody else, no two have the same name.
//! One line is one step: its first byte is what happens, its second one who and when, the rest is what is said.
#![no_main]

use std::collections::{BTreeSet, HashMap};

use chinwag::chat::{Chat, Input, Now, Output, Rate, RoomId, Rules};
use chinwag::protocol::{Dialect, Notice, UserId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|steps: &[u8]| {
    let mut strict = Rules::default();
    (strict.text_chars, strict.rate, strict.strikes) = (20, Some(Rate::new(5, 8)), Some(4));
    for rules in [Rules::unlimited(), strict] {
        converse(rules, steps);
    }
});

fn converse(rules: Rules, steps: &[u8]) {
    let mut chat = Chat::new(rules);
    let mut room = Room::default();
    let date = 1_700_000_000_000;
    let (mut uptime, mut out) = (0, Vec::new());
    for step in steps.split(|byte| *byte == b'\n') {
        let [what, who, text @ ..] = step else { continue };
        let id = UserId::from(who % 8);
        uptime += u64::from(who / 8);
        let text = String::from_utf8_lossy(text);
        let input = match what % 8 {
            0 => Input::Joined { id, dialect: Dialect::ALL[usize::from(what / 8) % 3] },
            1 => Input::Left { id },
            2 => Input::Binary { id },
            3 => Input::Tick,
            _ => Input::Text { id, text: &text },
        };
        room.before(&input);
        out.clear();
        chat.apply(Now { uptime, date }, input, &mut out);
        out.iter().for_each(|output| room.hear(output));
        let members: BTreeSet<UserId> = chat.members(RoomId::LOBBY).collect();
        assert_eq!(members, room.names.keys().copied().collect());
    }
}

/// What somebody who hears everything believes.
#[derive(Default)]
struct Room {
    names: HashMap<UserId, Option<String>>,
}

impl Room {
    fn before(&mut self, input: &Input<'_>) {
        match input {
            Input::Joined { id, .. } => drop(self.names.entry(*id).or_default()),
            Input::Left { id } => drop(self.names.remove(id)),
            _ => {}
        }
    }

    fn hear(&mut self, output: &Output) {
        match output {
            Output::Send { to, .. } | Output::ShowHandshake { to } | Output::Drop { who: to } => {
                assert!(self.names.contains_key(to), "{output:?}");
            }
            Output::Close { to, .. } => assert!(self.names.remove(to).is_some(), "{output:?}"),
            Output::Broadcast { notice: Notice::Username { name, id, .. }, .. } => {
                let taken = self.names.iter().any(|(other, known)| other != id && known.as_deref() == Some(name));
                assert!(!taken && (1..=32).contains(&name.chars().count()), "{output:?}");
                *self.names.get_mut(id).expect("a member") = Some(name.to_string());
            }
            Output::Broadcast { notice: Notice::Message { name, id, .. }, .. } => {
                assert_eq!(self.names[id].as_deref(), Some(&**name), "somebody speaks as {name}");
            }
            _ => {}
        }
    }
}

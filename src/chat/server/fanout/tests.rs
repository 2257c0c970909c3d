//! The order and the number of writes, in scripts written by hand, and in random ones.

use super::*;
use crate::chat::protocol::StoredMessage;
use std::collections::HashMap;
use std::{cell::RefCell, rc::Rc};

/// Records the writes to one peer. It counts as too slow while a write is longer than it takes.
#[derive(Debug, Clone, Default)]
struct Recorder {
    writes: Rc<RefCell<Vec<Vec<u8>>>>,
}

/// The longest write that a [`Recorder`] takes.
const TAKEN: usize = 1024;

impl Recorder {
    /// The texts of each write, separated by spaces: `a b`. A Close is a write of its own: `x1000`.
    fn writes(&self) -> Vec<String> {
        self.writes.borrow().iter().map(|frames| words(frames)).collect()
    }
}

impl Recipient for Recorder {
    fn send(&self, frames: &Frames, from: usize) -> bool {
        let frames = &frames.as_bytes()[from..];
        self.writes.borrow_mut().push(frames.to_vec());
        frames.len() > TAKEN
    }

    fn close(&self, code: u16, _: &str) {
        let mut frames = Frames::new();
        frames.text(&format!("x{code}"));
        self.send(&frames, 0);
    }
}

/// The texts of short frames: an opcode byte, a length byte, and the text (RFC 6455 5.2).
fn words(mut frames: &[u8]) -> String {
    let mut words = Vec::new();
    while let [0x81, length, rest @ ..] = frames {
        let (text, behind) = rest.split_at(usize::from(*length));
        // Messages are written as "name: text" in the dialect text, and as "…"text":"text"…" in the others.
        let text = String::from_utf8_lossy(text);
        let word = text.split_once("\"text\":\"").and_then(|(_, rest)| rest.split('"').next());
        words.push(word.or(text.split(": ").nth(1)).unwrap_or(&text).to_owned());
        frames = behind;
    }
    assert!(frames.is_empty(), "whole frames only");
    words.join(" ")
}

fn message(text: &str) -> ServerMessage {
    let (room, name, text) = ("".into(), "n".into(), text.into());
    ServerMessage::Message(StoredMessage { room, seq: 1, date: 1, id: 1, name, text, nonce: None })
}

/// Runs a script in two rooms, `*` and `#`. In it, `1+` joins room `*` in a dialect that depends on the number, and
/// subscribes; `1#` does so in room `#`; `1?` only joins room `*`, `1>` subscribes, `1=` unsubscribes; `1-` leaves, `1x`
/// is closed; `1<w` sends `w` to 1, `*<w` and `#<w` broadcast it,
/// `*-1<w` does so except for 1; `.` ends the batch.
/// Returns the members that were behind after a batch as well.
fn run(script: &str, peers: &mut HashMap<UserId, Recorder>) -> (Fanout<Recorder>, Vec<UserId>) {
    let (mut fanout, mut behind) = (Fanout::default(), Vec::new());
    for step in script.split(' ') {
        let (who, what) = step.split_at(1);
        match (who.parse(), what.split_at(what.len().min(1))) {
            (Ok(id), ("+" | "#", _)) => {
                let dialect = Dialect::ALL[id as usize % 3];
                fanout.join(id, peers.entry(id).or_default().clone(), dialect, room(what), None);
                fanout.subscribe(id);
            }
            (Ok(id), ("?", _)) => {
                fanout.join(id, peers.entry(id).or_default().clone(), Dialect::Text, room(what), None)
            }
            (Ok(id), (">", _)) => fanout.subscribe(id),
            (Ok(id), ("=", _)) => fanout.unsubscribe(id),
            (Ok(id), ("-", _)) => fanout.leave(id),
            (Ok(id), ("x", _)) => fanout.close(id, 1000, ""),
            (Ok(id), ("<", word)) => fanout.send(id, &message(word)),
            (Err(_), ("<", word)) => fanout.broadcast(room(who), &message(word), None),
            (Err(_), ("-", word)) => {
                let (id, word) = word.split_once('<').expect("an id and a word");
                fanout.broadcast(room(who), &message(word), id.parse().ok());
            }
            _ => behind.extend(fanout.flush()),
        }
    }
    (fanout, behind)
}

fn room(word: &str) -> RoomId {
    RoomId(if word == "#" { 3 } else { 0 })
}

/// A member, and the texts of each write.
type Writes<'a> = &'a [(UserId, &'a [&'a str])];

#[test]
fn members_get_one_write_per_batch_in_order() {
    let rows: &[(&str, Writes)] = &[
        ("1+ 2+ *<a *<b . *<c .", &[(1, &["a b", "c"]), (2, &["a b", "c"])]),
        ("1+ 2+ 1<a .", &[(1, &["a"]), (2, &[])]),
        ("1+ 2+ *<a 1<b *<c 1<d 1<e *<f .", &[(1, &["a b c d e f"]), (2, &["a c f"])]),
        ("1+ 2+ 1<a *<b . *<c . 1<d .", &[(1, &["a b", "c", "d"]), (2, &["b", "c"])]),
        // A member that joins in between gets what follows, in every dialect.
        ("1+ *<a 2+ *<b 3+ 4+ *<c .", &[(1, &["a b c"]), (2, &["b c"]), (3, &["c"]), (4, &["c"])]),
        ("1+ *<a 2+ 2<b *<c .", &[(1, &["a c"]), (2, &["b c"])]),
        ("1+ *<a 4+ . *<b .", &[(1, &["a", "b"]), (4, &["b"])]),
        // A member that leaves gets nothing of this batch; one that is closed gets the batch so far.
        ("1+ 2+ 3+ *<a 1<b 1- *<c . *<d .", &[(1, &[]), (2, &["a c", "d"]), (3, &["a c", "d"])]),
        ("1+ 2+ *<a 1<b 1x *<c 1<d .", &[(1, &["a b", "x1000"]), (2, &["a c"])]),
        ("1+ 2+ *<a 1x *<b . *<c .", &[(1, &["a", "x1000"]), (2, &["a b", "c"])]),
        ("1+ 2+ 1x 1x .", &[(1, &["x1000"]), (2, &[])]),
        // The last member takes the place of one that left, and is still found.
        ("1+ 2+ 3+ 4+ 1- 4<a 3x 4<b *<c . 4<d .", &[(1, &[]), (2, &["c"]), (3, &["x1000"]), (4, &["a b c", "d"])]),
        ("1+ 1<a 1- 2+ . 1<b 9<c 9- 9x *<d .", &[(1, &[]), (2, &["d"])]),
        // One member gets a copy of its own, in the same place.
        ("1+ 2+ *<a *-1<b 1<B *<c .", &[(1, &["a B c"]), (2, &["a b c"])]),
        ("1+ 4+ *-1<a 1<A *-4<b 4<B . *<c .", &[(1, &["A b", "c"]), (4, &["a B", "c"])]),
        ("1+ 2+ *-1<a . *<b .", &[(1, &["b"]), (2, &["a", "b"])]),
        ("1+ 2+ *-1<a *<b *-9<c .", &[(1, &["b c"]), (2, &["a b c"])]),
        ("1+ 2+ *<a *-1<b 1<B 1x *<c .", &[(1, &["a B", "x1000"]), (2, &["a b c"])]),
        ("1+ 2? *-2<a 2<b 2> *<c .", &[(1, &["a c"]), (2, &["b c"])]),
        // Broadcasts stay in their room.
        ("1+ 2# *<a #<b 1<c . #<d .", &[(1, &["a c"]), (2, &["b", "d"])]),
        ("1# 2+ 3# #<a 4# *<b 1x #<c 3- .", &[(1, &["a", "x1000"]), (2, &["b"]), (3, &[]), (4, &["c"])]),
        ("1# 1- 2# #<a 2- 3# #<b .", &[(1, &[]), (2, &[]), (3, &["b"])]),
        ("#<a *<b 1# . 1<c .", &[(1, &["c"])]),
        // Before it subscribes, a member gets only the messages for it alone.
        ("1+ 2? *<a 2<b *<c 2> *<d .", &[(1, &["a c d"]), (2, &["b d"])]),
        ("1+ 2? *<a . 2<b . 2> 2<c *<d 2<e .", &[(1, &["a", "d"]), (2, &["b", "c d e"])]),
        ("2? 2<a 2x .", &[(2, &["a", "x1000"])]),
        // After it unsubscribes, too, and the broadcasts before that.
        ("1+ 2+ *<a . 2= *<b 2<c . 2> *<d .", &[(1, &["a", "b", "d"]), (2, &["a", "c", "d"])]),
        ("1+ 2+ *<a 2= *<b . *<c 2> *<d .", &[(1, &["a b", "c d"]), (2, &["a", "d"])]),
        ("1+ 2+ *<a 2= *<b 2<c 2> *<d 2= *<e .", &[(1, &["a b d e"]), (2, &["a c d"])]),
        ("1+ 2+ *<a 2<b 2= 2= 2<c *<d . 9= .", &[(1, &["a d"]), (2, &["a b c"])]),
        // A Close does not wait for the batch, everything else does.
        ("1+ 2+ *<a 1x", &[(1, &["a", "x1000"]), (2, &[])]),
    ];
    for (script, expected) in rows {
        let mut peers = HashMap::new();
        run(script, &mut peers);
        for (id, writes) in *expected {
            assert_eq!(peers[id].writes(), *writes, "{id} in {script}");
        }
    }
}

#[test]
fn batch_size_is_bounded() {
    for is_broadcast in [true, false] {
        let mut peers = HashMap::new();
        let (mut fanout, _) = run("1+", &mut peers);
        for round in 0..3 {
            let text = message(&"x".repeat(1000));
            let mut count = 0;
            while !fanout.is_full() {
                if is_broadcast {
                    fanout.broadcast(RoomId::LOBBY, &text, None)
                } else {
                    fanout.send(1, &text)
                }
                count += 1;
                assert!(count < 70, "{is_broadcast}");
            }
            assert!(count > 58, "{is_broadcast}: {count} in round {round}");
            fanout.flush();
            assert!(!fanout.is_full());
        }
        let most = peers[&1].writes.borrow().iter().map(Vec::len).max();
        assert!(
            most.is_some_and(|most| (MAX_BATCH_BYTES..MAX_BATCH_BYTES + 1100).contains(&most)),
            "{is_broadcast}: {most:?}"
        );
    }
}

/// A member is behind if it is subscribed and its write was too long.
#[test]
fn members_that_cannot_take_more_are_behind() {
    let long = "x".repeat(TAKEN);
    let rows: [(&str, &[UserId]); 6] = [
        ("1+ 2+ *<a 1<b .", &[]),
        (&format!("1+ 2+ *<{long} ."), &[1, 2]),
        (&format!("1+ 2+ 1<{long} . 2<a ."), &[1]),
        (&format!("1+ 2+ *<{long} 1= . 1<a ."), &[2]),
        (&format!("1? 2+ *<a 1<{long} 1<b ."), &[]),
        (&format!("1+ 2+ *<{long} 1- 2x ."), &[]),
    ];
    for (script, behind) in rows {
        let mut peers = HashMap::new();
        let (mut fanout, found) = run(script, &mut peers);
        assert_eq!(found, behind, "{script:.30}");
        assert_eq!(fanout.flush(), [0; 0], "once");
    }
}

#[test]
fn dialect_without_members_is_not_encoded() {
    let mut peers = HashMap::new();
    let (fanout, _) = run("1+ 2+ 2- *<a", &mut peers);
    let dialects: Vec<Dialect> = fanout.groups.iter().map(|(_, group)| group.dialect).collect();
    assert_eq!(dialects, [Dialect::Chinwag]);
}

/// A model of [`Fanout`] with a separate queue for each member.
#[derive(Default)]
struct Model {
    here: Vec<(UserId, RoomId)>,
    received: HashMap<UserId, Vec<String>>,
    /// The messages of this batch, which are lost if the member leaves.
    batch: HashMap<UserId, Vec<String>>,
}

impl Model {
    fn run(&mut self, script: &str) {
        for step in script.split(' ') {
            let (who, what) = step.split_at(1);
            match (who.parse::<UserId>(), &what[..what.len().min(1)]) {
                (Ok(id), "+" | "#") => self.here.push((id, room(what))),
                (Ok(id), "-") => self.leave(id),
                (Ok(id), "x") if self.is_here(id) => {
                    self.send(id, "x1000");
                    self.end_batch(id);
                    self.leave(id);
                }
                (Ok(id), "<") if self.is_here(id) => self.send(id, &what[1..]),
                (Err(_), "<") => {
                    let members = self.here.clone().into_iter().filter(|(_, here)| *here == room(who));
                    members.for_each(|(id, _)| self.send(id, &what[1..]));
                }
                (Err(_), _) => self.here.clone().into_iter().for_each(|(id, _)| self.end_batch(id)),
                _ => {}
            }
        }
    }

    fn is_here(&self, id: UserId) -> bool {
        self.here.iter().any(|(here, _)| *here == id)
    }

    fn send(&mut self, id: UserId, word: &str) {
        self.batch.entry(id).or_default().push(word.to_owned());
    }

    fn end_batch(&mut self, id: UserId) {
        self.received.entry(id).or_default().extend(self.batch.remove(&id).unwrap_or_default());
    }

    fn leave(&mut self, id: UserId) {
        self.here.retain(|(here, _)| *here != id);
        self.batch.remove(&id);
    }
}

/// A script from random numbers. Ids are not used twice, like those of peers.
fn script(steps: &[(u8, u64)]) -> String {
    let mut script = vec!["1+".to_owned()];
    let mut next = 2;
    for (number, (what, who)) in steps.iter().enumerate() {
        let id = 1 + who % 9;
        script.push(match what {
            0 | 1 if next < 10 => {
                next += 1;
                format!("{}{}", next - 1, ["+", "#"][usize::from(*what)])
            }
            2 => format!("{id}-"),
            3 => format!("{id}x"),
            4..=6 => format!("{id}<w{number}"),
            7 => ".".to_owned(),
            8 | 9 => format!("#<w{number}"),
            _ => format!("*<w{number}"),
        });
    }
    script.push(".".to_owned());
    script.join(" ")
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_script_gives_the_same_as_the_model(steps in proptest::collection::vec((0..14_u8, 0..9_u64), 0..80)) {
        let script = script(&steps);
        let mut peers = HashMap::new();
        run(&script, &mut peers);
        let mut model = Model::default();
        model.run(&script);
        let batches = script.split(' ').filter(|step| *step == ".").count();
        for (id, peer) in &peers {
            let writes = peer.writes();
            proptest::prop_assert_eq!(writes.join(" "), model.received.remove(id).unwrap_or_default().join(" "), "{} in {}", id, &script);
            // A Close, and the write before it, are two more.
            proptest::prop_assert!(writes.len() <= batches + 2, "{} in {}", id, &script);
        }
    }
}

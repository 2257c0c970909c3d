//! The law, in stories that were thought of, and in random ones.

use super::*;
use crate::chat::protocol::StoredMessage;
use std::{cell::RefCell, rc::Rc};

/// What one peer was given: its id, and its writes.
#[derive(Debug, Clone)]
struct Ear {
    id: UserId,
    writes: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl Ear {
    fn new(id: UserId) -> Self {
        Self { id, writes: Rc::default() }
    }

    /// The words of each write, with a space between two: `a b`. A Close is a write of its own: `x1000`.
    fn heard(&self) -> Vec<String> {
        self.writes.borrow().iter().map(|frames| words(frames)).collect()
    }
}

impl Recipient for Ear {
    fn id(&self) -> UserId {
        self.id
    }

    fn send(&self, frames: &[u8]) {
        self.writes.borrow_mut().push(frames.to_vec());
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn close(&self, code: u16, _: &str) {
        let mut frames = Frames::new();
        frames.text(&format!("x{code}"));
        self.send(frames.as_bytes());
    }

    fn cut(&self) {
        self.close(1006, "");
    }
}

/// The texts in short frames: a byte that says so, one of length, and the text (RFC 6455 5.2).
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

/// Two rooms: `*` and `#`. One line of a story: `1+` joins the first (in the dialect of its number), `1#` the other, `1?`
/// none yet, `1>` then does the first, `1-` leaves, `1x` is closed, `1!` is cut, `1<w` is told `w`, `*<w` and `#<w` are said to a room, `.` ends the batch. And what
/// each has heard then, in writes.
fn tell(story: &str, ears: &mut HashMap<UserId, Ear>) -> Fanout<Ear> {
    let mut fanout = Fanout::default();
    for line in story.split(' ') {
        let (who, what) = line.split_at(1);
        match (who.parse(), what.split_at(what.len().min(1))) {
            (Ok(id), ("+" | "#", _)) => {
                let ear = ears.entry(id).or_insert_with(|| Ear::new(id));
                fanout.join(ear.clone(), Dialect::ALL[id as usize % 3]);
                fanout.enter(id, room(what));
            }
            (Ok(id), ("?", _)) => fanout.join(ears.entry(id).or_insert_with(|| Ear::new(id)).clone(), Dialect::Text),
            (Ok(id), (">", _)) => fanout.enter(id, RoomId::LOBBY),
            (Ok(id), ("-", _)) => fanout.leave(id),
            (Ok(id), ("x", _)) => fanout.close(id, 1000, ""),
            (Ok(id), ("!", _)) => fanout.cut(id),
            (Ok(id), ("<", word)) => fanout.send(id, &message(word)),
            (Err(_), ("<", word)) => fanout.broadcast(room(who), &message(word)),
            _ => fanout.flush(),
        }
    }
    fanout
}

/// The numbers are those that the rules give, which are small, but not without holes.
fn room(word: &str) -> RoomId {
    RoomId::at(if word == "#" { 3 } else { 0 })
}

/// Who, and the words of each write.
type Writes<'a> = &'a [(UserId, &'a [&'a str])];

#[test]
fn in_order_and_in_one_write_a_batch() {
    let rows: &[(&str, Writes)] = &[
        ("1+ 2+ *<a *<b . *<c .", &[(1, &["a b", "c"]), (2, &["a b", "c"])]),
        ("1+ 2+ 1<a .", &[(1, &["a"]), (2, &[])]),
        ("1+ 2+ *<a 1<b *<c 1<d 1<e *<f .", &[(1, &["a b c d e f"]), (2, &["a c f"])]),
        ("1+ 2+ 1<a *<b . *<c . 1<d .", &[(1, &["a b", "c", "d"]), (2, &["b", "c"])]),
        // Whoever comes in between hears what is said from then on, in every dialect.
        ("1+ *<a 2+ *<b 3+ 4+ *<c .", &[(1, &["a b c"]), (2, &["b c"]), (3, &["c"]), (4, &["c"])]),
        ("1+ *<a 2+ 2<b *<c .", &[(1, &["a c"]), (2, &["b c"])]),
        ("1+ *<a 4+ . *<b .", &[(1, &["a", "b"]), (4, &["b"])]),
        // Who leaves hears nothing of this batch any more; who is closed hears it up to there.
        ("1+ 2+ 3+ *<a 1<b 1- *<c . *<d .", &[(1, &[]), (2, &["a c", "d"]), (3, &["a c", "d"])]),
        ("1+ 2+ *<a 1<b 1x *<c 1<d .", &[(1, &["a b", "x1000"]), (2, &["a c"])]),
        ("1+ 2+ *<a 1x *<b . *<c .", &[(1, &["a", "x1000"]), (2, &["a b", "c"])]),
        ("1+ 2+ 1x 1x 2! .", &[(1, &["x1000"]), (2, &["x1006"])]),
        // The one who takes the place of one who left is still found.
        ("1+ 2+ 3+ 4+ 1- 4<a 3x 4<b *<c . 4<d .", &[(1, &[]), (2, &["c"]), (3, &["x1000"]), (4, &["a b c", "d"])]),
        ("1+ 1<a 1- 2+ . 1<b 9<c 9- 9x 9! *<d .", &[(1, &[]), (2, &["d"])]),
        // What is said in one room is not heard in the other.
        ("1+ 2# *<a #<b 1<c . #<d .", &[(1, &["a c"]), (2, &["b", "d"])]),
        ("1# 2+ 3# #<a 4# *<b 1x #<c 3- .", &[(1, &["a", "x1000"]), (2, &["b"]), (3, &[]), (4, &["c"])]),
        ("1# 1- 2# #<a 2- 3# #<b .", &[(1, &[]), (2, &[]), (3, &["b"])]),
        ("#<a *<b 1# . 1<c .", &[(1, &["c"])]),
        // Who is in no room yet hears only what is meant for it alone, and after that, the room.
        ("1+ 2? *<a 2<b *<c 2> *<d .", &[(1, &["a c d"]), (2, &["b d"])]),
        ("1+ 2? *<a . 2<b . 2> 2<c *<d 2<e .", &[(1, &["a", "d"]), (2, &["b", "c d e"])]),
        ("2? 2<a 2x .", &[(2, &["a", "x1000"])]),
        // A Close waits for its batch, as everything does.
        ("1+ *<a 1x", &[(1, &[])]),
    ];
    for (story, expected) in rows {
        let mut ears = HashMap::new();
        tell(story, &mut ears);
        for (id, writes) in *expected {
            assert_eq!(ears[id].heard(), *writes, "{id} in {story}");
        }
    }
}

/// However it is said: to the room, in one dialect or another, or to one alone.
#[test]
fn a_batch_is_full_in_time_and_empty_when_it_was_sent() {
    for line in ["*<", "1<"] {
        let mut ears = HashMap::new();
        let mut fanout = tell("1+ 2+", &mut ears);
        for round in 0..3 {
            let text = message(&"x".repeat(1000));
            let mut count = 0;
            while !fanout.is_full() {
                if line == "*<" {
                    fanout.broadcast(RoomId::LOBBY, &text)
                } else {
                    fanout.send(1, &text)
                }
                count += 1;
                assert!(count < 70, "{line}");
            }
            assert!(count > 58, "{line}: {count} in round {round}");
            fanout.flush();
            assert!(!fanout.is_full());
        }
        let most = ears[&1].writes.borrow().iter().map(Vec::len).max();
        assert!(most.is_some_and(|most| (FULL..FULL + 1100).contains(&most)), "{line}: {most:?}");
    }
}

#[test]
fn nothing_is_encoded_for_nobody() {
    let mut ears = HashMap::new();
    let fanout = tell("1+ 2+ 2- *<a", &mut ears);
    let lengths = fanout.rooms[1].said.as_ref().expect("something was said").each_ref().map(Frames::is_empty);
    assert_eq!(lengths, [true, false, true]);
}

/// Says everything at once to everyone whom it concerns: the law, written down in the plainest way.
#[derive(Default)]
struct Plain {
    here: Vec<(UserId, RoomId)>,
    heard: HashMap<UserId, Vec<String>>,
    /// What a member got in this batch: lost, if it leaves.
    batch: HashMap<UserId, Vec<String>>,
}

impl Plain {
    fn tell(&mut self, story: &str) {
        for line in story.split(' ') {
            let (who, what) = line.split_at(1);
            match (who.parse::<UserId>(), &what[..what.len().min(1)]) {
                (Ok(id), "+" | "#") => self.here.push((id, room(what))),
                (Ok(id), "-") => self.leave(id),
                (Ok(id), "x") if self.is_here(id) => {
                    self.say(id, "x1000");
                    self.end_batch(id);
                    self.leave(id);
                }
                (Ok(id), "<") if self.is_here(id) => self.say(id, &what[1..]),
                (Err(_), "<") => {
                    let listeners = self.here.clone().into_iter().filter(|(_, here)| *here == room(who));
                    listeners.for_each(|(id, _)| self.say(id, &what[1..]));
                }
                (Err(_), _) => self.here.clone().into_iter().for_each(|(id, _)| self.end_batch(id)),
                _ => {}
            }
        }
    }

    fn is_here(&self, id: UserId) -> bool {
        self.here.iter().any(|(here, _)| *here == id)
    }

    fn say(&mut self, id: UserId, word: &str) {
        self.batch.entry(id).or_default().push(word.to_owned());
    }

    fn end_batch(&mut self, id: UserId) {
        self.heard.entry(id).or_default().extend(self.batch.remove(&id).unwrap_or_default());
    }

    fn leave(&mut self, id: UserId) {
        self.here.retain(|(here, _)| *here != id);
        self.batch.remove(&id);
    }
}

/// Steps as numbers; ids are never used again, as peers' ids are not.
fn story(steps: &[(u8, u64)]) -> String {
    let mut story = vec!["1+".to_owned()];
    let mut next = 2;
    for (number, (what, who)) in steps.iter().enumerate() {
        let id = 1 + who % 9;
        story.push(match what {
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
    story.push(".".to_owned());
    story.join(" ")
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_law_holds_in_any_story(steps in proptest::collection::vec((0..14_u8, 0..9_u64), 0..80)) {
        let story = story(&steps);
        let mut ears = HashMap::new();
        tell(&story, &mut ears);
        let mut plain = Plain::default();
        plain.tell(&story);
        let batches = story.split(' ').filter(|line| *line == ".").count();
        for (id, ear) in &ears {
            let heard = ear.heard();
            proptest::prop_assert_eq!(heard.join(" "), plain.heard.remove(id).unwrap_or_default().join(" "), "{} in {}", id, &story);
            // A Close, and what comes before it, are two more.
            proptest::prop_assert!(heard.len() <= batches + 2, "{} in {}", id, &story);
        }
    }
}

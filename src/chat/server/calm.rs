//! The names of those who sign in, as long as nothing takes them along.
//!
//! Owns them, what is urgent, and how long the rest waits. When a thousand sign in at once, each of a thousand is told a
//! thousand names. Told one by one, as they come, that is a million writes. But the list of all of them waits already
//! (law 3 in `chat.rs`), so that a name may wait a moment, too; and a crowd of names waits for the list, which says all that they
//! say at a fraction of their size, and goes first then, as it does for a single name.
//!
//! What is said or kept, who leaves and who is closed take them along: nothing that somebody says overtakes its name. What one
//! alone is told (its `id`, the past, an error) does, and who enters meanwhile hears them, too. The names of all rooms count
//! together, and any room's list is taken for theirs: at worst they are told before their own. Waits for nothing itself, and is
//! told the time.

use crate::{
    chat::protocol::ServerMessage,
    chat::rules::{Output, RoomId},
};
use std::{
    mem,
    time::{Duration, Instant},
};

/// The most that a few names wait: who signs in wants to know under which one.
const SHORT: Duration = Duration::from_millis(10);

/// The most that a crowd waits for its list, which is told ten times a second.
const LONG: Duration = Duration::from_millis(100);

/// So many names are a crowd.
const CROWD: usize = 32;

/// Bytes of names, encoded, that wait at most: half of what may wait for one peer by default.
const MOST: usize = 128 * 1024;

/// What a notice has besides its name, and a little more.
const AROUND: usize = 72;

/// The names that wait, and whether the batch beside them does not.
#[derive(Debug, Default)]
pub(super) struct Calm {
    /// Who signed in, and where.
    names: Vec<(RoomId, ServerMessage)>,
    /// What they will have, encoded.
    bytes: usize,
    /// The first of them came then.
    since: Option<Instant>,
    /// A list is in this batch, and goes before them.
    listed: bool,
    /// It has been sent: now it is their turn.
    due: bool,
    urgent: bool,
}

/// What becomes of the batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It waits for more.
    Wait,
    /// It is sent; the names, which are not in it yet, wait.
    SendRest,
    /// All of it is sent.
    SendAll,
}

impl Calm {
    /// A name, which may wait.
    pub(super) fn name(&mut self, room: RoomId, notice: ServerMessage) {
        if let ServerMessage::Username { name, .. } = &notice {
            self.bytes += AROUND + name.bytes().map(encoded).sum::<usize>();
        }
        self.names.push((room, notice));
    }

    /// Whether no more may wait.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MOST
    }

    /// Something else, which is urgent: the names that have to be told before it.
    pub(super) fn names_before(&mut self, output: &Output) -> Vec<(RoomId, ServerMessage)> {
        self.urgent = true;
        match output {
            // What one is told on coming needs no others' names; but who talks to somebody has a name.
            Output::Enter { .. } | Output::ShowHandshake { .. } => Vec::new(),
            Output::Send { notice, .. } if !matches!(notice, ServerMessage::Private { .. }) => Vec::new(),
            Output::Broadcast { notice: ServerMessage::UserList(_), .. } if self.is_crowd() && !self.due => {
                self.listed = true;
                Vec::new()
            }
            _ => self.take_names(),
        }
    }

    /// All names, which are told now.
    pub(super) fn take_names(&mut self) -> Vec<(RoomId, ServerMessage)> {
        (self.bytes, self.since, self.listed, self.due) = (0, None, false, false);
        mem::take(&mut self.names)
    }

    /// When a batch that waits has waited enough.
    pub(super) fn until(&self) -> Option<Instant> {
        let wait = if self.due {
            Duration::ZERO
        } else if self.is_crowd() {
            LONG
        } else {
            SHORT
        };
        self.since.map(|since| since + wait)
    }

    /// At the end of a batch.
    pub(super) fn judge(&mut self, now: Instant) -> Verdict {
        let urgent = mem::take(&mut self.urgent);
        if self.names.is_empty() {
            return Verdict::SendAll;
        }
        self.since.get_or_insert(now);
        let waits = !self.is_full() && self.until().is_some_and(|until| now < until);
        let listed = mem::take(&mut self.listed);
        self.due |= listed;
        match urgent {
            // The list alone: it is small, and everybody shall have it before the first is told all names.
            true if listed || waits && self.is_crowd() => Verdict::SendRest,
            false if waits => Verdict::Wait,
            _ => Verdict::SendAll,
        }
    }

    fn is_crowd(&self) -> bool {
        self.names.len() >= CROWD
    }
}

/// Bytes that a byte of a name becomes in the dialect with the longest ones, `json`.
fn encoded(byte: u8) -> usize {
    match byte {
        b'&' => "&amp;".len(),
        b'<' | b'>' => "&lt;".len(),
        b'"' | b'\\' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::{Audience, Dialect};
    use Verdict::{SendAll, SendRest, Wait};

    fn said(notice: ServerMessage) -> Output {
        Output::Broadcast { room: RoomId::LOBBY, notice }
    }

    fn list() -> Output {
        said(ServerMessage::UserList(["ann".into()].into()))
    }

    fn left() -> Output {
        said(ServerMessage::Left { name: "ann".into() })
    }

    fn welcome() -> Output {
        Output::Send { to: 1, notice: ServerMessage::Id { id: 1, seq: 0, log: "x".into() } }
    }

    fn private() -> Output {
        let audience = Audience::Other("bob".into());
        let (name, text) = ("ann".into(), "hi".into());
        Output::Send { to: 1, notice: ServerMessage::Private { name, text, id: 1, date: 0, audience, nonce: None } }
    }

    fn sign_in(calm: &mut Calm, count: usize) {
        for id in 0..count {
            calm.name(RoomId::LOBBY, ServerMessage::Username { name: "ann".into(), id: id as u64, date: 0 });
        }
    }

    #[test]
    fn what_becomes_of_names_and_batch() {
        let begin = Instant::now();
        for (what, names, others, first, verdict) in [
            ("nothing", 0, vec![], 0, SendAll),
            ("a name", 1, vec![], 0, Wait),
            ("a crowd", CROWD, vec![], 0, Wait),
            ("too large a crowd", MOST / AROUND, vec![], 0, SendAll),
            ("something else", 0, vec![list()], 0, SendAll),
            ("a name and its list", 1, vec![list()], 1, SendAll),
            ("a name and a newcomer", 1, vec![welcome()], 0, SendAll),
            ("a crowd and its list", CROWD, vec![list()], 0, SendRest),
            ("a crowd and a newcomer", CROWD, vec![welcome()], 0, SendRest),
            ("a crowd, one of whom leaves", CROWD, vec![left(), list()], CROWD, SendAll),
            ("a crowd, one of whom talks to somebody", CROWD, vec![private()], CROWD, SendAll),
        ] {
            let mut calm = Calm::default();
            sign_in(&mut calm, names);
            let before: usize = others.iter().map(|output| calm.names_before(output).len()).sum();
            assert_eq!((before, calm.judge(begin)), (first, verdict), "{what}");
        }
    }

    /// Nobody who reads is dropped because much that waited comes at once.
    #[test]
    fn what_waits_is_bounded_by_what_is_sent() {
        for name in ["ann", "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&", "a\"<b>\\c", "\u{1f600}"] {
            let notice =
                ServerMessage::Username { name: name.into(), id: u64::from(u32::MAX), date: 1_763_877_123_456 };
            let (mut calm, mut text, mut sent) = (Calm::default(), String::new(), 0);
            while !calm.is_full() {
                calm.name(RoomId::LOBBY, notice.clone());
                text.clear();
                assert!(Dialect::Json.encode(&notice, &mut text));
                sent += text.len() + 4;
            }
            assert!((MOST / 2..=MOST).contains(&sent), "{name}: {sent}");
        }
    }

    #[test]
    fn a_list_goes_before_its_crowd_and_a_moment_later_the_crowd() {
        let (mut calm, begin) = (Calm::default(), Instant::now());
        sign_in(&mut calm, 1);
        assert_eq!((calm.judge(begin), calm.until()), (Wait, Some(begin + SHORT)));
        sign_in(&mut calm, CROWD);
        assert_eq!((calm.judge(begin + SHORT), calm.until()), (Wait, Some(begin + LONG)));
        assert!(calm.names_before(&list()).is_empty());
        assert_eq!((calm.judge(begin + SHORT), calm.until()), (SendRest, Some(begin)));
        // Newcomers in each batch do not keep them waiting, nor do more lists.
        assert!(calm.names_before(&welcome()).is_empty());
        assert_eq!(calm.judge(begin + SHORT), SendAll);
        assert_eq!(calm.names_before(&list()).len(), CROWD + 1);
        assert_eq!((calm.judge(begin + SHORT), calm.until()), (SendAll, None));
    }

    #[test]
    fn more_names_do_not_prolong_the_wait_and_the_next_batch_has_its_own() {
        for (count, most) in [(1, SHORT), (CROWD, LONG)] {
            let (mut calm, begin) = (Calm::default(), Instant::now());
            for (after, verdict) in [(Duration::ZERO, Wait), (most / 2, Wait), (most, SendAll)] {
                sign_in(&mut calm, count);
                assert_eq!(calm.judge(begin + after), verdict, "{count} {after:?}");
            }
            assert_eq!(calm.take_names().len(), 3 * count);
            sign_in(&mut calm, count);
            assert_eq!(calm.judge(begin + most), Wait);
        }
    }
}

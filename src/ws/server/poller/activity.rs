//! Which connections are busy, and whether enough of them are at the same time. The numbers were found by measuring.

use std::time::{Duration, Instant};

/// Messages that follow each other within this time are quick.
const QUICK: Duration = Duration::from_millis(10);

/// This many quick messages in a row make a connection busy.
const QUICK_MESSAGES: u32 = 8;

/// The poller pays from this many busy connections on.
pub(super) const MIN_CROWD: usize = 3;

/// Busy connections are counted over this time. Longer than [`QUICK`], within which each of them receives a message.
const WINDOW: Duration = Duration::from_millis(20);

/// How busy one connection is.
pub(in crate::ws::server) struct Activity {
    last: Instant,
    quick: u32,
}

impl Activity {
    pub(in crate::ws::server) fn new() -> Self {
        Self { last: Instant::now(), quick: 0 }
    }

    /// Counts a message. Returns whether the connection is busy.
    pub(in crate::ws::server) fn is_busy(&mut self, now: Instant) -> bool {
        let is_quick = now.saturating_duration_since(self.last) < QUICK;
        self.quick = if is_quick { (self.quick + 1).min(QUICK_MESSAGES) } else { 0 };
        self.last = now;
        self.quick == QUICK_MESSAGES
    }
}

/// The busy connections on threads of their own.
#[derive(Default)]
pub(super) struct Crowd {
    since: Option<Instant>,
    /// A bit for each of them, by id modulo 64. Two may share a bit now and then.
    seen: u64,
}

impl Crowd {
    /// Counts a busy connection. Returns how many were seen in this window.
    pub(super) fn count(&mut self, id: u64, now: Instant) -> usize {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) > WINDOW) {
            *self = Self { since: Some(now), seen: 0 };
        }
        self.seen |= 1 << (id % 64);
        self.seen.count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_connection_is_busy_after_quick_messages_until_a_slow_one() {
        let mut activity = Activity::new();
        let mut now = activity.last;
        let mut after = |activity: &mut Activity, wait: u32| {
            now += wait * MILLISECOND;
            activity.is_busy(now)
        };
        for _ in 1..QUICK_MESSAGES {
            assert!(!after(&mut activity, 9));
        }
        assert!(after(&mut activity, 9) && after(&mut activity, 1));
        assert!(!after(&mut activity, 10) && !after(&mut activity, 1));
    }

    #[test]
    fn a_crowd_is_several_connections_in_one_window() {
        let mut crowd = Crowd::default();
        let begin = Instant::now();
        for (id, millis, expected) in
            [(1, 0, 1), (1, 1, 1), (2, 2, 2), (1, 20, 2), (3, 20, 3), (4, 20, 4), (1, 21, 1), (9, 100, 1)]
        {
            assert_eq!(crowd.count(id, begin + millis * MILLISECOND), expected, "{id} after {millis} ms");
        }
    }
}

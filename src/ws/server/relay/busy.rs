//! Who is busy, and whether enough are at the same time.
//!
//! Owns the numbers, found by measuring. Knows no sockets and no threads.

use std::time::{Duration, Instant};

/// Messages that follow each other within less than this are quick.
const GAP: Duration = Duration::from_millis(10);

/// So many quick messages, one after the other, make a connection a busy one.
const QUICK: u32 = 8;

/// With so many busy connections a relay pays.
pub(super) const FEW: usize = 3;

/// For how long busy connections are counted. Longer than [`GAP`], within which each of them speaks.
const WINDOW: Duration = Duration::from_millis(20);

/// One connection's own sense of it.
pub(in crate::ws::server) struct Busy {
    last: Instant,
    quick: u32,
}

impl Busy {
    pub(in crate::ws::server) fn new() -> Self {
        Self { last: Instant::now(), quick: 0 }
    }

    /// It said something. True: it has been busy for a while.
    pub(in crate::ws::server) fn heard(&mut self, now: Instant) -> bool {
        let quick = now.saturating_duration_since(self.last) < GAP;
        self.quick = if quick { (self.quick + 1).min(QUICK) } else { 0 };
        self.last = now;
        self.quick == QUICK
    }
}

/// Who is busy and not lent (or was not a moment ago).
#[derive(Default)]
pub(super) struct Crowd {
    since: Option<Instant>,
    /// Who spoke since then, as one bit of 64: now and then two are counted as one.
    seen: u64,
}

impl Crowd {
    /// This one is busy: how many were within the last moments?
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
    fn a_connection_is_busy_after_some_quick_messages_and_until_a_slow_one() {
        let mut busy = Busy::new();
        let mut now = busy.last;
        let mut after = |busy: &mut Busy, wait: u32| {
            now += wait * MILLISECOND;
            busy.heard(now)
        };
        for _ in 1..QUICK {
            assert!(!after(&mut busy, 9));
        }
        assert!(after(&mut busy, 9) && after(&mut busy, 1));
        assert!(!after(&mut busy, 10) && !after(&mut busy, 1));
    }

    #[test]
    fn a_crowd_is_several_at_the_same_time() {
        let mut crowd = Crowd::default();
        let begin = Instant::now();
        for (id, millis, expected) in
            [(1, 0, 1), (1, 1, 1), (2, 2, 2), (1, 20, 2), (3, 20, 3), (4, 20, 4), (1, 21, 1), (9, 100, 1)]
        {
            assert_eq!(crowd.count(id, begin + millis * MILLISECOND), expected, "{id} after {millis} ms");
        }
    }
}

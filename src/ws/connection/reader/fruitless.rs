//! Bytes that make no message, and how many of them are too many.
//!
//! Owns their count. Fragments may be short, but not so short that a peer keeps us busy with nothing. Knows no sockets and
//! no frames.

use std::time::{Duration, Instant};

/// Bytes that may come without making a message: so many times the largest message, and a little for control frames.
const OVERHEAD: usize = 8;
const LITTLE: usize = 64 * 1024;

/// What even the shortest message may cost an eighth of.
const SHORTEST: usize = 64;

/// The time over which they are counted: a peer that only ever answers Pings may do so for years.
const COUNTED: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Fruitless {
    bytes: usize,
    since: Instant,
}

impl Fruitless {
    pub(super) fn new() -> Self {
        Self { bytes: 0, since: Instant::now() }
    }

    /// So many more came, where so many make the largest message. True: that is too much for nothing, and came quickly.
    pub(super) fn is_too_much(&mut self, count: usize, largest: usize) -> bool {
        self.bytes += count;
        if self.bytes == count {
            self.since = Instant::now();
            return false;
        }
        if self.bytes <= largest.saturating_mul(OVERHEAD).saturating_add(LITTLE) {
            return false;
        }
        self.bytes = 0;
        self.since.elapsed() < COUNTED
    }

    /// A message of that length came of them: it pays for as many bytes as it may have cost, and not for more.
    pub(super) fn paid_by(&mut self, length: usize) {
        let paid = length.saturating_add(SHORTEST).saturating_mul(OVERHEAD);
        self.bytes = self.bytes.saturating_sub(paid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 1000;
    const MOST: usize = LARGEST * OVERHEAD + LITTLE;

    #[test]
    fn messages_pay_for_what_came_and_a_minute_forgives_it() {
        for (paid, minutes, expected) in
            [(None, 0, true), (Some(0), 0, false), (Some(LARGEST), 0, false), (None, 1, false)]
        {
            let mut fruitless = Fruitless::new();
            assert!(!fruitless.is_too_much(MOST, LARGEST), "just as much as may be");
            if let Some(length) = paid {
                fruitless.paid_by(length);
            }
            fruitless.since -= minutes * COUNTED;
            assert_eq!(fruitless.is_too_much(1, LARGEST), expected, "{paid:?}, {minutes}");
        }
    }

    #[test]
    fn a_short_message_pays_for_little() {
        let mut fruitless = Fruitless::new();
        assert!(!fruitless.is_too_much(MOST, LARGEST));
        fruitless.paid_by(0);
        assert!(!fruitless.is_too_much(SHORTEST * OVERHEAD, LARGEST));
        assert!(fruitless.is_too_much(1, LARGEST));
    }
}

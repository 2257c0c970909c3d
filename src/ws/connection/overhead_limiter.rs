//! Limits bytes that lead to no message, such as endless empty fragments.

use std::time::{Duration, Instant};

/// A peer may send this many times the largest message, and some control frames, without completing a message.
const FACTOR: usize = 8;
const CONTROL_FRAMES: usize = 64 * 1024;

/// A message counts as at least this long.
const MIN_MESSAGE: usize = 64;

/// Overhead that took longer than this is forgiven: a peer that only answers Pings may do so for years.
const PERIOD: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct OverheadLimiter {
    bytes: usize,
    since: Instant,
}

impl OverheadLimiter {
    pub(super) fn new() -> Self {
        Self { bytes: 0, since: Instant::now() }
    }

    /// Counts received bytes. Returns true if they exceed the limit.
    pub(super) fn exceeds(&mut self, received: usize, max_message_size: usize) -> bool {
        self.bytes += received;
        if self.bytes == received {
            self.since = Instant::now();
            return false;
        }
        if self.bytes <= max_message_size.saturating_mul(FACTOR).saturating_add(CONTROL_FRAMES) {
            return false;
        }
        self.bytes = 0;
        self.since.elapsed() < PERIOD
    }

    /// A message of that length was completed, which justifies a multiple of its bytes.
    pub(super) fn message_completed(&mut self, length: usize) {
        let justified = length.saturating_add(MIN_MESSAGE).saturating_mul(FACTOR);
        self.bytes = self.bytes.saturating_sub(justified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 1000;
    const LIMIT: usize = LARGEST * FACTOR + CONTROL_FRAMES;

    #[test]
    fn messages_and_time_make_up_for_overhead() {
        for (message, minutes, expected) in
            [(None, 0, true), (Some(0), 0, false), (Some(LARGEST), 0, false), (None, 1, false)]
        {
            let mut limiter = OverheadLimiter::new();
            assert!(!limiter.exceeds(LIMIT, LARGEST), "exactly the limit");
            if let Some(length) = message {
                limiter.message_completed(length);
            }
            limiter.since -= minutes * PERIOD;
            assert_eq!(limiter.exceeds(1, LARGEST), expected, "{message:?}, {minutes}");
        }
    }

    #[test]
    fn a_short_message_makes_up_for_little() {
        let mut limiter = OverheadLimiter::new();
        assert!(!limiter.exceeds(LIMIT, LARGEST));
        limiter.message_completed(0);
        assert!(!limiter.exceeds(MIN_MESSAGE * FACTOR, LARGEST));
        assert!(limiter.exceeds(1, LARGEST));
    }
}

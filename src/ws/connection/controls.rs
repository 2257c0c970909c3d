//! How many Pings and Pongs one peer may send: each Ping costs an answer, so a flood of them is one.
//!
//! Owns the count. It is a token bucket: ten seconds' worth at once, then so many a second.

use std::time::Instant;

/// Seconds' worth of control frames that may come at once.
const BURST: u64 = 10;

/// Counts in thousandths, which come back with every millisecond.
#[derive(Debug)]
pub(super) struct Controls {
    used: u64,
    counted: Instant,
}

impl Controls {
    pub(super) fn new(now: Instant) -> Self {
        Self { used: 0, counted: now }
    }

    /// One more. False: that is a flood. No bound with a rate of zero.
    pub(super) fn one_more(&mut self, per_second: usize, now: Instant) -> bool {
        if per_second == 0 {
            return true;
        }
        let rate = per_second as u64;
        let passed = now.saturating_duration_since(self.counted).as_millis().min(1000 * u128::from(BURST)) as u64;
        if passed > 0 {
            // What is less than a millisecond counts the next time.
            self.counted = now;
            self.used = self.used.saturating_sub(passed.saturating_mul(rate));
        }
        self.used = self.used.saturating_add(1000);
        self.used <= rate.saturating_mul(1000 * BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ten_seconds_worth_at_once_then_so_many_a_second() {
        let now = Instant::now();
        let mut controls = Controls::new(now);
        assert!((0..50).all(|_| controls.one_more(5, now)));
        assert!(!controls.one_more(5, now));
        let later = now + Duration::from_secs(2);
        assert_eq!((0..20).filter(|_| controls.one_more(5, later)).count(), 9, "10 less the one that was too much");
        assert!((0..1000).all(|_| controls.one_more(0, now)), "zero is no bound");
    }
}

//! A rate limiter without a clock: time is passed in.

/// Limits events to one per `interval` on average, and to `burst` at once.
///
/// Times are plain numbers. The unit is the caller's choice, the same one in every call. An interval of 0 means no limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RateLimiter {
    /// When all counted events are paid for, at one per interval.
    paid_at: u64,
}

impl RateLimiter {
    /// Whether one more event would exceed the limit.
    pub(crate) fn is_exhausted(self, now: u64, interval: u64, burst: u64) -> bool {
        self.paid_at.saturating_sub(now) > interval.saturating_mul(burst.saturating_sub(1))
    }

    /// Counts one event. Returns how long it takes until all counted events are paid for.
    pub(crate) fn count(&mut self, now: u64, interval: u64) -> u64 {
        self.paid_at = self.paid_at.max(now).saturating_add(interval);
        self.paid_at - now
    }

    /// Counts one event if it is within the limit. Returns whether it is.
    pub(crate) fn allow(&mut self, now: u64, interval: u64, burst: u64) -> bool {
        let allowed = !self.is_exhausted(now, interval, burst);
        if allowed {
            self.count(now, interval);
        }
        allowed
    }

    /// Whether all counted events are paid for, so that this is the same as a new one.
    pub(crate) fn is_unused(self, now: u64) -> bool {
        self.paid_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_then_one_event_per_interval() {
        let mut limiter = RateLimiter::default();
        let mut allowed_at = |now| (0..100).filter(|_| limiter.allow(now, 10, 5)).count();
        for (now, expected) in [(1000, 5), (1000, 0), (1009, 0), (1010, 1), (1035, 2), (2000, 5)] {
            assert_eq!(allowed_at(now), expected, "at {now}");
        }
    }

    #[test]
    fn each_counted_event_waits_one_interval_longer() {
        let mut limiter = RateLimiter::default();
        for number in 1..=8 {
            assert!(!limiter.is_exhausted(50, 10, 8));
            assert_eq!(limiter.count(50, 10), 10 * number);
        }
        assert!(limiter.is_exhausted(50, 10, 8));
        assert!(!limiter.is_exhausted(60, 10, 8));
        assert!(!limiter.is_unused(129) && limiter.is_unused(130));
    }

    #[test]
    fn an_interval_of_zero_is_no_limit() {
        let mut limiter = RateLimiter::default();
        assert!((0..1000).all(|_| limiter.allow(7, 0, 1)));
    }
}

//! Rate limiters without a clock: time is passed in.

use std::collections::HashMap;

/// Limits events to one per `interval` on average, and to `burst` at once.
///
/// Times are plain numbers. The unit is the caller's choice, the same one in every call. An interval of 0 means no limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "chat", derive(serde::Serialize, serde::Deserialize))]
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

/// The rate limiters of many addresses or networks, by their numbers.
#[derive(Debug, Clone)]
pub(crate) struct RateLimiters {
    most: usize,
    by_number: HashMap<u128, RateLimiter>,
}

impl RateLimiters {
    /// Remembers at most so many, in about 32 bytes each. An unused limiter equals a new one, and is forgotten.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, by_number: HashMap::new() }
    }

    /// The limiter of this number, if it is remembered.
    pub(crate) fn find(&self, number: u128) -> Option<RateLimiter> {
        self.by_number.get(&number).copied()
    }

    /// The limiter of this number. If it is new and there are too many, those that are unused have to go, or the one that is
    /// unused first.
    pub(crate) fn get(&mut self, number: u128, now: u64) -> &mut RateLimiter {
        if self.by_number.len() >= self.most && !self.by_number.contains_key(&number) {
            self.by_number.retain(|_, limiter| !limiter.is_unused(now));
            let first = self.by_number.iter().min_by_key(|(_, limiter)| **limiter).map(|(number, _)| *number);
            if let Some(first) = first.filter(|_| self.by_number.len() >= self.most) {
                self.by_number.remove(&first);
            }
        }
        self.by_number.entry(number).or_default()
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
    fn the_number_of_remembered_limiters_is_bounded() {
        let mut limiters = RateLimiters::new(8);
        for number in 0..20 {
            limiters.get(number, 1).count(1, 10 + number as u64);
        }
        let remembered = |limiters: &RateLimiters| (0..20).filter(|number| limiters.find(*number).is_some()).count();
        assert_eq!((remembered(&limiters), limiters.find(0), limiters.find(19).is_some()), (8, None, true));
        limiters.get(19, 1);
        assert_eq!(remembered(&limiters), 8, "a known number needs no room");
        limiters.get(0, 100);
        assert_eq!(remembered(&limiters), 1, "unused limiters are removed first");
    }

    #[test]
    fn an_interval_of_zero_is_no_limit() {
        let mut limiter = RateLimiter::default();
        assert!((0..1000).all(|_| limiter.allow(7, 0, 1)));
    }
}

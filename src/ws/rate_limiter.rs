//! Rate limiters: of one sender without a clock, and of many addresses.

use crate::ws::network::counted;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

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
#[derive(Debug, Clone, Default)]
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

/// Addresses that are remembered at once, in about 64 KiB. An IPv6 address counts as three networks.
const MAX_ADDRESSES: usize = 1024;

/// Limits events of each address to one per interval on average, and to some at once.
#[derive(Debug)]
pub(crate) struct AddressLimiter {
    /// In microseconds. 0: no limit.
    interval: u64,
    /// What is allowed at once.
    burst: u64,
    started_at: Instant,
    limiters: Mutex<RateLimiters>,
}

impl AddressLimiter {
    pub(crate) fn new(interval: Duration, burst: usize) -> Self {
        let limiters = Mutex::new(RateLimiters::new(MAX_ADDRESSES));
        Self { interval: micros(interval), burst: burst.max(1) as u64, started_at: Instant::now(), limiters }
    }

    /// Whether one more event from that address is within the limit.
    pub(crate) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        self.has_room(&self.lock(), address, self.micros_at(now))
    }

    /// Counts an event from that address. Returns false, and counts nothing, if that would exceed the limit. Both in one step, so
    /// that parallel connections cannot exceed it together.
    pub(crate) fn try_count(&self, address: IpAddr, now: Instant) -> bool {
        let (mut limiters, now) = (self.lock(), self.micros_at(now));
        let has_room = self.has_room(&limiters, address, now);
        if has_room && self.interval > 0 {
            for (network, factor) in counted(address) {
                limiters.get(network, now).count(now, self.interval / u64::from(factor));
            }
        }
        has_room
    }

    fn has_room(&self, limiters: &RateLimiters, address: IpAddr, now: u64) -> bool {
        counted(address).all(|(network, factor)| {
            let (interval, burst) = (self.interval / u64::from(factor), self.burst.saturating_mul(u64::from(factor)));
            !limiters.find(network).is_some_and(|limiter| limiter.is_exhausted(now, interval, burst))
        })
    }

    fn micros_at(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.started_at))
    }

    fn lock(&self) -> MutexGuard<'_, RateLimiters> {
        self.limiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::network::largest_counted;

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

    const INTERVAL: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn addresses_are_limited_separately() {
        let (limiter, now) = (AddressLimiter::new(INTERVAL, 2), Instant::now());
        let try_count = |number, now| limiter.try_count(address(number), now);
        let allows = || limiter.allows(address(1), now);
        for _ in 1..=2 {
            assert_eq!((allows(), allows()), (true, true), "asking does not count");
            assert!(try_count(1, now));
        }
        assert_eq!((try_count(1, now), allows()), (false, false));
        assert!(try_count(2, now));
        assert_eq!([try_count(1, now + INTERVAL), try_count(1, now + INTERVAL)], [true, false]);
    }

    #[test]
    fn ipv6_networks_are_limited_by_64_56_and_48() {
        for (step, expected) in [(1_u128, 2), (1 << 64, 8), (1 << 72, 32), (1 << 80, 100)] {
            let (limiter, now) = (AddressLimiter::new(INTERVAL, 2), Instant::now());
            let address = |number: u128| IpAddr::from(((0x2001_0db8_u128 << 96) | (number * step)).to_be_bytes());
            let allowed = (0..100).filter(|number| limiter.try_count(address(*number), now));
            assert_eq!(allowed.count(), expected, "{step:x}");
        }
    }

    #[test]
    fn the_largest_burst_is_no_limit() {
        let (limiter, now) = (AddressLimiter::new(INTERVAL, usize::MAX), Instant::now());
        for address in ["192.0.2.1", "2001:db8::1"] {
            let try_count = || limiter.try_count(address.parse().expect("an address"), now);
            assert_eq!([try_count(), try_count()], [true, true], "{address}");
        }
    }

    #[test]
    fn parallel_events_do_not_exceed_the_limit() {
        let (limiter, now) = (AddressLimiter::new(INTERVAL, 8), Instant::now());
        let count = || (0..100).filter(|_| limiter.try_count(address(1), now)).count();
        let counted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(counted, 8);
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let (limiter, now) = (AddressLimiter::new(INTERVAL, 8), Instant::now());
        for number in 0..10 * MAX_ADDRESSES as u32 {
            limiter.try_count(address(number), now);
        }
        let limiters = limiter.limiters.lock().expect("no panic");
        let numbers = (0..10 * MAX_ADDRESSES as u32).map(|number| largest_counted(address(number)));
        assert_eq!(numbers.filter(|number| limiters.find(*number).is_some()).count(), MAX_ADDRESSES);
    }

    #[test]
    fn an_interval_of_zero_remembers_nothing() {
        let (limiter, now) = (AddressLimiter::new(Duration::ZERO, 8), Instant::now());
        assert!((0..20).all(|_| limiter.try_count(address(1), now)));
        assert!(limiter.allows(address(1), now));
        assert_eq!(limiter.limiters.lock().expect("no panic").find(largest_counted(address(1))), None);
    }
}

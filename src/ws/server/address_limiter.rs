//! Limits how often one address may do something: offer wrong access tokens, or open connections.

use crate::ws::{network::counted, rate_limiter::RateLimiters};
use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Addresses that are remembered at once, in about 64 KiB. An IPv6 address counts as three networks.
const MAX_ADDRESSES: usize = 1024;

#[derive(Debug)]
pub(super) struct AddressLimiter {
    /// What is allowed at once.
    burst: u64,
    started_at: Instant,
    limiters: Mutex<RateLimiters>,
}

impl AddressLimiter {
    pub(super) fn new(burst: usize) -> Self {
        Self {
            burst: burst.max(1) as u64,
            started_at: Instant::now(),
            limiters: Mutex::new(RateLimiters::new(MAX_ADDRESSES)),
        }
    }

    /// Whether one more event from that address is within the limit.
    pub(super) fn allows(&self, address: IpAddr, interval: Duration, now: Instant) -> bool {
        interval.is_zero() || self.has_room(&self.lock(), address, micros(interval), self.micros_at(now))
    }

    /// Counts an event from that address, and returns how long it takes until all of them are paid for. `None`, and nothing
    /// counted, if that would exceed the limit. Both in one step, so that parallel connections cannot exceed it together.
    pub(super) fn try_count(&self, address: IpAddr, interval: Duration, now: Instant) -> Option<Duration> {
        if interval.is_zero() {
            return Some(interval);
        }
        let (mut limiters, interval, now) = (self.lock(), micros(interval), self.micros_at(now));
        if !self.has_room(&limiters, address, interval, now) {
            return None;
        }
        let count = |(network, factor)| limiters.get(network, now).count(now, interval / u64::from(factor));
        counted(address).map(count).max().map(Duration::from_micros)
    }

    fn has_room(&self, limiters: &RateLimiters, address: IpAddr, interval: u64, now: u64) -> bool {
        counted(address).all(|(network, factor)| {
            let (interval, burst) = (interval / u64::from(factor), self.burst.saturating_mul(u64::from(factor)));
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

    const INTERVAL: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn addresses_are_limited_separately() {
        let (limiter, now) = (AddressLimiter::new(2), Instant::now());
        let try_count = |number, now| limiter.try_count(address(number), INTERVAL, now);
        let allows = || limiter.allows(address(1), INTERVAL, now);
        for number in 1..=2 {
            assert_eq!((allows(), allows()), (true, true), "asking does not count");
            assert_eq!(try_count(1, now), Some(INTERVAL * number));
        }
        assert_eq!((try_count(1, now), allows()), (None, false));
        assert_eq!(try_count(2, now), Some(INTERVAL));
        assert_eq!(try_count(1, now + INTERVAL), Some(INTERVAL * 2));
    }

    #[test]
    fn ipv6_networks_are_limited_by_64_56_and_48() {
        for (step, expected) in [(1_u128, 2), (1 << 64, 8), (1 << 72, 32), (1 << 80, 100)] {
            let (limiter, now) = (AddressLimiter::new(2), Instant::now());
            let address = |number: u128| IpAddr::from(((0x2001_0db8_u128 << 96) | (number * step)).to_be_bytes());
            let allowed = (0..100).filter(|number| limiter.try_count(address(*number), INTERVAL, now).is_some());
            assert_eq!(allowed.count(), expected, "{step:x}");
        }
    }

    #[test]
    fn the_largest_burst_is_no_limit() {
        let (limiter, now) = (AddressLimiter::new(usize::MAX), Instant::now());
        for address in ["192.0.2.1", "2001:db8::1"] {
            let try_count = || limiter.try_count(address.parse().expect("an address"), INTERVAL, now);
            assert_eq!([try_count(), try_count()], [Some(INTERVAL), Some(INTERVAL * 2)], "{address}");
        }
    }

    #[test]
    fn parallel_events_do_not_exceed_the_limit() {
        let (limiter, now) = (AddressLimiter::new(8), Instant::now());
        let count = || (0..100).filter(|_| limiter.try_count(address(1), INTERVAL, now).is_some()).count();
        let counted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(counted, 8);
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let (limiter, now) = (AddressLimiter::new(8), Instant::now());
        for number in 0..10 * MAX_ADDRESSES as u32 {
            limiter.try_count(address(number), INTERVAL, now);
        }
        let limiters = limiter.limiters.lock().expect("no panic");
        let numbers = (0..10 * MAX_ADDRESSES as u32).map(|number| largest_counted(address(number)));
        assert_eq!(numbers.filter(|number| limiters.find(*number).is_some()).count(), MAX_ADDRESSES);
    }

    #[test]
    fn an_interval_of_zero_remembers_nothing() {
        let (limiter, now) = (AddressLimiter::new(8), Instant::now());
        assert_eq!(limiter.try_count(address(1), Duration::ZERO, now), Some(Duration::ZERO));
        assert!(limiter.allows(address(1), Duration::ZERO, now));
        assert_eq!(limiter.limiters.lock().expect("no panic").find(largest_counted(address(1))), None);
    }
}

//! Limits how often one address may do something: offer wrong access tokens, or open connections.

use crate::ws::{network::counted, rate_limiter::RateLimiters};
use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Addresses that are remembered at once, in about 64 KiB. An IPv6 address counts as three networks.
const MAX_ADDRESSES: usize = 1024;

/// Limits events of each address to one per interval on average, and to some at once.
#[derive(Debug)]
pub(super) struct AddressLimiter {
    /// In microseconds. 0: no limit.
    interval: u64,
    /// What is allowed at once.
    burst: u64,
    started_at: Instant,
    limiters: Mutex<RateLimiters>,
}

impl AddressLimiter {
    pub(super) fn new(interval: Duration, burst: usize) -> Self {
        let limiters = Mutex::new(RateLimiters::new(MAX_ADDRESSES));
        Self { interval: micros(interval), burst: burst.max(1) as u64, started_at: Instant::now(), limiters }
    }

    /// Whether one more event from that address is within the limit.
    pub(super) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        self.has_room(&self.lock(), address, self.micros_at(now))
    }

    /// Counts an event from that address. Returns false, and counts nothing, if that would exceed the limit. Both in one step, so
    /// that parallel connections cannot exceed it together.
    pub(super) fn try_count(&self, address: IpAddr, now: Instant) -> bool {
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

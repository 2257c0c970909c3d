//! Limits how often one address may do something: offer wrong access tokens, or open connections.

use super::registry::network;
use crate::ws::rate_limiter::RateLimiter;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Addresses that are remembered at once, in about 64 KiB.
const MAX_ADDRESSES: usize = 1024;

#[derive(Debug)]
pub(super) struct AddressLimiter {
    /// What is allowed at once.
    burst: u64,
    started_at: Instant,
    limiters: Mutex<HashMap<IpAddr, RateLimiter>>,
}

impl AddressLimiter {
    pub(super) fn new(burst: usize) -> Self {
        Self { burst: burst.max(1) as u64, started_at: Instant::now(), limiters: Mutex::default() }
    }

    /// Whether one more event from that address would exceed the limit.
    pub(super) fn is_exhausted(&self, address: IpAddr, interval: Duration, now: Instant) -> bool {
        let limiter = self.lock().get(&network(address)).copied();
        limiter.is_some_and(|limiter| limiter.is_exhausted(self.micros(now), micros(interval), self.burst))
    }

    /// Counts one event. Returns how long it takes until the events of that address are paid for.
    pub(super) fn count(&self, address: IpAddr, interval: Duration, now: Instant) -> Duration {
        if interval.is_zero() {
            return interval;
        }
        let mut limiters = self.lock();
        let now = self.micros(now);
        if limiters.len() >= MAX_ADDRESSES {
            make_room(&mut limiters, now);
        }
        let limiter = limiters.entry(network(address)).or_default();
        Duration::from_micros(limiter.count(now, micros(interval)))
    }

    fn micros(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.started_at))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, RateLimiter>> {
        self.limiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Removes the unused limiters, or the one that is unused first.
fn make_room(limiters: &mut HashMap<IpAddr, RateLimiter>, now: u64) {
    limiters.retain(|_, limiter| !limiter.is_unused(now));
    let first = limiters.iter().min_by_key(|(_, limiter)| **limiter).map(|(address, _)| *address);
    if let Some(address) = first.filter(|_| limiters.len() >= MAX_ADDRESSES) {
        limiters.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn addresses_are_limited_separately() {
        let (limiter, now) = (AddressLimiter::new(2), Instant::now());
        for number in 1..=2 {
            assert!(!limiter.is_exhausted(address(1), INTERVAL, now));
            assert_eq!(limiter.count(address(1), INTERVAL, now), INTERVAL * number);
        }
        assert!(limiter.is_exhausted(address(1), INTERVAL, now));
        assert!(!limiter.is_exhausted(address(2), INTERVAL, now));
        assert!(!limiter.is_exhausted(address(1), INTERVAL, now + INTERVAL));
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let (limiter, now) = (AddressLimiter::new(8), Instant::now());
        for number in 0..10 * MAX_ADDRESSES as u32 {
            limiter.count(address(number), INTERVAL, now);
        }
        assert_eq!(limiter.lock().len(), MAX_ADDRESSES);
        limiter.count(address(0), INTERVAL, now + INTERVAL * 2);
        assert_eq!(limiter.lock().len(), 1, "unused limiters are removed first");
    }

    #[test]
    fn an_interval_of_zero_remembers_nothing() {
        let (limiter, now) = (AddressLimiter::new(8), Instant::now());
        assert_eq!(limiter.count(address(1), Duration::ZERO, now), Duration::ZERO);
        assert!(!limiter.is_exhausted(address(1), Duration::ZERO, now));
        assert!(limiter.lock().is_empty());
    }
}

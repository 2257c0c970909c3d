//! Rate limiters: of one sender without a clock, and of many addresses.

use crate::ws::{id_map::IdMap, network::counted};
use std::net::IpAddr;

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
    /// How long one more event must wait; 0: it is within the limit.
    pub(crate) fn wait(self, now: u64, interval: u64, burst: u64) -> u64 {
        self.paid_at.saturating_sub(now).saturating_sub(interval.saturating_mul(burst.saturating_sub(1)))
    }

    /// Counts one event. Returns how long it takes until all counted events are paid for.
    pub(crate) fn count(&mut self, now: u64, interval: u64) -> u64 {
        self.paid_at = self.paid_at.max(now).saturating_add(interval);
        self.paid_at - now
    }

    /// Counts one event if it is within the limit. Returns whether it is.
    pub(crate) fn allow(&mut self, now: u64, interval: u64, burst: u64) -> bool {
        let allowed = self.wait(now, interval, burst) == 0;
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

/// The rate limiters of many addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddressLimiter {
    most: usize,
    by_network: IdMap<u128, RateLimiter>,
}

impl AddressLimiter {
    /// Remembers at most so many networks, in about 32 bytes each. An unused limiter equals a new one, and is forgotten.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, by_network: IdMap::default() }
    }

    /// Counts that many events of an address, or a whole burst if there are more, and returns 0. If that would exceed the limit, it
    /// counts nothing, and returns how long they must wait. With a count of 0 it says so for one more event.
    pub(crate) fn charge(&mut self, address: IpAddr, count: u64, now: u64, interval: u64, burst: u64) -> u64 {
        let limits =
            || counted(address).map(|(network, factor)| (network, interval / factor, burst.saturating_mul(factor)));
        let waits = limits().map(|(network, interval, burst)| {
            let limiter = self.by_network.get(network).copied().unwrap_or_default();
            limiter.wait(now, interval, burst - count.clamp(1, burst) + 1)
        });
        let wait = waits.max().unwrap_or(0);
        if wait == 0 && count > 0 && interval > 0 {
            for (network, interval, burst) in limits() {
                self.limiter(network, now).count(now, interval.saturating_mul(count.min(burst)));
            }
        }
        wait
    }

    /// The limiter of this network. If it is new and there are too many, those that are unused have to go, or the one that is
    /// unused first.
    fn limiter(&mut self, network: u128, now: u64) -> &mut RateLimiter {
        if self.by_network.len() >= self.most && self.by_network.get(network).is_none() {
            self.by_network.retain(|limiter| !limiter.is_unused(now));
            let first = self.by_network.iter().min_by_key(|(_, limiter)| **limiter).map(|(network, _)| network);
            if let Some(first) = first.filter(|_| self.by_network.len() >= self.most) {
                self.by_network.remove(first);
            }
        }
        self.by_network.get_or_default(network)
    }
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
            assert_eq!(limiter.wait(50, 10, 8), 0);
            assert_eq!(limiter.count(50, 10), 10 * number);
        }
        assert_eq!([50, 53, 59, 60].map(|now| limiter.wait(now, 10, 8)), [10, 7, 1, 0]);
        assert!(!limiter.is_unused(129) && limiter.is_unused(130));
    }

    #[test]
    fn an_interval_of_zero_is_no_limit() {
        let mut limiter = RateLimiter::default();
        assert!((0..1000).all(|_| limiter.allow(7, 0, 1)));
    }

    const INTERVAL: u64 = 1000;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn addresses_are_limited_separately() {
        let mut limiter = AddressLimiter::new(8);
        let mut allow = |number, count, now| limiter.charge(address(number), count, now, INTERVAL, 2) == 0;
        for _ in 1..=2 {
            assert!(allow(1, 0, 0) && allow(1, 0, 0), "asking does not count");
            assert!(allow(1, 1, 0));
        }
        assert!(!allow(1, 1, 0) && !allow(1, 0, 0));
        assert!(allow(2, 1, 0));
        assert_eq!([allow(1, 1, INTERVAL), allow(1, 1, INTERVAL)], [true, false]);
    }

    #[test]
    fn several_events_need_room_for_all_of_them_or_for_a_burst() {
        let mut limiter = AddressLimiter::new(8);
        let mut charge = |count, now| limiter.charge(address(1), count, now, INTERVAL, 4);
        assert_eq!([charge(3, 0), charge(2, 0), charge(1, 0), charge(1, 0)], [0, INTERVAL, 0, INTERVAL]);
        assert_eq!(
            [charge(9, 3 * INTERVAL), charge(9, 4 * INTERVAL), charge(1, 4 * INTERVAL)],
            [INTERVAL, 0, INTERVAL]
        );
    }

    #[test]
    fn ipv6_networks_are_limited_by_64_56_and_48() {
        for (step, expected) in [(1_u128, 2), (1 << 64, 8), (1 << 72, 32), (1 << 80, 100)] {
            let mut limiter = AddressLimiter::new(1000);
            let address = |number: u128| IpAddr::from(((0x2001_0db8_u128 << 96) | (number * step)).to_be_bytes());
            let allowed = (0..100).filter(|number| limiter.charge(address(*number), 1, 0, INTERVAL, 2) == 0);
            assert_eq!(allowed.count(), expected, "{step:x}");
        }
    }

    #[test]
    fn the_largest_burst_is_no_limit() {
        let mut limiter = AddressLimiter::new(8);
        for address in ["192.0.2.1", "2001:db8::1"] {
            let mut allow = || limiter.charge(address.parse().expect("an address"), 1, 0, INTERVAL, u64::MAX) == 0;
            assert_eq!([allow(), allow()], [true, true], "{address}");
        }
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let mut limiter = AddressLimiter::new(8);
        for number in 0..20 {
            limiter.charge(address(number), 1, 1, 10 + u64::from(number), 2);
        }
        let is_known =
            |limiter: &AddressLimiter, number| limiter.by_network.get(largest_counted(address(number))).is_some();
        assert_eq!((limiter.by_network.len(), is_known(&limiter, 0), is_known(&limiter, 19)), (8, false, true));
        limiter.charge(address(19), 1, 1, 10, 9);
        assert_eq!(limiter.by_network.len(), 8, "a known address needs no room");
        limiter.charge(address(0), 1, 100, 10, 2);
        assert_eq!(limiter.by_network.len(), 1, "unused limiters are removed first");
    }

    #[test]
    fn an_interval_of_zero_remembers_nothing() {
        let mut limiter = AddressLimiter::new(8);
        assert!((0..20).all(|_| limiter.charge(address(1), 1, 0, 0, 8) == 0));
        assert_eq!(limiter.charge(address(1), 0, 0, 0, 8), 0);
        assert_eq!(limiter.by_network.len(), 0);
    }
}

//! How many may be in: in all, from one address, and in their handshake.
//!
//! Owns the counting. A seat is given back when it is dropped, on whatever path that happens.

use crate::ws::config::Config;
use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What there are too many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Connections,
    Address,
    Handshakes,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connections => "too many connections",
            Self::Address => "too many connections from its address",
            Self::Handshakes => "too many handshakes in progress",
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    connections: usize,
    handshakes: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place in the server, from accept to the end.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// Where it counts; nowhere, as long as a proxy has not said for whom it speaks.
    address: Option<IpAddr>,
    in_handshake: bool,
}

impl Seats {
    /// A seat for a newcomer, who is in its handshake then. Without an address it is to [`Seat::sit_at`] one later.
    pub(super) fn take(self: &Arc<Self>, address: Option<IpAddr>, config: &Config) -> Result<Seat, Full> {
        let mut taken = self.taken();
        if reached(taken.connections, config.max_connections) {
            return Err(Full::Connections);
        }
        if reached(taken.handshakes, config.max_handshakes) {
            return Err(Full::Handshakes);
        }
        let address = address.map(network);
        if let Some(address) = address {
            taken.sit_at(address, config)?;
        }
        taken.connections += 1;
        taken.handshakes += 1;
        Ok(Seat { seats: Arc::clone(self), address, in_handshake: true })
    }

    /// Waits until somebody leaves, or for that long.
    pub(super) fn wait_for_one(&self, most: Duration) {
        drop(self.left.wait_timeout(self.taken(), most));
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn sit_at(&mut self, address: IpAddr, config: &Config) -> Result<(), Full> {
        let here = self.by_address.get(&address).copied().unwrap_or(0);
        if !address.is_loopback() && reached(here, config.max_connections_per_address) {
            return Err(Full::Address);
        }
        self.by_address.insert(address, here + 1);
        Ok(())
    }

    fn stand_up(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Seat {
    /// It counts at that address from now on.
    pub(super) fn sit_at(&mut self, address: IpAddr, config: &Config) -> Result<(), Full> {
        let address = network(address);
        self.seats.taken().sit_at(address, config)?;
        self.address = Some(address);
        Ok(())
    }

    /// The handshake is over.
    #[inline(never)]
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            self.seats.taken().handshakes -= 1;
        }
    }
}

impl Drop for Seat {
    #[inline(never)]
    fn drop(&mut self) {
        self.settle();
        let mut taken = self.seats.taken();
        taken.connections -= 1;
        if let Some(address) = self.address {
            taken.stand_up(address);
        }
        drop(taken);
        self.seats.left.notify_all();
    }
}

/// Zero is no bound.
fn reached(count: usize, bound: usize) -> bool {
    bound != 0 && count >= bound
}

/// What one customer has, and the unit of every bound per address: an IPv4 address, or a /64 of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(connections: usize, per_address: usize, handshakes: usize) -> Config {
        Config {
            max_connections: connections,
            max_connections_per_address: per_address,
            max_handshakes: handshakes,
            ..Config::default()
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Takes seats for all of `addresses`, and keeps them: what each one hears.
    fn take(config: &Config, addresses: &[&str]) -> Vec<Option<Full>> {
        let seats = Arc::new(Seats::default());
        let taken: Vec<_> = addresses.iter().map(|text| seats.take(Some(ip(text)), config)).collect();
        taken.iter().map(|seat| seat.as_ref().err().copied()).collect()
    }

    #[test]
    fn each_bound_lets_in_as_many_as_it_says() {
        let (full, here, busy) = (Some(Full::Connections), Some(Full::Address), Some(Full::Handshakes));
        let four = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2"];
        assert_eq!(take(&config(3, 0, 0), &four), [None, None, None, full]);
        assert_eq!(take(&config(0, 2, 0), &four), [None, None, None, here]);
        assert_eq!(take(&config(0, 0, 3), &four), [None, None, None, busy]);
        assert_eq!(take(&config(0, 0, 0), &four), [None; 4]);
        assert_eq!(take(&config(0, 1, 0), &["127.0.0.1", "127.0.0.1", "::1", "::1"]), [None; 4]);
    }

    #[test]
    fn an_ipv6_customer_has_a_64_and_a_mapped_address_is_ipv4() {
        let config = config(0, 1, 0);
        assert_eq!(
            take(&config, &["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"]),
            [None, Some(Full::Address), None]
        );
        assert_eq!(take(&config, &["192.0.2.1", "::ffff:192.0.2.1"]), [None, Some(Full::Address)]);
    }

    #[test]
    fn what_was_taken_is_given_back() {
        let (seats, config) = (Arc::new(Seats::default()), config(1, 1, 1));
        for _ in 0..3 {
            let mut seat = seats.take(None, &config).expect("the only seat");
            seat.sit_at(ip("192.0.2.1"), &config).expect("nobody else is there");
            seat.settle();
            assert!(seats.take(None, &config).is_err());
        }
        let taken = seats.taken();
        assert_eq!((taken.connections, taken.handshakes, taken.by_address.len()), (0, 0, 0));
    }

    #[test]
    fn behind_a_proxy_the_bound_is_the_clients() {
        let (seats, config) = (Arc::new(Seats::default()), config(0, 1, 0));
        let mut first = seats.take(None, &config).expect("no bound");
        let mut second = seats.take(None, &config).expect("no bound");
        assert_eq!(first.sit_at(ip("192.0.2.1"), &config), Ok(()));
        assert_eq!(second.sit_at(ip("192.0.2.1"), &config), Err(Full::Address));
        assert_eq!(second.sit_at(ip("192.0.2.2"), &config), Ok(()));
    }
}

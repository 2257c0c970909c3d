//! How many may be in: in all, from one address, and in their handshake.
//!
//! Owns the counting. A seat is given back when it is dropped, on whatever path that happens.

use crate::config::Config;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Whom there was no seat for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Connections,
    Address,
    Handshakes,
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
    address: IpAddr,
    in_handshake: bool,
}

impl Seats {
    /// A seat for a newcomer, who is in its handshake then.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, config: &Config) -> Result<Seat, Full> {
        let address = network(address);
        let mut taken = self.taken();
        if reached(taken.connections, config.connections) {
            return Err(Full::Connections);
        }
        if reached(taken.handshakes, config.handshakes) {
            return Err(Full::Handshakes);
        }
        let here = taken.by_address.get(&address).copied().unwrap_or(0);
        if !address.is_loopback() && reached(here, config.connections_per_address) {
            return Err(Full::Address);
        }
        taken.connections += 1;
        taken.handshakes += 1;
        taken.by_address.insert(address, here + 1);
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

impl Seat {
    /// The handshake is over.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            self.seats.taken().handshakes -= 1;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.settle();
        let mut taken = self.seats.taken();
        taken.connections -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
        drop(taken);
        self.seats.left.notify_all();
    }
}

/// Zero is no bound.
fn reached(count: usize, bound: usize) -> bool {
    bound != 0 && count >= bound
}

/// What one customer has: an IPv4 address, or a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

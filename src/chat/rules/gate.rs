//! The rates of one connection and of one address. In a cluster, the process that has the sockets judges them: a flood must
//! not enter the log of inputs, and a message that had to wait must not count as too fast.

use super::{
    Rate, Rules,
    throttle::{micros, tokens, was_quiet},
};
use crate::{
    chat::protocol::{Millis, UserId},
    ws::{id_map::IdMap, rate_limiter::AddressLimiter, rate_limiter::RateLimiter},
};
use core::net::IpAddr;

/// Addresses that are remembered at once, in about 256 KiB. An IPv6 address counts as three networks.
const MAX_ADDRESSES: usize = 4096;

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Reject,
    /// It was rejected often enough: close the connection.
    Close,
}

/// The limiters of the connections of this process.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    rules: Rules,
    connections: IdMap<UserId, Connection>,
    /// One without connections is remembered as well, or reconnecting would restore its burst.
    addresses: AddressLimiter,
}

#[derive(Debug, Clone)]
struct Connection {
    address: Option<IpAddr>,
    /// When it joined, or sent its last message that was not too fast.
    last_sent: Millis,
    limiter: RateLimiter,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(Rules::default())
    }
}

impl Gate {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, connections: IdMap::default(), addresses: AddressLimiter::new(MAX_ADDRESSES) }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn clear(&mut self) {
        self.connections = IdMap::default();
    }

    pub(crate) fn join(&mut self, id: UserId, address: Option<IpAddr>, now: Millis) {
        self.connections.insert(id, Connection { address, last_sent: now, limiter: RateLimiter::default() });
    }

    /// Whether the connection was here.
    pub(crate) fn leave(&mut self, id: UserId) -> bool {
        self.connections.remove(id).is_some()
    }

    /// What happens to a message of so many bytes; `None` if the connection is not here any more. The rate of the address does
    /// not reject that of a connection that was quiet: a few connections must not silence the others.
    pub(crate) fn judge(&mut self, id: UserId, bytes: usize, now: Millis) -> Option<Verdict> {
        let Self { rules, connections, addresses } = self;
        let Connection { address, last_sent, limiter } = connections.get_mut(id)?;
        if let Some(rate) = rules.rate.filter(|rate| !rate.allow(limiter, now, bytes)) {
            return Some(if rate.reject(limiter, now) { Verdict::Close } else { Verdict::Reject });
        }
        let is_paid = allow_address(addresses, *address, bytes, now, rules.address_rate);
        if !is_paid && !was_quiet(*last_sent, now, bytes) {
            return Some(Verdict::Reject);
        }
        *last_sent = now;
        Some(Verdict::Accept)
    }

    /// Whether an address may send a message of so many bytes without a connection.
    pub(crate) fn allow_address(&mut self, address: Option<IpAddr>, bytes: usize, now: Millis) -> bool {
        allow_address(&mut self.addresses, address, bytes, now, self.rules.address_rate)
    }
}

/// Takes the price of a message from each network of the address. Returns whether all of them have tokens for it.
fn allow_address(
    limiter: &mut AddressLimiter,
    address: Option<IpAddr>,
    bytes: usize,
    now: Millis,
    rate: Option<Rate>,
) -> bool {
    let Some((address, rate)) = address.zip(rate) else { return true };
    let (interval, burst) = rate.interval_and_burst();
    limiter.allow(address, tokens(bytes), micros(now), interval, burst)
}

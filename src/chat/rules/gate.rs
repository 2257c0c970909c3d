//! The rates of one connection and of one address, judged by the process that has the sockets. A chat whose inputs come from
//! a log has neither: a flood must not enter the log, and a message that had to wait must not count as too fast.

use super::{
    MAX_ADDRESSES, Rules,
    throttle::{self, Verdict},
};
use crate::{
    chat::protocol::{Millis, UserId},
    ws::{id_map::IdMap, rate_limiter::RateLimiter, rate_limiter::RateLimiters},
};
use core::net::IpAddr;

/// The limiters of the connections of this process.
#[derive(Debug)]
pub(crate) struct Gate {
    rules: Rules,
    connections: IdMap<UserId, Connection>,
    addresses: RateLimiters,
}

#[derive(Debug)]
struct Connection {
    address: Option<IpAddr>,
    /// When it joined, or sent its last message that was not too fast.
    last_sent: Millis,
    limiter: RateLimiter,
}

impl Gate {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, connections: IdMap::default(), addresses: RateLimiters::new(MAX_ADDRESSES) }
    }

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

    /// What happens to a message of so many bytes; `None` if the connection is not here any more.
    pub(crate) fn judge(&mut self, id: UserId, bytes: usize, now: Millis) -> Option<Verdict> {
        let Connection { address, last_sent, limiter } = self.connections.get_mut(id)?;
        let verdict = throttle::charge(limiter, now, bytes, self.rules.rate);
        if verdict != Verdict::Accept {
            return Some(verdict);
        }
        let is_paid = throttle::allow_address(&mut self.addresses, *address, now, bytes, self.rules.address_rate);
        if !is_paid && !throttle::was_quiet(*last_sent, now, bytes) {
            return Some(Verdict::Reject);
        }
        *last_sent = now;
        Some(Verdict::Accept)
    }

    /// Whether an address may send a message of so many bytes without a connection.
    pub(crate) fn allow_address(&mut self, address: Option<IpAddr>, bytes: usize, now: Millis) -> bool {
        throttle::allow_address(&mut self.addresses, address, now, bytes, self.rules.address_rate)
    }
}

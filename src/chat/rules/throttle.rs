//! Rates of messages, and how often a room's user list is sent.

use super::{ClientInfo, Rate, Rules};
use crate::chat::protocol::{Millis, UserId};
use crate::ws::{id_map::IdMap, rate_limiter::AddressLimiter, rate_limiter::RateLimiter};
use core::net::IpAddr;

/// Bytes of a message for one token.
const BYTES_PER_TOKEN: usize = 1024;

/// How long a connection must have sent nothing, for each token of its message, so that the rates that it shares with other
/// connections do not reject the message.
const QUIET: Millis = 2000;

/// Whether a connection that sent its last message at `last` was quiet for long enough.
pub(super) fn was_quiet(last: Millis, now: Millis, bytes: usize) -> bool {
    now.saturating_sub(last) >= QUIET * tokens(bytes)
}

pub(super) fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN).max(1) as u64
}

/// Milliseconds are too coarse for high rates.
fn micros(now: Millis) -> u64 {
    now.saturating_mul(1000)
}

impl Rate {
    /// Takes the price of a message of so many bytes, if there are tokens for it, and returns 0. Otherwise it returns how many
    /// microseconds the message must wait.
    pub(super) fn charge(self, limiter: &mut RateLimiter, now: Millis, bytes: usize) -> u64 {
        let (interval, burst) = self.interval_and_burst();
        let price = tokens(bytes).min(burst);
        let wait = limiter.wait(micros(now), interval, burst - price + 1);
        if wait == 0 {
            limiter.count(micros(now), interval * price);
        }
        wait
    }

    /// A rejected message costs one token, because it is little work. Returns whether a whole burst was rejected.
    pub(super) fn reject(self, limiter: &mut RateLimiter, now: Millis) -> bool {
        let (interval, burst) = self.interval_and_burst();
        limiter.count(micros(now), interval) >= interval * burst * 2
    }

    /// The time for one token, in microseconds.
    pub(super) fn interval_and_burst(self) -> (u64, u64) {
        (1_000_000 / u64::from(self.per_second.max(1)), u64::from(self.burst.max(1)))
    }
}

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

/// The rates of the connections of this process, and of their addresses. In a cluster, the process that has the sockets judges
/// them: a flood must not enter the log of inputs, and a message that had to wait must not count as too fast.
#[derive(Debug, Clone, Default)]
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

impl Gate {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, connections: IdMap::default(), addresses: AddressLimiter::new(MAX_ADDRESSES) }
    }

    pub(crate) fn join(&mut self, client: &ClientInfo, now: Millis) {
        let (address, limiter) = (client.counted_address(), RateLimiter::default());
        self.connections.insert(client.id, Connection { address, last_sent: now, limiter });
    }

    /// Whether the connection was here.
    pub(crate) fn leave(&mut self, id: UserId) -> bool {
        self.connections.remove(id).is_some()
    }

    /// What happens to a message of so many bytes; `None` if the connection is not here any more. The rate of the address does
    /// not reject that of a connection that was quiet: a few connections must not silence the others.
    pub(crate) fn judge(&mut self, id: UserId, bytes: usize, now: Millis) -> Option<Verdict> {
        let Connection { address, last_sent, limiter } = self.connections.get_mut(id)?;
        if let Some(rate) = self.rules.rate.filter(|rate| rate.charge(limiter, now, bytes) > 0) {
            return Some(if rate.reject(limiter, now) { Verdict::Close } else { Verdict::Reject });
        }
        let (address, is_quiet) = (*address, was_quiet(*last_sent, now, bytes));
        if self.charge_address(address, bytes, now) > 0 && !is_quiet {
            return Some(Verdict::Reject);
        }
        self.connections.get_mut(id)?.last_sent = now;
        Some(Verdict::Accept)
    }

    /// Takes the price of a message of so many bytes from each network of the address, if all of them have tokens for it. The
    /// result is as that of [`Rate::charge`].
    pub(crate) fn charge_address(&mut self, address: Option<IpAddr>, bytes: usize, now: Millis) -> u64 {
        let Some((address, rate)) = address.zip(self.rules.address_rate) else { return 0 };
        let (interval, burst) = rate.interval_and_burst();
        self.addresses.charge(address, tokens(bytes), micros(now), interval, burst)
    }
}

/// A burst of lists may take as many bytes as the rate allows in this time.
const LIST_BURST: Millis = 32_000;

/// Within that burst, the pause after a list is this part of the time that has been used up.
const LIST_BURST_PART: u64 = 8;

/// When the user list of a room may be sent again.
///
/// A list goes to every member, and a user who renames without end causes one after the other. So the bytes of lists are
/// bounded for each member. A burst of sign-ins may use more for a while; what goes on gets the rate.
#[derive(Debug, Clone, Default)]
pub(super) struct UserListThrottle {
    /// Whether the users changed since the last list.
    pub(super) is_pending: bool,
    /// The earliest time of the next list.
    next: Millis,
    /// How long it takes at the rate to pay for all lists.
    limiter: RateLimiter,
    /// How many lists were sent.
    pub(super) sent: u64,
}

impl UserListThrottle {
    /// When the pending list may be sent, if there is one.
    pub(super) fn due(&self) -> Option<Millis> {
        self.is_pending.then_some(self.next)
    }

    /// The list was sent and has so many bytes.
    pub(super) fn mark_sent(&mut self, now: Millis, bytes: usize, rules: &Rules) {
        let cost = rules.list_bytes.map_or(0, |rate| bytes as u64 * 1000 / u64::from(rate.max(1)));
        let used = self.limiter.count(now, cost);
        let pause = rules.list_interval.max(used / LIST_BURST_PART).max(used.saturating_sub(LIST_BURST));
        self.next = now.saturating_add(pause);
        self.is_pending = false;
        self.sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_follow_the_tokens() {
        let rate = Rate { per_second: 1, burst: 3 };
        let mut limiter = RateLimiter::default();
        let outcomes: Vec<(bool, bool)> = (0..7)
            .map(|_| match rate.charge(&mut limiter, 5000, 1) {
                0 => (true, false),
                _ => (false, rate.reject(&mut limiter, 5000)),
            })
            .collect();
        let (fine, rejected, closed) = ((true, false), (false, false), (false, true));
        assert_eq!(outcomes, [fine, fine, fine, rejected, rejected, closed, closed]);
    }
}

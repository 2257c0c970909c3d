//! How much a connection, an address and a room may send, and how often a room's user list is sent.

use super::limits::{Rate, Rules};
use crate::{
    chat::protocol::Millis,
    ws::network::counted,
    ws::rate_limiter::{RateLimiter, RateLimiters},
};
use core::net::IpAddr;

/// Bytes of a message for one token.
const BYTES_PER_TOKEN: usize = 1024;

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Reject,
    /// It was rejected often enough: close the connection.
    Close,
}

/// Takes the price of a message of so many bytes, as [`Rate`] describes. A rejected message costs one token, because it is
/// little work.
pub(super) fn charge(limiter: &mut RateLimiter, now: Millis, bytes: usize, rate: Option<Rate>) -> Verdict {
    let Some(rate) = rate.filter(|rate| !allow(limiter, now, bytes, Some(*rate))) else { return Verdict::Accept };
    let (interval, burst) = interval_and_burst(rate);
    if limiter.count(micros(now), interval) < interval * burst * 2 { Verdict::Reject } else { Verdict::Close }
}

/// Takes the price of a message, if there are tokens for it. Returns whether there are.
pub(super) fn allow(limiter: &mut RateLimiter, now: Millis, bytes: usize, rate: Option<Rate>) -> bool {
    let Some((interval, burst)) = rate.map(interval_and_burst) else { return true };
    let price = tokens(bytes).min(burst);
    let is_allowed = !limiter.is_exhausted(micros(now), interval, burst - price + 1);
    if is_allowed {
        limiter.count(micros(now), interval * price);
    }
    is_allowed
}

fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN).max(1) as u64
}

/// How long a connection must have sent nothing, for each token of its message, so that the rates that it shares with other
/// connections do not reject the message.
const QUIET: Millis = 2000;

/// Whether a connection that sent its last message at `last` was quiet for long enough.
pub(super) fn was_quiet(last: Millis, now: Millis, bytes: usize) -> bool {
    now.saturating_sub(last) >= QUIET * tokens(bytes)
}

/// The time for one token, in microseconds.
fn interval_and_burst(rate: Rate) -> (u64, u64) {
    (1_000_000 / u64::from(rate.per_second.max(1)), u64::from(rate.burst.max(1)))
}

/// Milliseconds are too coarse for high rates.
fn micros(now: Millis) -> u64 {
    now.saturating_mul(1000)
}

/// Addresses that are remembered at once, in about 256 KiB. An IPv6 address counts as three networks.
pub(super) const MAX_ADDRESSES: usize = 4096;

/// Takes the price of a message, if each network of the address has tokens for it. Returns whether they have. Without an
/// address or a rate, there is no limit.
pub(super) fn allow_address(
    limiters: &mut RateLimiters,
    address: Option<IpAddr>,
    now: Millis,
    bytes: usize,
    rate: Option<Rate>,
) -> bool {
    let Some((address, rate)) = address.zip(rate) else { return true };
    let networks = counted(address).map(|(network, factor)| {
        let Rate { per_second, burst } = rate;
        let (per_second, burst) = (per_second.saturating_mul(factor), burst.saturating_mul(factor));
        let mut limiter = limiters.find(network).unwrap_or_default();
        allow(&mut limiter, now, bytes, Some(Rate { per_second, burst })).then_some((network, limiter))
    });
    let Some(charged) = networks.collect::<Option<Vec<_>>>() else { return false };
    for (network, limiter) in charged {
        *limiters.get(network, micros(now)) = limiter;
    }
    true
}

/// A burst of lists may take as many bytes as the rate allows in this time.
const LIST_BURST: Millis = 32_000;

/// Within that burst, the pause after a list is this part of the time that has been used up.
const LIST_BURST_PART: u64 = 8;

/// When the user list of a room may be sent again.
///
/// A list goes to every member, and a user who renames without end causes one after the other. So the bytes of lists are
/// bounded for each member. A burst of sign-ins may use more for a while; what goes on gets the rate.
#[derive(Debug, Default)]
#[cfg_attr(feature = "cluster", derive(Clone))]
pub(super) struct UserListThrottle {
    /// Whether the users changed since the last list.
    is_pending: bool,
    /// The earliest time of the next list.
    next: Millis,
    /// How long it takes at the rate to pay for all lists.
    limiter: RateLimiter,
    sent: u64,
}

impl UserListThrottle {
    /// The users differ from the last list.
    pub(super) fn mark_changed(&mut self) {
        self.is_pending = true;
    }

    /// How many lists were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

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
    fn verdicts_follow_the_tokens() {
        let rate = Some(Rate { per_second: 1, burst: 3 });
        let mut limiter = RateLimiter::default();
        let verdicts: Vec<Verdict> = (0..7).map(|_| charge(&mut limiter, 5000, 1, rate)).collect();
        use Verdict::{Accept, Close, Reject};
        assert_eq!(verdicts, [Accept, Accept, Accept, Reject, Reject, Close, Close]);
        assert_eq!((charge(&mut limiter, 0, 1, None), allow(&mut limiter, 0, 1, None)), (Accept, true));
    }
}

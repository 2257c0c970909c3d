//! How much one connection may send, and how often a room's user list is sent. Time is in milliseconds of uptime.

use super::limits::{Rate, Rules};
use crate::chat::protocol::Millis;

/// Thousandths of a token, which come back with every millisecond.
const TOKEN: i64 = 1000;

/// Bytes of a message for one token.
const BYTES_PER_TOKEN: usize = 1024;

/// The token bucket of one connection: see [`Rate`].
#[derive(Debug)]
pub(super) struct TokenBucket {
    /// In thousandths; below zero is a debt.
    tokens: i64,
    updated: Millis,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Reject,
    /// It was rejected often enough: close the connection.
    Close,
}

impl TokenBucket {
    pub(super) fn new(now: Millis, rate: Option<Rate>) -> Self {
        Self { tokens: rate.map_or(0, capacity), updated: now }
    }

    /// Takes the price of a message of so many bytes. A rejected message costs one token, because it is little work.
    pub(super) fn spend(&mut self, now: Millis, bytes: usize, rate: Option<Rate>) -> Verdict {
        let Some(rate) = rate else { return Verdict::Accept };
        self.refill(now, rate);
        let tokens = i64::try_from(bytes.div_ceil(BYTES_PER_TOKEN).max(1)).unwrap_or(i64::MAX);
        let price = tokens.saturating_mul(TOKEN).min(capacity(rate));
        if self.tokens >= price {
            self.tokens -= price;
            return Verdict::Accept;
        }
        self.tokens -= TOKEN;
        if self.tokens > -capacity(rate) { Verdict::Reject } else { Verdict::Close }
    }

    fn refill(&mut self, now: Millis, rate: Rate) {
        let passed = i64::try_from(now.saturating_sub(self.updated)).unwrap_or(i64::MAX);
        let refill = passed.saturating_mul(i64::from(rate.per_second.max(1)));
        self.tokens = self.tokens.saturating_add(refill).min(capacity(rate));
        self.updated = now;
    }
}

fn capacity(rate: Rate) -> i64 {
    i64::from(rate.burst.max(1)) * TOKEN
}

/// Bytes of user lists may exceed the rate by so many seconds' worth.
const LIST_BURST_SECONDS: u64 = 32;

/// Within that burst, the pause after a list is as long as all bytes spent take at so many times the rate.
const LIST_BURST_SPEED: u64 = 8;

/// When the user list of a room may be sent again.
///
/// A list goes to every member, and a user who renames without end causes one after the other. So the bytes of lists are
/// bounded for each member. A burst of sign-ins may use more for a while; what goes on gets the rate.
#[derive(Debug, Default)]
pub(super) struct UserListThrottle {
    /// Whether the users changed since the last list.
    is_pending: bool,
    /// When the last list was sent.
    sent: Option<Millis>,
    /// Bytes that each member was sent, less those that time has given back, just after the last list.
    spent: u64,
}

impl UserListThrottle {
    /// The users differ from the last list.
    pub(super) fn mark_changed(&mut self) {
        self.is_pending = true;
    }

    /// When the pending list may be sent, if there is one.
    pub(super) fn due(&self, rules: &Rules) -> Option<Millis> {
        self.is_pending.then(|| self.sent.map_or(0, |sent| sent.saturating_add(self.pause(rules))))
    }

    /// Whether a list is pending and may be sent. If the clock went backwards, it may.
    pub(super) fn is_due(&self, now: Millis, rules: &Rules) -> bool {
        self.due(rules).is_some_and(|due| due <= now || self.sent.is_some_and(|sent| now < sent))
    }

    /// The list was sent and has so many bytes.
    pub(super) fn mark_sent(&mut self, now: Millis, bytes: usize, rules: &Rules) {
        let passed = self.sent.map_or(0, |sent| now.saturating_sub(sent));
        let returned = passed.saturating_mul(rate(rules).unwrap_or_default()) / 1000;
        self.spent = self.spent.saturating_sub(returned).saturating_add(bytes as u64);
        self.sent = Some(now);
        self.is_pending = false;
    }

    fn pause(&self, rules: &Rules) -> Millis {
        let Some(rate) = rate(rules) else { return rules.list_interval };
        let time = |bytes: u64, rate: u64| bytes.saturating_mul(1000) / rate;
        let in_burst = time(self.spent, rate * LIST_BURST_SPEED);
        let beyond_burst = time(self.spent.saturating_sub(LIST_BURST_SECONDS * rate), rate);
        rules.list_interval.max(in_burst).max(beyond_burst)
    }
}

/// Bytes a second.
fn rate(rules: &Rules) -> Option<u64> {
    rules.list_bytes.map(|rate| u64::from(rate.max(1)))
}

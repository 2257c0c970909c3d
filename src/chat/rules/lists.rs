//! When the user list may be told again.
//!
//! Owns the pace of one room's lists. Knows neither names nor users.
//!
//! A list goes to every member, and somebody who renames without end makes one after the other. So what they cost is
//! bounded for each member, by a bucket: lists spend bytes, time gives them back. The more is spent, the longer is the
//! pause before the next list. A storm of sign-ins is over soon, since it ends; what goes on gets the rate, no more.

use super::rules::Rules;
use crate::chat::protocol::Millis;

/// Seconds' worth of bytes that may be spent before lists get no more than the rate.
const CREDIT: u64 = 32;

/// Until then they get so many times the rate: what is spent makes a pause of its size at that speed.
const HASTE: u64 = 8;

/// Whether a list waits, when the last one was sent, and what they cost.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Whether the users changed since the last list.
    waits: bool,
    /// When the last list was sent.
    sent: Option<Millis>,
    /// Bytes that each member was sent and time has not given back, just after the last list.
    spent: u64,
}

impl Lists {
    /// The users are not those of the last list any more.
    pub(super) fn changed(&mut self) {
        self.waits = true;
    }

    /// When the list that waits may be sent.
    pub(super) fn due(&self, rules: &Rules) -> Option<Millis> {
        self.waits.then(|| self.sent.map_or(0, |then| then.saturating_add(self.pause(rules))))
    }

    /// Whether one waits and may be sent.
    ///
    /// A list from the future means that the clock was set back: nobody shall wait for it to catch up.
    pub(super) fn is_due(&self, now: Millis, rules: &Rules) -> bool {
        let passed = self.sent.and_then(|then| now.checked_sub(then));
        self.waits && passed.is_none_or(|passed| passed >= self.pause(rules))
    }

    /// The list was sent, and is of so many bytes.
    pub(super) fn sent(&mut self, now: Millis, bytes: usize, rules: &Rules) {
        let passed = self.sent.map_or(0, |then| now.saturating_sub(then));
        let back = passed.saturating_mul(rate(rules).unwrap_or_default()) / 1000;
        self.spent = self.spent.saturating_sub(back).saturating_add(bytes as u64);
        self.sent = Some(now);
        self.waits = false;
    }

    fn pause(&self, rules: &Rules) -> Millis {
        let Some(rate) = rate(rules) else { return rules.list_interval };
        let hasty = millis(self.spent, rate * HASTE);
        let steady = millis(self.spent.saturating_sub(CREDIT * rate), rate);
        rules.list_interval.max(hasty).max(steady)
    }
}

fn rate(rules: &Rules) -> Option<u64> {
    rules.list_bytes.map(|rate| u64::from(rate.max(1)))
}

/// How long so many bytes take at that rate.
fn millis(bytes: u64, rate: u64) -> Millis {
    bytes.saturating_mul(1000) / rate
}

//! One connection's standing: its language, its seat, and how well it behaves.
//!
//! Owns the token bucket and the strikes. Knows nothing of the other members.

use super::events::RoomId;
use super::room::Seat;
use super::rules::Rate;
use crate::chat::protocol::{Dialect, Millis};

/// A token, in the thousandths that come back with every millisecond.
const TOKEN: i64 = 1000;

/// Bytes of a message that one token pays for.
const BYTES: usize = 1024;

/// A connection, as the rules see it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) dialect: Dialect,
    pub(super) room: RoomId,
    pub(super) seat: Seat,
    /// Messages refused in a row.
    pub(super) strikes: u32,
    /// Thousandths of a token; below zero is a debt.
    tokens: i64,
    /// When the tokens were counted last.
    counted: Millis,
}

/// Whether one more message is bearable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Yes.
    Fine,
    /// No: it is to be refused.
    TooFast,
    /// No, and it was told so for long enough.
    Flood,
}

impl Member {
    pub(super) fn new(now: Millis, dialect: Dialect, (room, seat): (RoomId, Seat), rate: Option<Rate>) -> Self {
        let tokens = rate.map_or(0, full);
        Self { dialect, room, seat, strikes: 0, tokens, counted: now }
    }

    /// Pays for one message of so many bytes. Being refused costs one token, whatever the size: it is no work.
    pub(super) fn pay(&mut self, now: Millis, bytes: usize, rate: Option<Rate>) -> Pace {
        let Some(rate) = rate else { return Pace::Fine };
        self.earn(now, rate);
        let price = price(bytes).min(full(rate));
        if self.tokens >= price {
            self.tokens -= price;
            return Pace::Fine;
        }
        self.tokens -= TOKEN;
        if self.tokens > -full(rate) { Pace::TooFast } else { Pace::Flood }
    }

    /// A clock that was set back earns nothing, and costs nothing.
    fn earn(&mut self, now: Millis, rate: Rate) {
        let passed = i64::try_from(now.saturating_sub(self.counted)).unwrap_or(i64::MAX);
        let earned = passed.saturating_mul(i64::from(rate.per_second.max(1)));
        self.tokens = self.tokens.saturating_add(earned).min(full(rate));
        self.counted = now;
    }
}

fn price(bytes: usize) -> i64 {
    i64::try_from(bytes.div_ceil(BYTES).max(1)).unwrap_or(i64::MAX).saturating_mul(TOKEN)
}

fn full(rate: Rate) -> i64 {
    i64::from(rate.burst.max(1)) * TOKEN
}

//! What was refused, counted by kind, and logged at most once a second per kind: an attack does not fill the disk.
//!
//! Owns the counters and the throttle.

use super::seats::Full;
use log::{Level, log};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const KINDS: usize = Kind::Silent as usize + 1;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A newcomer: no seat in all.
    Connections,
    /// A newcomer: no seat for its address.
    Address,
    /// A newcomer: too many handshakes in progress.
    Handshakes,
    /// A newcomer: the operating system has no descriptor, thread or memory for it.
    Exhausted,
    /// A request: it cannot be understood.
    Refused,
    /// A request: its head did not come in time.
    Slow,
    /// No request, but TLS.
    Tls,
    /// Plain HTTP where TLS is spoken.
    NoTls,
    /// A TLS handshake that failed; not in the log but for those who look closely.
    Handshake,
    /// A request: of a foreign host or origin, or without the access token.
    NotLetIn,
    /// A request: too many wrong access tokens came from its address.
    Tokens,
    /// A peer: it broke the protocol.
    Failed,
    /// A peer: its outbox overflowed.
    TooSlow,
    /// A peer: it did not answer a Ping. The last one: see [`KINDS`].
    Silent,
}

impl Kind {
    /// Each TLS port on the internet is tried with old versions, and each browser that is shown an unknown certificate says
    /// no first: that is nothing unusual.
    fn level(self) -> Level {
        match self {
            Self::Handshake => Level::Debug,
            _ => Level::Warn,
        }
    }
}

impl From<Full> for Kind {
    fn from(full: Full) -> Self {
        match full {
            Full::Connections => Self::Connections,
            Full::Address => Self::Address,
            Full::Handshakes => Self::Handshakes,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<[Entry; KINDS]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Entry {
    count: u64,
    logged: Option<Instant>,
    unlogged: u64,
}

impl Ledger {
    /// Counts one, and logs it unless one of its kind was logged within the last second.
    pub(super) fn note(&self, kind: Kind, what: fmt::Arguments<'_>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = &mut entries[kind as usize];
        entry.count += 1;
        let now = Instant::now();
        if entry.logged.is_some_and(|last| now.duration_since(last) < Duration::from_secs(1)) {
            entry.unlogged += 1;
            return;
        }
        entry.logged = Some(now);
        let Entry { count, unlogged, .. } = *entry;
        entry.unlogged = 0;
        drop(entries);
        match (count, unlogged) {
            // Who is the only one needs no number.
            (1, _) => log!(kind.level(), "{what}"),
            (_, 0) => log!(kind.level(), "{what} (number {count} of this kind)"),
            (_, more) => log!(kind.level(), "{what} (number {count} of this kind, {more} not logged)"),
        }
    }
}

//! Logs what was rejected, at most once a second per kind, so that an attack does not fill the disk.

use crate::ws::spawn::lock;
use log::{Level, log};
use std::time::{Duration, Instant};
use std::{fmt, sync::Mutex};

/// The time between two lines of a kind.
const INTERVAL: Duration = Duration::from_secs(1);

const KINDS: usize = Rejection::PingTimeout as usize + 1;

/// The names of the kinds, for programs, in their order.
const NAMES: &str = "connections connections-per-address handshakes exhausted invalid-request slow-request \
    tls-on-plain-port plain-on-tls-port tls-handshake access-denied wrong-tokens protocol-violation slow-reader ping-timeout";

/// What was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// A new connection: too many in all.
    Connections,
    /// A new connection: too many from its address.
    ConnectionsPerAddress,
    /// A new connection: too many handshakes in progress.
    Handshakes,
    /// A new connection: the operating system has no descriptor, thread or memory left.
    Exhausted,
    /// A request that is invalid.
    InvalidRequest,
    /// A request that did not arrive in time.
    SlowRequest,
    /// TLS on a plain port.
    TlsOnPlainPort,
    /// Plain HTTP on a TLS port.
    PlainOnTlsPort,
    /// A TLS handshake that failed.
    TlsHandshake,
    /// A request with a foreign host or origin, or without the access token.
    AccessDenied,
    /// A request: too many wrong access tokens came from its address.
    WrongTokens,
    /// A peer that violated the protocol.
    ProtocolViolation,
    /// A peer that read too slowly.
    SlowReader,
    /// A peer that did not reply to a Ping. The last one: see [`KINDS`].
    PingTimeout,
}

/// The name of the kind.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.split(' ').nth(*self as usize).unwrap_or_default())
    }
}

/// For each kind, how often it was counted, and when it was logged.
#[derive(Debug, Default)]
pub(super) struct RejectionLog(Mutex<[(u64, Option<Instant>); KINDS]>);

impl RejectionLog {
    /// The number of rejections of each kind.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let kinds = lock(&self.0);
        NAMES.split(' ').zip(kinds.iter().map(|(count, _)| *count)).collect()
    }

    /// Counts a rejection, and logs it with its number unless one of its kind was logged within the last second.
    pub(super) fn log(&self, kind: Rejection, message: fmt::Arguments<'_>) {
        let mut kinds = lock(&self.0);
        let (count, logged_at) = &mut kinds[kind as usize];
        *count += 1;
        if logged_at.is_some_and(|at| at.elapsed() < INTERVAL) {
            return;
        }
        *logged_at = Some(Instant::now());
        let count = *count;
        drop(kinds);
        // Failed TLS handshakes are common: browsers end one for each certificate that they do not know.
        let level = if kind == Rejection::TlsHandshake { Level::Debug } else { Level::Warn };
        log!(level, "{message} ({kind}, number {count})");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_name() {
        let log = RejectionLog::default();
        log.log(Rejection::SlowReader, format_args!(""));
        assert_eq!((log.counts().len(), log.counts()[KINDS - 2]), (KINDS, ("slow-reader", 1)));
    }
}

//! Whether and when to connect again.

use crate::ws::{DisconnectReason, client::Error};
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(500);

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a connection that lasted this long, the pauses start anew.
const STABLE: Duration = Duration::from_secs(10);

/// The pauses between attempts to connect: they double, with a random part, so that the clients of a server that was
/// restarted do not all reconnect at once.
#[derive(Debug)]
pub(super) struct Backoff {
    retry_for: Duration,
    attempts: u32,
    /// When the last open connection ended.
    lost_at: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(retry_for: Duration) -> Self {
        Self { retry_for, attempts: 0, lost_at: None }
    }

    /// The pause after a connection ended, which was open for `open_for`, if it opened at all. `None`: give up.
    pub(super) fn next(&mut self, open_for: Option<Duration>) -> Option<Duration> {
        if let Some(time) = open_for {
            self.lost_at = Some(Instant::now());
            self.attempts = if time > STABLE { 0 } else { self.attempts };
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
        self.attempts += 1;
        let pause = longest.mul_f64(1.0 - rand::random::<f64>() / 2.0);
        (self.lost_at?.elapsed() + pause <= self.retry_for).then_some(pause)
    }
}

/// Whether another attempt may succeed: not if the server refused this one for good, or closed it in good order.
pub(super) fn may_retry(end: &Error) -> bool {
    match end {
        Error::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
        // Going away, internal error, service restart, try again later, bad gateway (RFC 6455 7.4 and its registry).
        Error::Ended(DisconnectReason::ClosedByPeer { code, .. }) => matches!(code, 1001 | 1006 | 1011..=1014),
        Error::Ended(DisconnectReason::ProtocolViolation { .. }) => false,
        Error::Ended(_) | Error::Connect(_) | Error::Timeout(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_differ() {
        let hour = Duration::from_secs(3600);
        let mut backoff = Backoff::new(hour);
        let mut open_for = Some(Duration::ZERO);
        for full in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let pause = backoff.next(open_for.take()).expect("a pause").as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        assert!((0..100).all(|_| backoff.next(None) <= Some(LONGEST_PAUSE)));
        assert!(backoff.next(Some(STABLE * 2)) <= Some(FIRST_PAUSE));
        let first: Vec<_> = (0..8).map(|_| Backoff::new(hour).next(Some(STABLE))).collect();
        assert!(first.iter().any(|pause| *pause != first[0]), "{first:?}");
    }

    #[test]
    fn the_first_connection_is_tried_once_and_retries_end() {
        assert_eq!(Backoff::new(Duration::MAX).next(None), None);
        assert_eq!(Backoff::new(Duration::ZERO).next(Some(STABLE)), None);
    }

    #[test]
    fn only_ends_that_may_pass_are_retried() {
        let violation = Error::Ended(DisconnectReason::ProtocolViolation { code: 1002, detail: String::new() });
        let refused = |status| Error::Refused { status, body: String::new() };
        let closed = |code| Error::Ended(DisconnectReason::ClosedByPeer { code, reason: String::new() });
        for (end, expected) in [
            (closed(1000), false),
            (closed(1001), true),
            (closed(1008), false),
            (closed(1013), true),
            (closed(4000), false),
            (Error::Ended(DisconnectReason::ConnectionLost), true),
            (refused(401), false),
            (refused(503), true),
            (Error::Handshake("no"), false),
            (violation, false),
        ] {
            assert_eq!(may_retry(&end), expected, "{end:?}");
        }
    }
}

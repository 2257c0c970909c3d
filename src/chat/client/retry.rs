//! Whether and when to connect again.
//!
//! Owns the pauses, which double and differ, so that the clients of a server that was restarted do not all come back at
//! once; and the judgement of which ends are worth another try.

use crate::ws::client::Error;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that lasted so long begins the series of pauses anew.
pub(super) const LASTED: Duration = Duration::from_secs(10);

/// The pauses of one series.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    tries: u32,
}

impl Pauses {
    /// The next one: 0.5 s, 1 s, 2 s, … 30 s, less up to a half of it, by chance.
    pub(super) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        let part = RandomState::new().hash_one(self.tries) % 500;
        full.mul_f64(1.0 - part as f64 / 1000.0)
    }

    /// It is worth beginning with short ones again.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}

/// Whether another try may do better: not where the server has said no, nor where it closed in good order.
pub(super) fn is_worth_it(error: Option<&Error>, code: u16) -> bool {
    match error {
        Some(Error::Refused { status, .. }) => matches!(status, 408 | 429 | 500..=599),
        Some(Error::Lost | Error::Silent | Error::Full | Error::Start(_) | Error::Resolve(_) | Error::Connect(_)) => {
            true
        }
        Some(Error::ConnectTimeout(_) | Error::HandshakeTimeout(_)) => true,
        Some(_) => false,
        // Going away, internal error, service restart, try again later, bad gateway (RFC 6455 7.4, and its registry).
        None => matches!(code, 1001 | 1006 | 1011..=1014),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_differ() {
        let mut pauses = Pauses::default();
        for full in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let pause = pauses.next().as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        assert!((0..100).all(|_| pauses.next() <= LONGEST));
        pauses.reset();
        assert!(pauses.next() <= FIRST);
        let differ = |_| Pauses::default().next();
        let first: Vec<_> = (0..8).map(differ).collect();
        assert!(first.iter().any(|pause| *pause != first[0]), "{first:?}");
    }

    #[test]
    fn a_no_is_a_no() {
        let refused = |status| Error::Refused { status, body: String::new(), location: None };
        for (error, code, again) in [
            (None, 1000, false),
            (None, 1001, true),
            (None, 1008, false),
            (None, 1013, true),
            (None, 4000, false),
            (Some(Error::Lost), 1006, true),
            (Some(refused(401)), 1006, false),
            (Some(refused(503)), 1006, true),
            (Some(Error::Handshake("no")), 1006, false),
            (Some(Error::Failed { code: 1002, what: String::new() }), 1006, false),
        ] {
            assert_eq!(is_worth_it(error.as_ref(), code), again, "{error:?} {code}");
        }
    }
}

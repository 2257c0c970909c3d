//! The pauses between attempts to connect.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a connection that lasted this long, the pauses start anew.
const STABLE: Duration = Duration::from_secs(10);

/// The pauses double, with a random part, so that the clients of a server that was restarted do not all reconnect at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The pause after a connection ended, which was open for `open_for`, if it opened at all.
    pub(crate) fn next(&mut self, open_for: Option<Duration>) -> Duration {
        if open_for.is_some_and(|time| time >= STABLE) {
            self.attempts = 0;
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
        self.attempts += 1;
        let random = u32::try_from(RandomState::new().hash_one(()) % 1000).unwrap_or(0);
        longest / 2 + longest / 2 * random / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_differ() {
        let mut backoff = Backoff::default();
        for full in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let pause = backoff.next(Some(Duration::ZERO)).as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        assert!((0..100).all(|_| backoff.next(None) <= LONGEST_PAUSE));
        assert!(backoff.next(Some(STABLE)) <= FIRST_PAUSE);
        let first: Vec<_> = (0..8).map(|_| Backoff::default().next(None)).collect();
        assert!(first.iter().any(|pause| *pause != first[0]), "{first:?}");
    }
}

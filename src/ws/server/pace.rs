//! How often one address may do something: once a pause, and a few times at once. It slows down who guesses access
//! tokens, and who comes again and again to begin each time with a fresh bound on messages.
//!
//! Owns the list of those who did it lately; it is bounded. Nobody waits here: the one who is told to wait does.

use super::seats::network;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Addresses remembered at once: about 64 KiB.
const ADDRESSES: usize = 1024;

#[derive(Debug)]
pub(super) struct Pace {
    /// So many at once.
    most: u32,
    /// Until when what each address has done lately will be paid for, at one a pause.
    until: Mutex<HashMap<IpAddr, Instant>>,
}

impl Pace {
    pub(super) fn new(most: u32) -> Self {
        Self { most: most.max(1), until: Mutex::default() }
    }

    /// Has that address done it too often to do it once more?
    pub(super) fn too_many(&self, address: IpAddr, pause: Duration, now: Instant) -> bool {
        let until = self.until().get(&network(address)).copied();
        until.is_some_and(|until| until.saturating_duration_since(now) > pause * (self.most - 1))
    }

    /// It did it once more: how long until that is paid for.
    pub(super) fn one_more(&self, address: IpAddr, pause: Duration, now: Instant) -> Duration {
        if pause.is_zero() {
            return pause;
        }
        let mut all = self.until();
        make_room(&mut all, now);
        let until = all.entry(network(address)).or_insert(now);
        *until = (*until).max(now) + pause;
        *until - now
    }

    fn until(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets those who have waited, and if that does not help, the one whose wait is over first.
fn make_room(all: &mut HashMap<IpAddr, Instant>, now: Instant) {
    if all.len() < ADDRESSES {
        return;
    }
    all.retain(|_, until| *until > now);
    if let (true, Some(first)) = (all.len() >= ADDRESSES, all.iter().min_by_key(|(_, until)| **until).map(|(a, _)| *a))
    {
        all.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 8;
    const PAUSE: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn each_wrong_token_waits_longer_and_too_many_are_not_looked_at() {
        let (guesses, now) = (Pace::new(MOST), Instant::now());
        for number in 1..=MOST {
            assert!(!guesses.too_many(address(1), PAUSE, now));
            assert_eq!(guesses.one_more(address(1), PAUSE, now), PAUSE * number);
        }
        assert!(guesses.too_many(address(1), PAUSE, now));
        assert!(!guesses.too_many(address(2), PAUSE, now), "another address waits for nobody");
        assert!(!guesses.too_many(address(1), PAUSE, now + PAUSE), "one answer is out");
        assert_eq!(guesses.one_more(address(1), PAUSE, now + PAUSE * 100), PAUSE, "all is forgiven");
    }

    #[test]
    fn the_list_is_bounded() {
        let (guesses, now) = (Pace::new(MOST), Instant::now());
        for number in 0..10 * ADDRESSES as u32 {
            guesses.one_more(address(number), PAUSE, now);
        }
        assert_eq!(guesses.until().len(), ADDRESSES);
        guesses.one_more(address(0), PAUSE, now + PAUSE * 2);
        assert_eq!(guesses.until().len(), 1, "who has waited is forgotten first");
    }

    #[test]
    fn without_a_pause_nothing_is_remembered() {
        let (guesses, now) = (Pace::new(MOST), Instant::now());
        assert_eq!(guesses.one_more(address(1), Duration::ZERO, now), Duration::ZERO);
        assert!(!guesses.too_many(address(1), Duration::ZERO, now));
        assert!(guesses.until().is_empty());
    }
}

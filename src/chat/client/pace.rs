//! How fast to talk, where the server says `too-fast`.
//!
//! Owns the pauses. Nobody tells a client the bounds of its server, so it learns them: full speed until the first refusal,
//! then one message at a time, at an interval that fits the chat's default of ten a second, and doubles if that is still
//! too fast.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The silence after a refusal, in which the server forgets.
const SILENCE: Duration = Duration::from_secs(2);

/// Between two messages after the first refusal.
const FIRST: Duration = Duration::from_millis(125);

/// And never more than that.
const LONGEST: Duration = Duration::from_secs(4);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Zero: as fast as it goes.
    interval: Duration,
    silent_until: Option<Instant>,
    refused: Option<Instant>,
    /// Nonces of what has to be said again.
    again: VecDeque<String>,
}

impl Pace {
    /// A new connection: everything unheard was just said again.
    pub(super) fn connected(&mut self) {
        self.silent_until = None;
        self.again.clear();
    }

    /// Nothing may be said before that.
    pub(super) fn silent_until(&self) -> Option<Instant> {
        self.silent_until
    }

    /// How many messages may be on their way.
    pub(super) fn window(&self, most: usize) -> usize {
        if self.interval.is_zero() { most } else { 1 }
    }

    /// Something was said.
    pub(super) fn said(&mut self) {
        if !self.interval.is_zero() {
            self.silent_until = Some(Instant::now() + self.interval);
        }
    }

    /// The server refused something; that, and all that was not heard, is to be said again later. Several refusals that come
    /// together are one.
    pub(super) fn too_fast(&mut self, unheard: impl Iterator<Item = String>) {
        let now = Instant::now();
        if self.refused.is_none_or(|before| now - before > SILENCE) {
            self.interval = (self.interval * 2).clamp(FIRST, LONGEST);
        }
        self.refused = Some(now);
        self.silent_until = Some(now + SILENCE);
        self.again = unheard.collect();
    }

    /// The silence is over: what to say now, if there is something to be said again.
    pub(super) fn awake(&mut self, find: impl Fn(&str) -> Option<String>) -> Option<String> {
        self.silent_until = None;
        while let Some(nonce) = self.again.pop_front() {
            if let Some(object) = find(&nonce) {
                self.said();
                return Some(object);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slows_down_when_told_and_says_the_refused_again_in_order() {
        let mut pace = Pace::default();
        pace.said();
        assert_eq!((pace.silent_until(), pace.window(8)), (None, 8));
        for _ in 0..3 {
            pace.too_fast(["a", "b", "c"].into_iter().map(str::to_owned));
        }
        assert!(pace.silent_until() > Some(Instant::now() + SILENCE / 2));
        assert_eq!((pace.interval, pace.window(8)), (FIRST, 1), "three at once are one");
        let find = |nonce: &str| (nonce != "b").then(|| nonce.to_uppercase());
        assert_eq!(pace.awake(find).as_deref(), Some("A"));
        assert!(pace.silent_until().is_some());
        assert_eq!(pace.awake(find).as_deref(), Some("C"), "b was heard meanwhile");
        assert_eq!((pace.awake(find), pace.silent_until()), (None, None));
    }

    #[test]
    fn a_bound_that_is_lower_still_is_found() {
        let mut pace = Pace::default();
        for doubled in [125, 250, 500, 1000, 2000, 4000, 4000] {
            pace.refused = pace.refused.and_then(|at| at.checked_sub(SILENCE * 2));
            pace.too_fast(std::iter::empty());
            assert_eq!(pace.interval.as_millis(), doubled);
        }
    }
}

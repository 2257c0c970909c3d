//! Whether a newcomer's first moments are lived on the thread of its handshake.
//!
//! Owns what was learned from those before it. Many come, say something and go again: then no second thread has to be woken
//! for them. Those who stay cost a little more that way, and keep that thread from others for a moment. Knows neither
//! sockets nor threads.

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// A silence this long means that it stays. On a busy server, a round trip takes some of it.
pub(super) const SILENCE: Duration = Duration::from_millis(10);

/// The longest that those may visit who are never silent.
pub(super) const WHOLE: Duration = Duration::from_millis(50);

/// The most doubt there may be: then one of 64 visits, all the same.
const DOUBT: u32 = 6;

/// Visitors at once, at most: each one keeps a thread.
const MOST: usize = 64;

/// What is known of visits: whether they pay.
#[derive(Debug)]
pub(super) struct Visits {
    doubt: AtomicU32,
    turn: AtomicU32,
    here: AtomicUsize,
}

impl Default for Visits {
    fn default() -> Self {
        Self { doubt: AtomicU32::new(DOUBT), turn: AtomicU32::default(), here: AtomicUsize::default() }
    }
}

impl Visits {
    /// Has a newcomer visit, if that seems to pay: `visit` gives it back if it stays.
    pub(super) fn host<T>(&self, newcomer: T, visit: impl FnOnce(T) -> Option<T>) -> Option<T> {
        if !self.pay() {
            return Some(newcomer);
        }
        let left = self.here.fetch_add(1, Relaxed) < MOST;
        let newcomer = if left { visit(newcomer) } else { Some(newcomer) };
        self.here.fetch_sub(1, Relaxed);
        if left {
            self.learn(newcomer.is_some());
        }
        newcomer
    }

    fn pay(&self) -> bool {
        let turn = self.turn.fetch_add(1, Relaxed);
        turn % (1 << self.doubt.load(Relaxed)) == 0
    }

    /// One has stayed, or has gone. Two threads that learn at once may learn one thing less: no harm is done.
    fn learn(&self, stayed: bool) {
        let doubt = self.doubt.load(Relaxed);
        self.doubt.store(if stayed { (doubt + 1).min(DOUBT) } else { doubt.saturating_sub(2) }, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the next 64 visit; all stay, or all go.
    fn visitors(visits: &Visits, stay: bool) -> usize {
        let mut visitors = 0;
        for _ in 0..64 {
            let visit = |()| {
                visitors += 1;
                stay.then_some(())
            };
            visits.host((), visit);
        }
        visitors
    }

    #[test]
    fn who_comes_visits_as_long_as_those_before_have_gone() {
        let visits = Visits::default();
        assert_eq!(visitors(&visits, true), 1, "nothing is known yet");
        assert!(visitors(&visits, false) > 32, "visits pay");
        assert_eq!(visitors(&visits, false), 64, "and that is known");
        assert!(visitors(&visits, true) < 12, "they do not");
        assert!(visitors(&visits, true) <= 1);
    }

    #[test]
    fn only_so_many_visit_at_once() {
        fn crowd(visits: &Visits, more: usize) -> usize {
            let mut inside = 0;
            let visit = |()| {
                inside = 1 + if more > 0 { crowd(visits, more - 1) } else { 0 };
                None
            };
            visits.host((), visit);
            inside
        }
        let visits = Visits { doubt: AtomicU32::new(0), ..Visits::default() };
        assert_eq!(crowd(&visits, 2 * MOST), MOST);
        assert_eq!(crowd(&visits, 2 * MOST), MOST, "they are gone");
    }
}

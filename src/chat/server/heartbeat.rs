//! A call at regular times on the chat thread, which shows that it does not hang.

use std::{
    fmt,
    time::{Duration, Instant},
};

pub(super) struct Heartbeat {
    interval: Duration,
    due_at: Instant,
    beat: Box<dyn FnMut() + Send>,
}

impl Heartbeat {
    /// The first call is due at once. A batch takes time, so the calls are due twice in each interval.
    pub(super) fn new(interval: Duration, beat: Box<dyn FnMut() + Send>) -> Self {
        Self { interval: interval / 2, due_at: Instant::now(), beat }
    }

    pub(super) fn due_at(&self) -> Instant {
        self.due_at
    }

    pub(super) fn run(&mut self, now: Instant) {
        if self.due_at <= now {
            self.due_at = now + self.interval;
            (self.beat)();
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("interval", &self.interval).finish_non_exhaustive()
    }
}

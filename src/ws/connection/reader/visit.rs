//! A visit: a connection's first moments, on another thread than that of its later life.
//!
//! Owns when that ends. Knows neither of the threads.

use super::Reader;
use std::{
    mem,
    time::{Duration, Instant},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    /// At the first silence, or the first wait after that, the visit ends.
    Until(Instant),
    /// It has ended so, and the connection goes on.
    Ended,
    /// There is none.
    None,
}

impl Visit {
    /// Before a wait: was that its whole time? Then it ends.
    pub(super) fn has_lasted(&mut self) -> bool {
        matches!(self, Self::Until(end) if Instant::now() >= *end) && self.ends()
    }

    /// After a silence: ends it. False: there was none.
    pub(super) fn ends(&mut self) -> bool {
        if *self != Self::None {
            *self = Self::Ended;
        }
        *self == Self::Ended
    }
}

impl Reader {
    /// From now on [`Reader::next`] ends, too, when nothing came for that long, or when it would have to wait after the
    /// visit's whole time: [`Reader::stays`] tells that from the end of the connection.
    pub(crate) fn visit(&mut self, silence: Duration, whole: Duration) {
        self.visit = Visit::Until(Instant::now() + whole);
        self.timeout = Some(silence);
    }

    /// Whether it was the visit that ended, and not the connection, which waits as ever from now on. Nothing is left in
    /// the [`Space`](super::Space) then: it may be another one.
    pub(crate) fn stays(&mut self) -> bool {
        self.timeout = Some(self.connection.config.ping_interval);
        mem::replace(&mut self.visit, Visit::None) == Visit::Ended
    }
}

//! What both threads of a history share.
//!
//! Owns the lock, which is held to move handles around, never while a disk works.

use super::{
    alarm::{Alarm, Line},
    problem::Problem,
    shelf::Shelf,
};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// What the thread is asked to look up in the file.
pub(super) type Ask = Box<dyn FnOnce(Option<&Source<'_>>) -> Result<(), Problem> + Send>;

/// What can be read, and how its numberings are called.
pub(super) struct Source<'a> {
    /// None: there is nothing yet.
    pub(super) db: Option<&'a Connection>,
    /// The name of numberings that begin now.
    pub(super) run: &'a Arc<str>,
    /// All are called that.
    pub(super) renamed: bool,
}

pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to do.
    pub(super) work: Condvar,
    /// Something was done.
    pub(super) done: Condvar,
}

pub(super) struct State {
    pub(super) shelf: Shelf,
    pub(super) asks: Vec<Ask>,
    pub(super) alarm: Alarm,
    /// The thread did not do in time what was wanted last: nobody waits for it until it does something.
    pub(super) is_slow: bool,
    pub(super) closing: bool,
    pub(super) ended: bool,
}

impl State {
    pub(super) fn is_late(&mut self, now: Instant) -> Option<Line> {
        self.is_slow = true;
        self.alarm.raise(Problem::Slow, now)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(file: &Path) -> Self {
        let (shelf, asks, alarm) = (Shelf::default(), Vec::new(), Alarm::new(file));
        let state = Mutex::new(State { shelf, asks, alarm, is_slow: false, closing: false, ended: false });
        Self { state, work: Condvar::new(), done: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

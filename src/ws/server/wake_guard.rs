//! Wakes a waiting thread. (A channel for this would be 6 KiB of code for each type.)

use crate::ws::tcp::left_until;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Instant,
};

/// Wakes the thread that created it when it is dropped.
#[derive(Debug)]
pub(crate) struct WakeGuard {
    waiting: Thread,
    is_dropped: Arc<AtomicBool>,
}

/// Lets that thread wait until the guard is dropped.
pub(crate) struct Waiter(Arc<AtomicBool>);

impl WakeGuard {
    /// A guard for which the current thread will wait.
    pub(crate) fn new() -> (Self, Waiter) {
        let is_dropped = Arc::new(AtomicBool::new(false));
        (Self { waiting: thread::current(), is_dropped: Arc::clone(&is_dropped) }, Waiter(is_dropped))
    }
}

impl Drop for WakeGuard {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Release);
        self.waiting.unpark();
    }
}

impl Waiter {
    /// Blocks until the guard is dropped, at most until the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) {
        while !self.0.load(Ordering::Acquire) {
            match deadline.map(left_until) {
                None => thread::park(),
                Some(Ok(left)) => thread::park_timeout(left),
                Some(Err(_)) => return,
            }
        }
    }
}

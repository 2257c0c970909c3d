//! Messages that were handed out and not yet dealt with.
//!
//! Owns their number. What a client sent before its Close frame, or before it broke the protocol, is to be answered
//! before the Close frame that ends the connection: so the reader waits, for a while, until nothing is pending.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Instant,
};

/// A count that one thread, the reader, can wait for.
#[derive(Debug, Default)]
pub(super) struct Pending {
    count: AtomicUsize,
    abandoned: AtomicBool,
    /// The thread that waits.
    reader: Mutex<Option<Thread>>,
}

impl Pending {
    /// One more was handed out.
    pub(super) fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// One was dealt with.
    pub(super) fn remove(&self) {
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            self.wake();
        }
    }

    /// It does not matter any more.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits until nothing is pending or all is abandoned, at most until `deadline`. For the reader only.
    pub(super) fn wait(&self, deadline: Instant) {
        // Said before the first look: who makes the count zero after that look finds whom to wake.
        *self.reader() = Some(thread::current());
        while self.count.load(Ordering::Acquire) > 0 && !self.abandoned.load(Ordering::Acquire) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }

    fn wake(&self) {
        if let Some(reader) = &*self.reader() {
            reader.unpark();
        }
    }

    fn reader(&self) -> MutexGuard<'_, Option<Thread>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How threads are started, and how they share data. One place, because each call of `Builder::spawn` with another closure adds
//! 2 KiB of binary.

use log::error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, thread, time::Duration};

/// What a thread runs.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A pause after a failure that would come again at once.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Starts a thread with that name and that many bytes of stack.
///
/// # Errors
/// The operating system has no thread left.
pub(crate) fn spawn(name: &str, stack_size: usize, job: Job) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(stack_size).spawn(job).map(drop)
}

/// Locks, even after a panic under the lock: what is kept under it is always valid.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As [`spawn`], for a thread that the whole server depends on: after a panic, which is a bug, the job runs again.
///
/// # Errors
/// As [`spawn`].
pub(crate) fn spawn_supervised(name: &'static str, stack: usize, mut job: Box<dyn FnMut() + Send>) -> io::Result<()> {
    let supervised = move || {
        while catch_unwind(AssertUnwindSafe(&mut job)).is_err() {
            // A logger that panics must not end the thread either.
            let _ = catch_unwind(|| error!("the thread {name} panicked and continues; please report this"));
            thread::sleep(PAUSE);
        }
    };
    spawn(name, stack, Box::new(supervised))
}

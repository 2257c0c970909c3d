//! How a thread is started.
//!
//! Owns one call of the standard library: each place that has one of its own makes a binary 2 KiB larger. Knows nothing
//! of what threads do.

use std::{io, thread};

/// What a thread does.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Starts a thread with that name and so many bytes of stack.
///
/// # Errors
/// The operating system has none.
pub(crate) fn spawn(name: &str, stack: usize, work: Work) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(stack).spawn(work).map(drop)
}

//! Lines for stderr: a bounded queue, and a thread that writes. No other thread blocks if stderr is not read. Lines that do
//! not fit into the queue are dropped and counted.

use super::{log_line::line, spawn};
use log::Level;
use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::{mem, thread, time::Duration};

/// The most bytes that wait, besides those that are being written. A single line may be longer.
const MAX_BYTES: usize = 256 * 1024;

/// How long the end of the program waits for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A pause before stderr is tried again, if it was made non-blocking by a program that shares it.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

static QUEUE: Mutex<Queue> = Mutex::new(Queue { lines: String::new(), dropped: 0, is_started: false, is_idle: true });
static CHANGED: Condvar = Condvar::new();

struct Queue {
    lines: String,
    /// Lines dropped since the last one that was written.
    dropped: usize,
    /// Whether the writing thread was started.
    is_started: bool,
    /// Whether the writing thread waits for lines.
    is_idle: bool,
}

impl Queue {
    /// Returns false if the line was dropped, because too many bytes wait.
    fn push(&mut self, line: &str) -> bool {
        let fits = self.lines.is_empty() || self.lines.len() + line.len() < MAX_BYTES;
        match fits {
            true => self.lines.extend([line, "\n"]),
            false => self.dropped += 1,
        }
        fits
    }

    /// The lines to write next, and how many the last one of them is to report as dropped.
    fn take(&mut self) -> (String, usize) {
        let (mut lines, dropped) = (mem::take(&mut self.lines), mem::take(&mut self.dropped));
        if dropped > 0 {
            let note = format!("stderr was not read in time; lines dropped: {dropped}");
            lines.extend([line(Level::Warn, module_path!(), &note).as_str(), "\n"]);
        }
        (lines, dropped)
    }
}

/// Starts the writing thread. A server does so first: later there may be no thread left.
pub(crate) fn start() {
    drop(lock_started());
}

fn lock_started() -> MutexGuard<'static, Queue> {
    let mut queue = lock();
    if !queue.is_started {
        // If no thread can be started, the next line tries again.
        queue.is_started = spawn("stderr", Box::new(write_lines)).is_ok();
    }
    queue
}

/// Queues a line. Never blocks.
pub(crate) fn write_line(line: &str) {
    if lock_started().push(line) {
        CHANGED.notify_all();
    }
}

/// Waits until the queued lines are written, for at most a second.
pub(crate) fn flush() {
    let mut queue = lock();
    if queue.is_started {
        let is_busy = |queue: &mut Queue| !(queue.is_idle && queue.lines.is_empty());
        drop(CHANGED.wait_timeout_while(queue, FLUSH_TIMEOUT, is_busy));
    } else {
        // No writing thread could be started. The last line is the error that says so.
        let (lines, _) = queue.take();
        drop(queue);
        write(lines.as_bytes());
    }
}

fn write_lines() {
    loop {
        let queue = CHANGED.wait_while(lock(), |queue| queue.lines.is_empty());
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        let (lines, dropped) = queue.take();
        queue.is_idle = false;
        drop(queue);
        let is_written = write(lines.as_bytes());
        let mut queue = lock();
        queue.is_idle = true;
        if !is_written {
            let note = usize::from(dropped > 0);
            queue.dropped += dropped + lines.lines().count() - note;
        }
        CHANGED.notify_all();
    }
}

/// Returns false if stderr cannot be written to: its reader is gone, the disk is full.
fn write(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match io::stderr().write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            Err(_) => return false,
        }
    }
    true
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_counted() {
        let mut queue = Queue { lines: String::new(), dropped: 0, is_started: true, is_idle: true };
        let line = "x".repeat(MAX_BYTES / 4);
        let accepted = (0..10).filter(|_| queue.push(&line)).count();
        assert_eq!((accepted, queue.dropped), (3, 7));
        let (lines, dropped) = queue.take();
        assert_eq!((lines.lines().count(), dropped), (4, 7));
        assert!(lines.lines().last().is_some_and(|note| note.contains('7')), "the last line reports it");
        assert!(queue.push(&"x".repeat(2 * MAX_BYTES)), "one line always fits");
        assert_eq!((queue.push("y"), queue.dropped), (false, 1));
    }
}

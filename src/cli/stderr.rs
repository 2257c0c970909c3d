//! Lines for stderr: a bounded queue, and a thread that writes. No other thread blocks if stderr is not read. Lines that do
//! not fit into the queue are dropped and counted.

use super::{log_line::line, spawn};
use log::Level;
use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::{mem, thread, time::Duration};

/// The most bytes that wait, besides those that are being written. A single line may be longer.
const MAX_BYTES: usize = 256 * 1024;

/// How long the end of the program waits for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A pause before stderr is tried again, if it was made non-blocking by a program that shares it.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

static QUEUE: Mutex<Queue> = Mutex::new(Queue { lines: String::new(), dropped: 0, is_idle: true });
static CHANGED: Condvar = Condvar::new();
/// Whether the writing thread runs.
static IS_STARTED: OnceLock<bool> = OnceLock::new();

struct Queue {
    lines: String,
    /// Lines dropped since the last one that was written.
    dropped: usize,
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

    /// The lines to write next. The last one of them reports those that were dropped.
    fn take(&mut self) -> String {
        let (mut lines, dropped) = (mem::take(&mut self.lines), mem::take(&mut self.dropped));
        if dropped > 0 {
            let note = format!("stderr was not read in time; lines dropped: {dropped}");
            lines.extend([line(Level::Warn, module_path!(), &note).as_str(), "\n"]);
        }
        lines
    }
}

/// Starts the writing thread, if it does not run, and returns whether it does. A server does so first: later there may be no
/// thread left.
pub(crate) fn start() -> bool {
    *IS_STARTED.get_or_init(|| spawn("stderr", Box::new(write_lines)).is_ok())
}

/// Queues a line. Never blocks, unless the writing thread could not be started: then the line is the error that says so.
pub(crate) fn write_line(line: &str) {
    if !start() {
        write(format!("{line}\n").as_bytes());
    } else if lock().push(line) {
        CHANGED.notify_all();
    }
}

/// Waits until the queued lines are written, for at most a second.
pub(crate) fn flush() {
    let is_busy = |queue: &mut Queue| !(queue.is_idle && queue.lines.is_empty());
    drop(CHANGED.wait_timeout_while(lock(), FLUSH_TIMEOUT, is_busy));
}

fn write_lines() {
    loop {
        let queue = CHANGED.wait_while(lock(), |queue| queue.lines.is_empty());
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        let lines = queue.take();
        queue.is_idle = false;
        drop(queue);
        write(lines.as_bytes());
        lock().is_idle = true;
        CHANGED.notify_all();
    }
}

/// If stderr cannot be written to, because its reader is gone or the disk is full, the lines are lost.
fn write(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match io::stderr().write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            Err(_) => return,
        }
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_counted() {
        let mut queue = Queue { lines: String::new(), dropped: 0, is_idle: true };
        let line = "x".repeat(MAX_BYTES / 4);
        let accepted = (0..10).filter(|_| queue.push(&line)).count();
        assert_eq!((accepted, queue.dropped), (3, 7));
        let lines = queue.take();
        assert_eq!((lines.lines().count(), queue.dropped), (4, 0));
        assert!(lines.lines().last().is_some_and(|note| note.contains('7')), "the last line reports it");
        assert!(queue.push(&"x".repeat(2 * MAX_BYTES)), "one line always fits");
        assert_eq!((queue.push("y"), queue.dropped), (false, 1));
    }
}

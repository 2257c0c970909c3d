//! Shows how far long work is, if stderr is a terminal.

use super::stderr;
use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

/// The time between two updates. Shorter work shows nothing.
const INTERVAL: Duration = Duration::from_secs(2);

/// Lines such as `12000 records`.
pub(crate) struct Progress {
    unit: &'static str,
    count: u64,
    /// `None`: nobody would see it, or it would be mixed with what goes to stdout.
    due_at: Option<Instant>,
}

impl Progress {
    pub(crate) fn start(unit: &'static str) -> Self {
        let is_seen = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self { unit, count: 0, due_at: is_seen.then(|| Instant::now() + INTERVAL) }
    }

    pub(crate) fn add(&mut self, count: u64) {
        self.count += count;
        if self.due_at.is_some_and(|at| at <= Instant::now()) {
            stderr::write_line(&format!("{} {}", self.count, self.unit));
            self.due_at = Some(Instant::now() + INTERVAL);
        }
    }
}

/// An input, and the bytes that are read from it.
pub(crate) struct Counted<R>(pub(crate) R, pub(crate) Progress);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).inspect(|count| self.1.add(*count as u64))
    }
}

//! Shows how far long work is, if stderr is a terminal. The line is removed at the end.

use std::io::{self, IsTerminal, Read, Stderr, Write};
use std::time::{Duration, Instant};

/// The time between two updates.
const INTERVAL: Duration = Duration::from_millis(200);

/// A line such as `12000 messages`.
pub(crate) struct Progress<W: Write = Stderr> {
    /// `None`: nobody would see it.
    out: Option<W>,
    unit: &'static str,
    count: u64,
    /// When the line is due; short work shows none.
    due_at: Instant,
    is_shown: bool,
}

impl Progress {
    /// Only if stderr is a terminal, and stdout is not: what the work prints there would be mixed with the line.
    pub(crate) fn start(unit: &'static str) -> Self {
        let out = (io::stderr().is_terminal() && !io::stdout().is_terminal()).then(io::stderr);
        Self::with(out, unit, Instant::now() + INTERVAL)
    }
}

impl<W: Write> Progress<W> {
    fn with(out: Option<W>, unit: &'static str, due_at: Instant) -> Self {
        Self { out, unit, count: 0, due_at, is_shown: false }
    }

    pub(crate) fn add(&mut self, count: u64) {
        self.count += count;
        if let Some(out) = &mut self.out {
            let now = Instant::now();
            if now >= self.due_at {
                let _ = write!(out, "\r{} {}", self.count, self.unit).and_then(|()| out.flush());
                (self.due_at, self.is_shown) = (now + INTERVAL, true);
            }
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if let Some(out) = self.out.as_mut().filter(|_| self.is_shown) {
            // To the start of the line, and clear it.
            let _ = out.write_all(b"\r\x1b[K").and_then(|()| out.flush());
        }
    }
}

/// Counts what is read from an input, in KiB.
pub(crate) struct Counted<R>(pub(crate) R, pub(crate) Progress);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.add(count as u64 / 1024);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_updated_now_and_then_and_removed() {
        let mut shown = Vec::new();
        let mut progress = Progress::with(Some(&mut shown), "messages", Instant::now());
        (0..1000).for_each(|_| progress.add(2));
        drop(progress);
        let text = String::from_utf8(shown).expect("text");
        assert!(text.starts_with("\r2 messages") && text.ends_with("\r\x1b[K"), "{text:?}");
        assert!(text.matches("messages").count() < 20, "not for each message: {text:?}");
    }

    #[test]
    fn short_work_and_work_without_a_terminal_show_nothing() {
        let mut shown = Vec::new();
        let mut progress = Progress::with(Some(&mut shown), "messages", Instant::now() + Duration::from_secs(60));
        (0..1000).for_each(|_| progress.add(1));
        drop(progress);
        assert!(shown.is_empty());
        let mut progress = Progress::with(None::<Vec<u8>>, "messages", Instant::now());
        progress.add(1);
        assert!(!progress.is_shown);
    }
}

//! The log, and all other lines for stderr: a bounded queue, and a thread that writes. No other thread blocks if stderr is not
//! read. Lines that do not fit into the queue are dropped and counted.

use super::{spawn, systemd::priority};
use chinwag::chat::protocol::{date_time, sanitize_text};
use log::{Level, LevelFilter, warn};
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, mem, panic, thread};

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    // A server does so first: later there may be no thread left.
    start_writing();
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    // env_logger itself would write about it to stderr, and wait for its reader.
    let wrong = env_filter::Builder::new().try_parse(&wanted).err();
    env_logger::Builder::new()
        .filter_level(level)
        // tungstenite logs the text of messages, and does so while a connection is locked.
        .filter_module("tungstenite", level.min(LevelFilter::Info))
        .parse_filters(if wrong.is_none() { &wanted } else { "" })
        .format(|_, record| {
            write_line(&line(record.level(), record.target(), &record.args().to_string()));
            Ok(())
        })
        // Otherwise it would lock stderr, and wait for its reader.
        .target(env_logger::Target::Pipe(Box::new(io::sink())))
        .init();
    if let Some(why) = wrong {
        warn!("RUST_LOG is ignored: {why}; write a level, such as debug, or module=level");
    }
}

/// Logs panics. The hook of the standard library writes to stderr and blocks if that is not read.
pub(crate) fn catch_panics() {
    panic::set_hook(Box::new(|info| {
        let current = thread::current();
        let message = format!("thread {}: {info}", current.name().unwrap_or("?"));
        write_line(&line(Level::Error, "panic", &message));
        // A panic of the main thread ends the process.
        flush();
    }));
}

/// A line without its end. The message cannot control a terminal.
pub(crate) fn line(level: Level, target: &str, message: &str) -> String {
    format!("{}{} {level:5} {target}: {}", priority(level), now(), sanitize_text(message))
}

/// RFC 3339, in UTC.
fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:03}Z", date_time(since_1970.as_secs(), 'T'), since_1970.subsec_millis())
}

/// The most bytes that wait, besides those that are being written. A single line may be longer.
const MAX_BYTES: usize = 256 * 1024;

/// How long the end of the program waits for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Starts the writing thread, if it does not run, and returns whether it does.
fn start_writing() -> bool {
    *IS_STARTED.get_or_init(|| spawn("stderr", Box::new(write_lines)).is_ok())
}

/// Queues a line. Never blocks, unless the writing thread could not be started: then the line is the error that says so.
pub(crate) fn write_line(line: &str) {
    if !start_writing() {
        let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
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
        // If stderr cannot be written to, because its reader is gone or the disk is full, the lines are lost.
        let _ = io::stderr().write_all(lines.as_bytes());
        lock().is_idle = true;
        CHANGED.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_cannot_forge_a_line_or_control_the_terminal() {
        for text in ["two\nlines", "\x1b[2J", "\u{9b}2J\u{7f}", "\u{202e}txt.exe\u{2066}"] {
            let line = line(Level::Info, "target", text);
            assert!(!line.contains(chinwag::chat::protocol::is_deceptive), "{line:?}");
        }
    }

    #[test]
    fn times_agree_with_date() {
        // From `date -u -d @SECONDS +%FT%T`.
        let table = [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ];
        for (seconds, text) in table {
            assert_eq!(date_time(seconds, 'T'), text);
        }
    }

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

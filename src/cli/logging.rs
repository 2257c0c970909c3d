//! The log: lines with time, level, module and message.

use super::stderr;
use chinwag::chat::protocol::{date_time, is_deceptive};
use env_filter::{Builder, Filter};
use log::{Level, LevelFilter, Log, Metadata, Record, warn};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{backtrace::Backtrace, env, panic, thread};

/// Decides which records are logged. None before [`start`].
#[derive(Debug)]
struct Logger(OnceLock<Filter>);

static LOGGER: Logger = Logger(OnceLock::new());

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level);
    // tungstenite logs the text of messages, and does so while a connection is locked.
    builder.filter_module("tungstenite", level.min(LevelFilter::Info));
    let wrong = builder.try_parse(&env::var("RUST_LOG").unwrap_or_default()).err();
    let filter = LOGGER.0.get_or_init(|| builder.build());
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(filter.filter());
    }
    if let Some(why) = wrong {
        warn!("RUST_LOG is ignored: {why}; write a level, such as debug, or module=level");
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.get().is_some_and(|filter| filter.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if self.0.get().is_some_and(|filter| filter.matches(record)) {
            stderr::write_line(&line(record.level(), record.target(), &record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Makes panics go to the log. The standard library would write to stderr and wait for its reader.
pub(crate) fn catch_panics() {
    panic::set_hook(Box::new(|info| {
        let current = thread::current();
        let message = format!("thread {}: {info}", current.name().unwrap_or("?")).replace('\n', " ");
        let backtrace = Backtrace::capture();
        stderr::write_line(&line(Level::Error, "panic", &message));
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            stderr::write_line(&backtrace.to_string());
        }
    }));
}

/// The line for lines that were dropped.
pub(crate) fn dropped(count: usize) -> String {
    line(Level::Warn, module_path!(), &format!("stderr was not read in time; lines dropped: {count}"))
}

fn line(level: Level, target: &str, message: &str) -> String {
    format!("{} {level:5} {target}: {}", now(), visible(message))
}

/// Escapes control characters and those that change the direction of text, so that text from a peer stays one line and
/// cannot control the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_deceptive(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// RFC 3339, in UTC.
fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:03}Z", date_time(since_1970.as_secs(), 'T'), since_1970.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_escaped() {
        let table = [
            ("plain \u{fc} \u{1f44b}", "plain \u{fc} \u{1f44b}"),
            ("two\nlines", "two\\nlines"),
            ("\x1b[2J", "\\u{1b}[2J"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("\u{202e}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
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
}

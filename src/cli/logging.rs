//! The log: which records are written, and panics.

use super::{log_line::line, stderr};
use env_filter::Filter;
use log::{Level, LevelFilter, Log, Metadata, Record, warn};
use std::{env, panic, thread};

/// Writes the records that the filter accepts to stderr.
struct Logger(Filter);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.0.matches(record) {
            stderr::write_line(&line(record.level(), record.target(), &record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    stderr::start();
    let mut filter = env_filter::Builder::new();
    // tungstenite logs the text of messages, and does so while a connection is locked.
    filter.filter_level(level).filter_module("tungstenite", level.min(LevelFilter::Info));
    let wrong = filter.try_parse(&env::var("RUST_LOG").unwrap_or_default()).err();
    let filter = filter.build();
    log::set_max_level(filter.filter());
    // It fails if there is a logger, and there is none.
    let _ = log::set_logger(Box::leak(Box::new(Logger(filter))));
    if let Some(why) = wrong {
        warn!("RUST_LOG is ignored: {why}; write a level, such as debug, or module=level");
    }
}

/// Logs panics. The hook of the standard library writes to stderr and blocks if that is not read. It runs only if
/// `RUST_BACKTRACE` asks for a backtrace.
pub(crate) fn catch_panics() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let current = thread::current();
        let message = format!("thread {}: {info}", current.name().unwrap_or("?")).replace('\n', " ");
        stderr::write_line(&line(Level::Error, "panic", &message));
        if env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            default(info);
        }
    }));
}

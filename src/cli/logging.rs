//! The log: which records are written, and panics.

use super::{log_line::line, stderr};
use env_filter::{Builder, Filter};
use log::{Level, LevelFilter, Log, Metadata, Record, warn};
use std::sync::OnceLock;
use std::{backtrace::Backtrace, env, panic, thread};

/// Decides which records are logged. None before [`start`].
#[derive(Debug)]
struct Logger(OnceLock<Filter>);

static LOGGER: Logger = Logger(OnceLock::new());

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    stderr::start();
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

//! The log: which records are written, and panics.

use super::{log_line::line, stderr};
use env_logger::{Builder, Target};
use log::{Level, LevelFilter, warn};
use std::io::{self, Write};
use std::{env, panic, thread};

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    stderr::start();
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    // env_logger itself would write about it to stderr, and wait for its reader.
    let wrong = env_filter::Builder::new().try_parse(&wanted).err();
    Builder::new()
        .filter_level(level)
        // tungstenite logs the text of messages, and does so while a connection is locked.
        .filter_module("tungstenite", level.min(LevelFilter::Info))
        .parse_filters(if wrong.is_none() { &wanted } else { "" })
        .format(|out, record| {
            out.write_all(line(record.level(), record.target(), &record.args().to_string()).as_bytes())
        })
        .target(Target::Pipe(Box::new(Lines)))
        .init();
    if let Some(why) = wrong {
        warn!("RUST_LOG is ignored: {why}; write a level, such as debug, or module=level");
    }
}

/// Takes each line of the log in one write.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        stderr::write_line(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

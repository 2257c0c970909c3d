//! The log: which records are written, and panics.

use super::{log_line::line, stderr};
use log::{Level, LevelFilter, Log, Metadata, Record, warn};
use std::sync::OnceLock;
use std::{env, panic, thread};

/// The level of each module, with those in it. The module without a name is the whole program.
type Levels = Vec<(String, LevelFilter)>;

/// Decides which records are logged. None before [`start`].
#[derive(Debug)]
struct Logger(OnceLock<Levels>);

static LOGGER: Logger = Logger(OnceLock::new());

/// Starts logging at this level. `RUST_LOG` overrides it.
pub(crate) fn start(level: LevelFilter) {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let parsed = levels(level, &wanted);
    let is_wrong = parsed.is_none();
    let _ = LOGGER.0.set(parsed.or_else(|| levels(level, "")).unwrap_or_default());
    if log::set_logger(&LOGGER).is_ok() {
        let all = LOGGER.0.get().into_iter().flatten();
        log::set_max_level(all.map(|(_, level)| *level).max().unwrap_or(level));
    }
    if is_wrong {
        warn!("RUST_LOG={wanted:?} is ignored; write a level, such as debug, or module=level");
    }
}

/// The levels that `RUST_LOG` asks for: `level`, `module` and `module=level`, separated by commas.
fn levels(level: LevelFilter, wanted: &str) -> Option<Levels> {
    // tungstenite logs the text of messages, and does so while a connection is locked.
    let mut levels = vec![(String::new(), level), ("tungstenite".to_owned(), level.min(LevelFilter::Info))];
    for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (module, level) = match (part.parse(), part.split_once('=')) {
            (Ok(level), _) => ("", level),
            (_, Some((module, level))) => (module.trim(), level.trim().parse().ok()?),
            _ if part.contains('/') => return None,
            _ => (part, LevelFilter::Trace),
        };
        levels.retain(|(known, _)| known != module);
        levels.push((module.to_owned(), level));
    }
    Some(levels)
}

/// The level of the longest module name that is a beginning of this one.
fn level_of(module: &str, levels: &Levels) -> LevelFilter {
    let names = levels.iter().filter(|(name, _)| module.starts_with(name.as_str()));
    names.max_by_key(|(name, _)| name.len()).map_or(LevelFilter::Off, |(_, level)| *level)
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.get().is_some_and(|levels| metadata.level() <= level_of(metadata.target(), levels))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            stderr::write_line(&line(record.level(), record.target(), &record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Makes panics go to the log. The standard library would write to stderr and wait for its reader: it does so, in addition,
/// only if `RUST_BACKTRACE` asks for more.
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

#[cfg(test)]
mod tests {
    use super::*;
    use LevelFilter::{Debug, Error, Info, Off, Trace};

    #[test]
    fn rust_log_sets_levels_of_modules() {
        for (wanted, expected) in [
            ("", Some([Debug, Debug, Info])),
            ("error", Some([Error, Error, Info])),
            ("ERROR, chinwag::ws=trace", Some([Error, Trace, Info])),
            ("chinwag::ws=off,chinwag=info", Some([Info, Off, Info])),
            ("tungstenite,error", Some([Error, Error, Trace])),
            ("a=b=c", None),
            ("info/text", None),
            ("chinwag=", None),
        ] {
            let found = levels(Debug, wanted);
            let of = |module| found.as_ref().map(|levels| level_of(module, levels));
            let found = [of("chinwag::cli"), of("chinwag::ws::peer"), of("tungstenite::protocol")];
            assert_eq!(found, expected.map_or([None; 3], |levels| levels.map(Some)), "{wanted}");
        }
    }
}

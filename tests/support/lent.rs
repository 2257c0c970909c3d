//! Whom the relay has: it says so in the log.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// What the relay said.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl Log for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        // 13: a length that no other message there has.
        assert!(!line.contains("Text(13 bytes)"), "a bug in a connection's thread, or in the relay's");
        if record.target().contains("relay") {
            let bug = line.contains("connection 9000");
            lines().push(line);
            assert!(!bug, "a bug in the logger");
        }
    }

    fn flush(&self) {}
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on. A message of 13 bytes is a bug in whoever reads it, and so are connections 90000 to 90009 in the relay.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_max_level(LevelFilter::Trace);
        log::set_logger(&Listener).expect("nobody else has set one");
    });
}

/// Whether the relay has all of them.
pub fn are_lent(mut ids: Range<u64>) -> bool {
    let lines = lines();
    ids.all(|id| {
        let of_it = format!("connection {id}: ");
        lines.iter().rfind(|line| line.starts_with(&of_it)).is_some_and(|line| line.ends_with("lent to the relay"))
    })
}

/// Whether it ever gave that one back for that reason.
pub fn was_given_back(id: u64, why: &str) -> bool {
    lines().contains(&format!("connection {id}: given back, {why}"))
}

//! Which connections the poller serves, as it logs it.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// The poller's log lines.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct PollerLog;

impl Log for PollerLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        // 13: a length that no other message in these tests has.
        assert!(!line.contains("Text(13 bytes)"), "a bug in the thread that reads this message");
        if record.target().contains("poller") {
            let is_buggy = buggy().iter().any(|id| line.starts_with(&of(*id)));
            lines().push(line);
            assert!(!is_buggy, "a bug in the logger");
        }
    }

    fn flush(&self) {}
}

/// Connections whose log lines make the poller panic.
static BUGGY: Mutex<Vec<u64>> = Mutex::new(Vec::new());

fn buggy() -> MutexGuard<'static, Vec<u64>> {
    BUGGY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, the poller panics when it logs one of these connections.
pub fn panic_for(ids: &[u64]) {
    buggy().extend(ids);
}

/// How its log lines begin.
fn of(id: u64) -> String {
    format!("connection {id}: ")
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to record. From now on a message of 13 bytes makes its reading thread panic.
pub fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_max_level(LevelFilter::Trace);
        log::set_logger(&PollerLog).expect("no other logger is set");
    });
}

/// Whether the poller serves all of these connections.
pub fn are_polled(ids: &[u64]) -> bool {
    let lines = lines();
    ids.iter().all(|id| {
        let of_it = of(*id);
        lines.iter().rfind(|line| line.starts_with(&of_it)).is_some_and(|line| line.ends_with("handed to the poller"))
    })
}

/// Whether the poller has ever handed that connection back for that reason.
pub fn was_handed_back(id: u64, why: &str) -> bool {
    lines().contains(&format!("connection {id}: handed back, {why}"))
}

//! The thread that reads and writes the file: queries first, then messages, then the deletion of old ones.
//!
//! After an error it opens the file for reading, so that the chat still has what is there. Each attempt to write then
//! opens the file again.

mod repair;
mod write;

use super::{
    Settings,
    error::HistoryError,
    open::resolve,
    prune::Pruner,
    state_file::StateFile,
    store::Store,
    write_queue::{Query, Shared},
};
use crate::chat::rules::RoomSnapshot;
use rustix::fs::StatVfsMountFlags;
use std::{
    path::Path,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// The time between two attempts to write after an error, and the longest time until a removed file is noticed.
const CHECK: Duration = Duration::from_secs(2);

pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Shared>,
    /// `None`: the file is not readable.
    store: Option<Store>,
    state_file: Option<StateFile>,
    /// Whether the file was compared with its state file.
    is_compared: bool,
    /// The last attempt to write or read has failed. The next one is at `check_at`.
    has_failed: bool,
    /// When to look whether the file is still there, and to try again after an error.
    check_at: Instant,
    pruner: Pruner,
    /// The write-ahead log may have deleted texts.
    must_truncate: bool,
}

impl Worker {
    /// Opens the file. An error that a retry may fix is logged.
    ///
    /// # Errors
    /// As [`History::open`](super::History::open).
    pub(super) fn open(settings: &Settings, shared: Arc<Shared>) -> Result<Self, HistoryError> {
        let settings = Settings { path: resolve(&settings.path)?, ..settings.clone() };
        let mut worker = Self {
            pruner: Pruner::new(&settings),
            settings,
            shared,
            store: None,
            state_file: None,
            is_compared: false,
            has_failed: false,
            check_at: Instant::now(),
            must_truncate: false,
        };
        let result = worker.prepare();
        if let Err(error) = &result {
            if error.is_permanent() {
                return Err(error.clone());
            }
            // What is sent from now on may be lost.
            worker.shared.lock().queue.must_rename = true;
        }
        worker.warn_about_readers();
        worker.finish(result);
        Ok(worker)
    }

    /// Does what takes time in a large file. The server does not listen yet.
    fn prepare(&mut self) -> Result<(), HistoryError> {
        self.write(&[])?;
        if let (Some(store), Some(state_file)) = (&mut self.store, &mut self.state_file) {
            store.delete_empty_rooms()?;
            state_file.set_position(store.position()?);
            self.pruner.prepare(store)?;
            // The last server may have been killed after it deleted messages.
            self.truncate_log();
        }
        Ok(())
    }

    pub(super) fn first_id(&self) -> u64 {
        self.store.as_ref().and_then(|store| store.next_id().ok()).unwrap_or(1)
    }

    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        loop {
            let now = Instant::now();
            let must_write = !self.has_failed && (!state.queue.is_empty() || state.queue.must_rename);
            // Without a writable file there is nothing to delete.
            let prune_at = if self.has_writable_store() { self.pruner.due_at } else { self.check_at };
            let maintain_at = self.check_at.min(prune_at);
            if let Some(query) = state.query.clone() {
                drop(state);
                self.answer(&query);
            } else if state.is_closing {
                break;
            } else if state.checks < state.checks_due {
                drop(state);
                self.check();
            } else if must_write || maintain_at <= now {
                drop(state);
                if must_write {
                    self.write_next();
                }
                // Also in a busy chat, which would never delete anything otherwise.
                if maintain_at <= now {
                    self.maintain(now);
                }
            } else {
                let timeout = maintain_at.saturating_duration_since(now);
                drop(shared.work.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner));
            }
            state = shared.lock();
        }
        drop(state);
        self.close();
        shared.lock().has_ended = true;
        shared.done.notify_all();
    }

    /// Finds out whether a message could be stored now, for [`Monitor`](super::Monitor).
    fn check(&mut self) {
        if !self.has_failed {
            self.write_batch(Vec::new());
        }
        let is_writable = || self.state_file.as_ref().is_none_or(StateFile::is_writable);
        let found = space_error(&self.settings.path).or_else(|| (!is_writable()).then_some(HistoryError::ReadOnly));
        let mut state = self.shared.lock();
        (state.checks, state.found) = (state.checks_due, state.report.error.clone().or(found));
        drop(state);
        self.shared.done.notify_all();
    }

    fn has_writable_store(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.watch.is_some())
    }

    /// Does what is due: repairs the files, tries again after an error, deletes old messages.
    fn maintain(&mut self, now: Instant) {
        let is_check = self.check_at <= now;
        if is_check {
            self.check_at = now + CHECK;
        }
        if self.detect_change().is_some() {
            // A deletion would hide that another program changed the file.
            self.pruner.due_at = now + CHECK;
            return self.write_batch(Vec::new());
        }
        if is_check && self.has_failed && !self.shared.lock().report.is_permanent() {
            self.write_next();
        }
        if is_check && self.must_truncate {
            self.truncate_log();
        }
        if let Some(store) = self.store.as_mut().filter(|store| store.watch.is_some() && self.pruner.due_at <= now) {
            self.pruner.run(store);
            store.note_write();
        }
    }

    fn answer(&mut self, query: &Query) {
        let loaded = self.load(query);
        let (answer, result) = loaded.map_or_else(|error| (None, Err(error)), |answer| (answer, Ok(())));
        let mut state = self.shared.lock();
        (state.query, state.answer) = (None, answer);
        drop(state);
        self.finish(result);
    }

    fn load(&self, query: &Query) -> Result<Option<RoomSnapshot>, HistoryError> {
        let Some(store) = &self.store else { return Ok(None) };
        let state = self.shared.lock();
        let (waiting, log, must_rename) =
            (state.queue.of_room(&query.room), state.queue.log.clone(), state.queue.must_rename);
        let erasures = state.queue.erasures.clone();
        drop(state);
        let mut snapshot = store.load(query, waiting)?;
        for message in &mut snapshot.messages {
            if erasures.iter().any(|erasure| erasure.includes(message)) {
                message.delete();
            }
        }
        if must_rename || snapshot.log.is_empty() {
            snapshot.log = log;
        }
        Ok(Some(snapshot))
    }

    /// Tries once more to write what waits, then closes the file and releases its lock.
    fn close(mut self) {
        self.has_failed = false;
        while !self.shared.lock().queue.is_empty() && !self.has_failed {
            self.write_next();
        }
        self.pruner.report();
    }
}

/// What an empty write does not notice: a disk without space, or one that is mounted read-only.
fn space_error(path: &Path) -> Option<HistoryError> {
    let disk = rustix::fs::statvfs(path).ok()?;
    match disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        true => Some(HistoryError::ReadOnly),
        false => (disk.f_bavail == 0).then_some(HistoryError::DiskFull),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process, thread};

    /// Nanoseconds that this thread has used.
    fn used() -> u64 {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or_default()
    }

    #[test]
    fn worker_without_a_readable_file_waits() {
        let path = env::temp_dir().join(format!("chinwag-worker-{}.db", process::id()));
        let settings = Settings { days: Some(1), ..Settings::new(&path) };
        let shared = Arc::new(Shared::new(path.clone()));
        let mut worker = Worker::open(&settings, shared.clone()).expect("a new file");
        (worker.store, worker.has_failed) = (None, true);
        let closer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(500));
            shared.lock().is_closing = true;
            shared.work.notify_one();
        });
        let before = used();
        worker.run();
        assert!(used() - before < 100_000_000, "{} ns of CPU in half a second", used() - before);
        closer.join().expect("no panic");
        fs::remove_file(path.with_extension("db-state")).and_then(|()| fs::remove_file(path)).expect("both are there");
    }
}

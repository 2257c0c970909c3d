//! The thread that reads and writes the file: queries first, then messages, then the deletion of old ones.
//!
//! After an error it opens the file for reading, so that the chat still has what is there. Each attempt to write then
//! opens the file again.

mod repair;

use super::{
    Settings,
    error::HistoryError,
    files::Watch,
    open::resolve,
    prune::Pruner,
    state_file::StateFile,
    store::Store,
    write_queue::{Query, Shared},
};
use crate::chat::{protocol::StoredMessage, rules::RoomSnapshot};
use log::warn;
use rustix::fs::StatVfsMountFlags;
use std::{
    mem,
    path::Path,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// The time between two attempts to write to a file that is not writable.
const RETRY: Duration = Duration::from_secs(2);

/// The longest time until a file that was removed is noticed.
const CHECK: Duration = Duration::from_secs(2);

/// The same after an error that a retry cannot fix, and the wait of a worker without anything to do: 100 years.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Shared>,
    /// `None`: the file is not readable.
    store: Option<Store>,
    state_file: Option<StateFile>,
    /// Whether the file was compared with its state file.
    is_compared: bool,
    /// When to try again after an error.
    retry_at: Option<Instant>,
    /// When to look whether the file is still there.
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
            retry_at: None,
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
            self.must_truncate = !store.truncate_log().unwrap_or_default();
            store.watch.iter_mut().for_each(Watch::note_write);
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
            let must_write = !state.queue.is_empty() || state.queue.must_rename;
            let write_at = self.retry_at.or(must_write.then_some(now));
            // Without a writable file there is nothing to delete.
            let prune_at = self.has_writable_store().then_some(self.pruner.due_at);
            if let Some(query) = state.query.clone() {
                drop(state);
                self.answer(&query);
            } else if state.is_closing {
                break;
            } else if state.checks < state.checks_due {
                drop(state);
                self.check();
            } else if write_at.is_some_and(|at| at <= now) {
                let batch = state.queue.take_batch();
                drop(state);
                self.write_batch(batch);
                // Otherwise a busy chat would never delete anything.
                if self.pruner.due_at <= now && self.has_writable_store() {
                    self.prune_unless_changed();
                }
            } else if prune_at.is_some_and(|at| at <= now) {
                drop(state);
                self.prune_unless_changed();
            } else if self.check_at <= now {
                drop(state);
                self.check_at = now + CHECK;
                if self.detect_change().is_some() {
                    self.write_batch(Vec::new());
                } else if let Some(store) = self.store.as_mut().filter(|_| self.must_truncate) {
                    self.must_truncate = !store.truncate_log().unwrap_or_default();
                    store.watch.iter_mut().for_each(Watch::note_write);
                }
            } else {
                let next = [write_at, prune_at].into_iter().flatten().fold(self.check_at, Instant::min);
                let timeout = next.saturating_duration_since(now);
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
        if self.retry_at.is_none() {
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

    fn prune_unless_changed(&mut self) {
        if self.detect_change().is_some() {
            // A deletion would hide that another program changed the file.
            self.pruner.due_at = Instant::now() + CHECK;
            return self.write_batch(Vec::new());
        }
        if let Some(store) = &mut self.store {
            self.pruner.run(store);
            store.watch.iter_mut().for_each(Watch::note_write);
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

    fn write_batch(&mut self, batch: Vec<StoredMessage>) {
        let result = self.write(&batch);
        match result {
            Ok(()) => {
                self.retry_at = None;
                self.shared.lock().queue.finish(batch);
            }
            Err(_) => self.shared.lock().queue.put_back(batch),
        }
        self.finish(result);
    }

    /// Writes all messages or none. Opens the file first if that was not possible before.
    fn write(&mut self, messages: &[StoredMessage]) -> Result<(), HistoryError> {
        if let Some(change) = self.detect_change() {
            self.repair(change)?;
        }
        if !self.has_writable_store() {
            let store = self.store.insert(Store::open(&self.settings)?);
            self.shared.lock().queue.must_rename |= store.position()?.numbering.is_empty();
        }
        // The history comes first: nothing is created next to a file of another program.
        if !self.state_file.as_ref().is_some_and(StateFile::is_in_place) {
            self.lock()?;
        }
        let Some(store) = &mut self.store else { return Ok(()) };
        let state = self.shared.lock();
        let (log, must_rename) = (state.queue.log.clone(), state.queue.must_rename);
        drop(state);
        if must_rename {
            store.rename_logs(&log)?;
            let queue = &mut self.shared.lock().queue;
            queue.must_rename = queue.log != log;
        }
        let erasures = self.shared.lock().queue.erasures.clone();
        let mut erased = Vec::new();
        let added = store.transaction(|store| {
            let added = store.add(messages, &log)?;
            erasures.iter().try_for_each(|erasure| store.erase(erasure, &mut erased))?;
            Ok(added)
        })?;
        if !erasures.is_empty() {
            // Deleted texts must leave the write-ahead log as well. While another program reads it, this is tried again.
            self.must_truncate = !store.truncate_log().unwrap_or_default();
            self.shared.lock().queue.finish_erasures(erasures.len(), erased);
        }
        store.watch.iter_mut().for_each(Watch::note_write);
        self.pruner.add(added, messages.iter().map(StoredMessage::size).sum());
        if let Some(state_file) = &mut self.state_file {
            if must_rename {
                state_file.set_position(store.position()?);
            } else {
                state_file.add(added);
            }
        }
        Ok(())
    }

    /// Ends a query or a write: handles the error, or ends an error that is over, and wakes the chat's thread.
    fn finish(&mut self, result: Result<(), HistoryError>) {
        if let Err(error) = &result {
            if self.store.is_none()
                || !matches!(error, HistoryError::DiskFull | HistoryError::Locked | HistoryError::Removed(_))
            {
                self.store = Store::open_read_only(&self.settings.path).ok();
            }
            // Before the chat continues and clients get messages that are not in the file.
            self.state_file.iter_mut().for_each(|file| file.set_behind(true));
        }
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        state.is_unresponsive = false;
        if let Err(error) = result {
            state.report.raise(error);
            self.retry_at = Some(Instant::now() + if state.report.is_permanent() { FOREVER } else { RETRY });
        }
        let is_stored = self.retry_at.is_none() && state.queue.is_empty() && !state.queue.must_rename;
        let line = if is_stored { state.report.clear(mem::take(&mut state.queue.dropped)) } else { None };
        drop(guard);
        self.shared.done.notify_all();
        if is_stored {
            self.state_file.iter_mut().for_each(|file| file.set_behind(false));
        }
        if let Some(line) = line {
            warn!("history: {line}");
        }
        self.shared.handle_error();
    }

    /// Tries once more to write what waits, then closes the file and releases its lock.
    fn close(mut self) {
        self.retry_at = None;
        while !self.shared.lock().queue.is_empty() && self.retry_at.is_none() {
            let batch = self.shared.lock().queue.take_batch();
            self.write_batch(batch);
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
        (worker.store, worker.retry_at) = (None, Some(Instant::now() + FOREVER));
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

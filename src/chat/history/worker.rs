//! The thread that reads and writes the file: queries first, then messages, then the deletion of old ones.
//!
//! After an error it opens the file for reading, so that the chat still has what is there. Each attempt to write then
//! opens the file again.

use super::{
    Settings,
    error::HistoryError,
    open::check_path,
    prune::Pruner,
    state_file::StateFile,
    store::Store,
    write_queue::{Query, Shared},
};
use crate::chat::{protocol::StoredMessage, rules::RoomSnapshot};
use log::warn;
use std::{
    mem,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// The time between two attempts to write to a file that is not writable.
const RETRY: Duration = Duration::from_secs(2);

/// The same after an error that a retry cannot fix, and the wait of a worker without anything to do: 100 years.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Shared>,
    /// `None`: the file is not readable.
    store: Option<Store>,
    state_file: Option<StateFile>,
    /// When to try again after an error.
    retry_at: Option<Instant>,
    pruner: Pruner,
}

impl Worker {
    /// Opens the file. An error that a retry may fix is logged.
    ///
    /// # Errors
    /// As [`History::open`](super::History::open).
    pub(super) fn open(settings: &Settings, shared: Arc<Shared>) -> Result<Self, HistoryError> {
        check_path(&settings.path)?;
        let (settings, pruner) = (settings.clone(), Pruner::new(settings));
        let mut worker = Self { settings, shared, store: None, state_file: None, retry_at: None, pruner };
        let result = worker.write(&[]).and_then(|()| worker.store.iter().try_for_each(Store::delete_empty_rooms));
        if let Err(error) = &result {
            if error.is_permanent() {
                return Err(error.clone());
            }
            // What is sent from now on may be lost.
            worker.shared.lock().queue.must_rename = true;
        }
        worker.finish(result);
        Ok(worker)
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
            // Without a readable file there is nothing to delete.
            let prune_at = self.store.is_some().then_some(self.pruner.due_at);
            if let Some(query) = state.query.clone() {
                drop(state);
                self.answer(&query);
            } else if state.is_closing {
                break;
            } else if write_at.is_some_and(|at| at <= now) {
                let batch = state.queue.take_batch();
                drop(state);
                self.write_batch(batch);
            } else if prune_at.is_some_and(|at| at <= now) {
                drop(state);
                self.store.iter().for_each(|store| self.pruner.run(store));
            } else {
                let timeout = [write_at, prune_at].into_iter().flatten().min().map_or(FOREVER, |at| at - now);
                drop(shared.work.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner));
            }
            state = shared.lock();
        }
        drop(state);
        self.close();
        shared.lock().has_ended = true;
        shared.done.notify_all();
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
        drop(state);
        let mut snapshot = store.load(query, waiting)?;
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
                self.shared.lock().queue.finish(&batch);
                self.pruner.add(batch.len());
            }
            Err(_) => self.shared.lock().queue.put_back(batch),
        }
        self.finish(result);
    }

    /// Writes all messages or none. Opens the file first if that was not possible before.
    fn write(&mut self, messages: &[StoredMessage]) -> Result<(), HistoryError> {
        let store = match &mut self.store {
            Some(store) if store.is_writable => store,
            // The history comes first: nothing is created next to a file of another program.
            other => other.insert(Store::open(&self.settings.path, self.settings.durability)?),
        };
        if self.state_file.is_none() {
            let state_file = self.state_file.insert(StateFile::lock(&self.settings.path)?);
            self.shared.lock().queue.must_rename |= state_file.is_behind;
        }
        let state = self.shared.lock();
        let (log, must_rename) = (state.queue.log.clone(), state.queue.must_rename);
        drop(state);
        if must_rename {
            store.rename_logs(&log)?;
            let queue = &mut self.shared.lock().queue;
            queue.must_rename = queue.log != log;
        }
        store.transaction(|store| store.add(messages, &log)).map(drop)
    }

    /// Ends a query or a write: handles the error, or ends an error that is over, and wakes the chat's thread.
    fn finish(&mut self, result: Result<(), HistoryError>) {
        if let Err(error) = &result {
            if self.store.is_none() || !matches!(error, HistoryError::DiskFull | HistoryError::Locked) {
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
    }
}

//! Writes messages in batches, each in one transaction, and handles errors.

use super::{CHECK, Worker};
use crate::chat::{
    history::{error::HistoryError, state_file::StateFile, store::Store},
    protocol::StoredMessage,
};
use log::warn;
use std::{mem, time::Instant};

impl Worker {
    /// Writes the oldest messages that wait.
    pub(super) fn write_next(&mut self) {
        let batch = self.shared.lock().queue.take_batch();
        self.write_batch(batch);
    }

    pub(super) fn write_batch(&mut self, batch: Vec<StoredMessage>) {
        let result = self.write(&batch);
        match result {
            Ok(()) => {
                self.has_failed = false;
                self.shared.lock().queue.finish(batch);
            }
            Err(_) => self.shared.lock().queue.put_back(batch),
        }
        self.finish(result);
    }

    /// Writes all messages or none. Opens the file first if that was not possible before.
    pub(super) fn write(&mut self, messages: &[StoredMessage]) -> Result<(), HistoryError> {
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
        let (log, must_rename, erasures) =
            (state.queue.log.clone(), state.queue.must_rename, state.queue.erasures.clone());
        drop(state);
        let mut erased = Vec::new();
        let added = store.transaction(|store| {
            if must_rename {
                store.rename_logs(&log)?;
            }
            let added = store.add(messages, &log)?;
            erasures.iter().try_for_each(|erasure| store.erase(erasure, &mut erased))?;
            Ok(added)
        })?;
        store.note_write();
        self.pruner.add(added, messages.iter().map(StoredMessage::size).sum());
        match &mut self.state_file {
            Some(state_file) if must_rename => state_file.set_position(store.position()?),
            state_file => state_file.iter_mut().for_each(|state_file| state_file.add(added)),
        }
        if !erasures.is_empty() {
            self.truncate_log();
        }
        self.shared.lock().queue.finish_changes(&log, erasures.len(), erased);
        Ok(())
    }

    /// Ends a query or a write: handles the error, or ends an error that is over, and wakes the chat's thread.
    pub(super) fn finish(&mut self, result: Result<(), HistoryError>) {
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
            (self.has_failed, self.check_at) = (true, Instant::now() + CHECK);
        }
        let is_stored = !self.has_failed && state.queue.is_empty() && !state.queue.must_rename;
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

    /// Deleted texts must leave the write-ahead log as well. While another program reads it, this is tried again.
    pub(super) fn truncate_log(&mut self) {
        self.must_truncate = !self.store.as_mut().is_some_and(|store| store.truncate_log().unwrap_or_default());
    }
}

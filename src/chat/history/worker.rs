//! The thread that reads and writes the file: it does jobs of the chat's thread, and deletes old messages meanwhile.

use super::{
    Settings, Shared,
    error::{FULL, HistoryError, LOCKED, Result},
    open::{beside, create_private, resolve},
    prune::Pruner,
    state_file::Writer,
    store::Range,
};
use crate::chat::{protocol::StoredMessage, rules::RoomSnapshot};
use log::warn;
use std::{
    fs, mem,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    sync::Arc,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

/// The time between two attempts to write after an error, and the longest time until a removed file is noticed.
const CHECK: Duration = Duration::from_secs(2);

pub(super) type Job = Box<dyn FnOnce(&mut Worker) + Send>;

#[derive(Debug)]
pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Shared>,
    /// `None`: the file could not be opened for writing yet. Each attempt to write tries it.
    writer: Option<Writer>,
    pruner: Pruner,
    check_at: Instant,
    /// The write-ahead log may have deleted texts.
    must_truncate: bool,
    pub(super) is_closing: bool,
}

impl Worker {
    /// Opens the file. An error that a retry may fix is logged.
    ///
    /// # Errors
    /// As [`History::open`](super::History::open).
    pub(super) fn open(settings: &Settings, shared: Arc<Shared>) -> Result<Self> {
        let settings = Settings { path: resolve(&settings.path)?, ..settings.clone() };
        let (writer, pruner, check_at) = (None, Pruner::default(), Instant::now() + CHECK);
        let (must_truncate, is_closing) = (false, false);
        let mut worker = Self { settings, shared, writer, pruner, check_at, must_truncate, is_closing };
        match worker.prepare() {
            Err(error) if error.is_permanent() => return Err(error),
            Err(error) => worker.fail(error),
            Ok(()) => {}
        }
        let file = &worker.settings.path;
        if fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
            let file = file.display();
            warn!(
                "history: {file}: every user of this machine can read the messages; run: chmod o-r {file} {file}-wal"
            );
        }
        Ok(worker)
    }

    /// Does what takes time in a large file. The server does not listen yet.
    fn prepare(&mut self) -> Result<()> {
        self.write(&[])?;
        if let Some(Writer { store, state_file }) = &mut self.writer {
            store.delete_empty_rooms()?;
            state_file.set_position(store.position()?);
            self.pruner.run(&self.settings, store);
        }
        // The last server may have been killed after it deleted messages.
        self.truncate_log();
        Ok(())
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while !self.is_closing {
            let must_prune = self.pruner.has_more && self.shared.lock().report.error.is_none();
            let until = if must_prune { Instant::now() } else { self.check_at };
            match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(job) => job(&mut self),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Also in a busy chat, which would never delete anything otherwise.
            self.maintain();
        }
        self.write_waiting();
        self.pruner.report();
    }

    /// Tries again after an error, notices a removed file, deletes old messages.
    fn maintain(&mut self) {
        let is_check = self.check_at <= Instant::now();
        if is_check {
            self.check_at = Instant::now() + CHECK;
            if self.is_moved() || self.shared.lock().report.error.is_some() {
                self.write_waiting();
            } else if self.must_truncate {
                self.truncate_log();
            }
        }
        if (is_check || self.pruner.has_more) && self.shared.lock().report.error.is_none() {
            self.writer.iter().for_each(|writer| self.pruner.run(&self.settings, &writer.store));
        }
    }

    /// Finds out whether a message could be stored now.
    pub(super) fn check(&mut self) -> Option<HistoryError> {
        self.write_waiting();
        let is_full = rustix::fs::statvfs(&self.settings.path).is_ok_and(|disk| disk.f_bavail == 0);
        let unwritable = self.writer.as_ref().and_then(|writer| writer.state_file.write().err());
        let found = is_full.then(|| HistoryError::Temporary(FULL.into())).or(unwritable.map(HistoryError::from));
        self.shared.lock().report.error.clone().or(found)
    }

    /// Messages of a room, from the file and from those that wait to be written.
    pub(super) fn load(&mut self, room: &Arc<str>, range: Range) -> Option<RoomSnapshot> {
        let store = &self.writer.as_ref()?.store;
        let (waiting, erasures, log, must_rename) = {
            let queue = &self.shared.lock().queue;
            (queue.of_room(room), queue.erasures.clone(), queue.log.clone(), queue.must_rename)
        };
        let loaded = store.load(room, range, waiting);
        let mut snapshot = loaded.map_err(|error| self.fail(error)).ok()?;
        for message in &mut snapshot.messages {
            if erasures.iter().any(|erasure| erasure.includes(message)) {
                message.delete();
            }
        }
        if must_rename || snapshot.log.is_empty() {
            snapshot.log = log;
        }
        Some(snapshot)
    }

    /// Writes everything that waits, in batches. After that, an error is over.
    pub(super) fn write_waiting(&mut self) {
        if self.shared.lock().report.is_permanent() {
            return;
        }
        let line = loop {
            let (batch, dropped) = self.shared.lock().queue.next_batch();
            if let Err(error) = self.write(&batch) {
                return self.fail(error);
            }
            let mut state = self.shared.lock();
            state.queue.finish(batch.len(), dropped);
            if state.queue.is_empty() {
                let dropped = mem::take(&mut state.queue.dropped);
                break state.report.clear(dropped);
            }
        };
        self.writer.iter_mut().for_each(|writer| writer.state_file.set_behind(false));
        if let Some(line) = line {
            warn!("history: {line}");
        }
    }

    /// Must be called before the chat continues, and clients get messages that are not in the file.
    fn fail(&mut self, error: HistoryError) {
        self.writer.iter_mut().for_each(|writer| writer.state_file.set_behind(true));
        self.shared.raise(error);
    }

    /// Writes all messages or none. Opens the file first if that was not possible before.
    fn write(&mut self, messages: &[StoredMessage]) -> Result<()> {
        if self.is_moved() {
            self.rescue()?;
        }
        if self.writer.is_none() {
            let (writer, is_behind) = Writer::open(&self.settings)?;
            self.shared.lock().queue.must_rename |= is_behind;
            self.writer = Some(writer);
        }
        let Some(Writer { store, state_file }) = &mut self.writer else { return Ok(()) };
        let (log, must_rename, erasures) = {
            let queue = &self.shared.lock().queue;
            (queue.log.clone(), queue.must_rename, queue.erasures.clone())
        };
        let mut erased = Vec::new();
        let added = store.transaction(|store| {
            if must_rename {
                store.rename_logs(&log)?;
            }
            let added = store.add(messages, &log)?;
            erasures.iter().try_for_each(|erasure| store.erase(erasure, &mut erased))?;
            Ok(added)
        })?;
        self.pruner.add(added, messages.iter().map(StoredMessage::size).sum());
        match must_rename {
            true => state_file.set_position(store.position()?),
            false => state_file.add(added),
        }
        if !erasures.is_empty() {
            self.truncate_log();
        }
        self.shared.lock().queue.finish_changes(&log, erasures.len(), erased);
        Ok(())
    }

    /// Deleted texts must leave the write-ahead log as well. While another program reads it, this is tried again.
    fn truncate_log(&mut self) {
        let is_done = |writer: &Writer| writer.store.truncate_log().unwrap_or_default();
        self.must_truncate = !self.writer.as_ref().is_some_and(is_done);
    }

    fn is_moved(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.store.is_moved(&self.settings.path))
    }

    /// Writes the content of a file that was removed or renamed under its name again.
    fn rescue(&mut self) -> Result<()> {
        let (path, copy) = (&self.settings.path, beside(&self.settings.path, "-new"));
        let Some(Writer { store, .. }) = &self.writer else { return Ok(()) };
        // A write-ahead log with content must not lie next to another database.
        if !store.truncate_log()? {
            return Err(HistoryError::Temporary(LOCKED.into()));
        }
        if path.exists() {
            return Err(HistoryError::Permanent("another file has taken its place".into()));
        }
        // Another user's file must not get the messages.
        let _ = fs::remove_file(&copy);
        create_private(&copy)?;
        store.db.execute("VACUUM INTO CAST(?1 AS TEXT)", [copy.as_os_str().as_bytes()])?;
        fs::rename(&copy, path)?;
        self.writer = None;
        let file = self.settings.path.display();
        warn!("history: {file}: it was removed while in use; it was written again, with all messages");
        Ok(())
    }
}

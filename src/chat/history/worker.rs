//! The thread that reads and writes the file: it does jobs of the chat's thread, and deletes old messages meanwhile.

use super::error::{FULL, HistoryError, LOCKED, Result};
use super::follower::Numbering;
use super::open::{beside, create_private, id, resolve};
use super::store::{Range, Store};
use super::{Settings, Shared, new_log_name, not_responding, prune::Pruner, state_file::Writer};
use crate::chat::rules::{Erasure, RoomSnapshot};
use crate::{chat::protocol::StoredMessage, ws::spawn::lock};
use log::warn;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, mpsc::Receiver};
use std::time::{Duration, Instant};
use std::{fs, mem};

/// The time between two attempts to write after an error, and the longest time until a removed file is noticed.
const CHECK: Duration = Duration::from_secs(2);

pub(super) type Job = Box<dyn FnOnce(&mut Worker) + Send>;

#[derive(Debug)]
pub(super) struct Worker {
    settings: Settings,
    shared: Arc<Mutex<Shared>>,
    /// `None`: the file could not be opened for writing yet. Each attempt to write tries it.
    writer: Option<Writer>,
    /// Messages that are not in the file yet, the oldest first.
    messages: Vec<StoredMessage>,
    /// For a node of a cluster: the numberings of rooms, each before the message at this place.
    numberings: Option<Vec<Numbering>>,
    pruner: Pruner,
    check_at: Instant,
    /// The write-ahead log may have deleted texts.
    must_truncate: bool,
    is_closing: bool,
}

impl Worker {
    /// Opens the file. An error that a retry may fix is logged.
    ///
    /// # Errors
    /// As [`History::open`](super::History::open).
    pub(super) fn open(settings: &Settings, shared: Arc<Mutex<Shared>>) -> Result<Self> {
        let settings = Settings { path: resolve(&settings.path)?, ..settings.clone() };
        let mut worker = Self {
            settings,
            shared,
            writer: None,
            messages: Vec::new(),
            numberings: None,
            pruner: Pruner::default(),
            check_at: Instant::now() + CHECK,
            must_truncate: false,
            is_closing: false,
        };
        if let Err(error) = worker.prepare() {
            if let HistoryError::Permanent(_) = error {
                return Err(error);
            }
            // A state file that is not open cannot say that clients know more.
            lock(&worker.shared).must_rename |= worker.writer.is_none();
            worker.fail(error);
        }
        Ok(worker)
    }

    /// Does what takes time in a large file. The server does not listen yet.
    fn prepare(&mut self) -> Result<()> {
        self.write(None)?;
        if let Some(writer) = &mut self.writer {
            // Only before a room was loaded: its numbers begin at 1 again.
            writer
                .store
                .db
                .execute("DELETE FROM room WHERE NOT EXISTS (SELECT 1 FROM message WHERE room = number)", [])?;
            writer.position = writer.store.position()?;
            writer.write_line_durably()?;
            self.pruner.run(&self.settings, &writer.store);
        }
        // The last server may have been killed after it deleted messages.
        self.truncate_log();
        Ok(())
    }

    /// The smallest id above all connection ids in the file. While SQLite has the file open, nothing else may open and close it: that
    /// would release SQLite's locks, and another program could remove the write-ahead log that is in use.
    pub(super) fn first_id(&self) -> u64 {
        let found = match &self.writer {
            Some(writer) => writer.store.next_id(),
            None => self.open_read_only().and_then(|store| store.next_id()),
        };
        found.unwrap_or(1)
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while !self.is_closing {
            // Also in a busy chat, which would never delete anything otherwise.
            self.maintain();
            let must_prune = self.pruner.has_more && lock(&self.shared).error.is_none();
            let until = if must_prune { Instant::now() } else { self.check_at };
            // The last job closes this, so the channel is never disconnected.
            if let Ok(job) = jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                job(&mut self);
            }
        }
    }

    /// Ends the thread. Another program may use the file then.
    pub(super) fn close(&mut self) {
        self.write_waiting(None);
        (self.writer, self.is_closing) = (None, true);
    }

    /// Tries again after an error, notices a removed file, deletes old messages.
    fn maintain(&mut self) {
        let is_check = self.check_at <= Instant::now();
        if is_check {
            self.check_at = Instant::now() + CHECK;
            if self.is_moved() || !lock(&self.shared).is_complete() {
                self.write_waiting(None);
            } else if self.must_truncate {
                self.truncate_log();
            }
        }
        if (is_check || self.pruner.has_more) && lock(&self.shared).error.is_none() {
            self.writer.iter().for_each(|writer| self.pruner.run(&self.settings, &writer.store));
        }
    }

    /// Finds out whether a message could be stored now.
    pub(super) fn check(&mut self) -> Option<HistoryError> {
        lock(&self.shared).checks -= 1;
        self.write_waiting(None);
        let is_full = rustix::fs::statvfs(&self.settings.path).is_ok_and(|disk| disk.f_bavail == 0);
        let error = lock(&self.shared).error.clone();
        error.or(is_full.then(|| HistoryError::Temporary(FULL.into())))
    }

    /// The next messages of this room are of this numbering.
    pub(super) fn begin(&mut self, room: Arc<str>, log: Arc<str>) {
        let next = (self.messages.len(), room, log);
        self.numberings.get_or_insert_default().push(next);
    }

    /// Messages of a room, from the file and from those that wait to be written.
    pub(super) fn load(&mut self, room: &Arc<str>, range: Range) -> Option<RoomSnapshot> {
        let must_write = self.numberings.as_ref().is_some_and(|numberings| !numberings.is_empty());
        if must_write && self.write_waiting(None).is_none() {
            return None;
        }
        let waiting = self.messages.iter().filter(|message| message.room == *room).cloned();
        let loaded = match &self.writer {
            Some(writer) => writer.store.load(room, range, waiting),
            None => self.open_read_only().and_then(|store| store.load(room, range, waiting)),
        };
        let mut snapshot = match loaded {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.fail(error);
                // If only a person can help, the chat continues in memory.
                let is_permanent = lock(&self.shared).is_permanent();
                return is_permanent.then(|| RoomSnapshot { log: new_log_name(), ..RoomSnapshot::default() });
            }
        };
        let state = lock(&self.shared);
        if state.must_rename || snapshot.log.is_empty() {
            snapshot.log = state.log.clone();
        }
        Some(snapshot)
    }

    /// The file, which is not writable now. Until it exists, there is nothing in it.
    fn open_read_only(&self) -> Result<Store> {
        match fs::metadata(&self.settings.path) {
            Ok(file) if file.len() > 0 => Store::open_read_only(&self.settings.path),
            _ => Store::empty(),
        }
    }

    /// After an error of the file, only [`Self::maintain`] tries again. A disk that did not respond does now. If others follow,
    /// the messages are written with the last of them, for which the chat may wait.
    pub(super) fn store(&mut self, messages: Vec<StoredMessage>) {
        self.messages.extend(messages);
        let is_due = {
            let state = lock(&self.shared);
            let may_write = state.error.as_ref().is_none_or(|error| *error == not_responding());
            may_write && state.waiting == self.messages.len()
        };
        if is_due {
            self.write_waiting(None);
        }
    }

    /// Writes what waits, then deletes messages. Returns the room and the number of each of these. `None`: the file is not writable.
    pub(super) fn write_waiting(&mut self, erasure: Option<&Erasure>) -> Option<Vec<(Arc<str>, u64)>> {
        for message in self.messages.iter_mut().filter(|message| erasure.is_some_and(|it| it.includes(message))) {
            message.delete();
        }
        if lock(&self.shared).is_permanent() {
            return None;
        }
        self.write(erasure).map_err(|error| self.fail(error)).ok()
    }

    /// Must be called before the chat continues, and clients get messages that are not in the file.
    fn fail(&mut self, error: HistoryError) {
        let noted = self.writer.iter_mut().try_for_each(|writer| writer.set_behind(true));
        lock(&self.shared).raise(noted.err().unwrap_or(error));
    }

    /// Writes everything that waits, and deletes messages, in one transaction, or does nothing.
    fn write(&mut self, erasure: Option<&Erasure>) -> Result<Vec<(Arc<str>, u64)>> {
        if self.is_moved() {
            self.rescue()?;
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let (writer, is_behind) = Writer::open(&self.settings)?;
                lock(&self.shared).must_rename |= is_behind;
                self.writer.insert(writer)
            }
        };
        let (log, must_rename) = {
            let state = lock(&self.shared);
            (state.log.clone(), state.must_rename)
        };
        let (added, erased) = writer.store.transaction(|store| {
            if must_rename {
                store.rename_logs(&log)?;
            }
            let added = match &self.numberings {
                Some(numberings) => store.follow(&self.messages, numberings, &log)?,
                None => store.add(&self.messages, &log)?,
            };
            Ok((added, erasure.map_or(Ok(Vec::new()), |erasure| store.erase(erasure))?))
        })?;
        self.pruner.add(added, self.messages.iter().map(StoredMessage::size).sum());
        match must_rename {
            true => writer.position = writer.store.position()?,
            false => writer.position.used += added as u64,
        }
        writer.write_line()?;
        self.numberings.iter_mut().for_each(Vec::clear);
        let over = lock(&self.shared).finish(mem::take(&mut self.messages).len(), &log);
        if lock(&self.shared).is_complete() {
            writer.set_behind(false)?;
        }
        over.into_iter().for_each(|loss| warn!("history: messages are stored again; {loss}"));
        if erasure.is_some() {
            self.truncate_log();
        }
        Ok(erased)
    }

    /// Deleted texts must leave the write-ahead log as well. While another program reads it, this is tried again.
    fn truncate_log(&mut self) {
        let is_done = |writer: &Writer| writer.store.truncate_log().unwrap_or_default();
        self.must_truncate = !self.writer.as_ref().is_some_and(is_done);
    }

    fn is_moved(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.store.id != id(&self.settings.path))
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

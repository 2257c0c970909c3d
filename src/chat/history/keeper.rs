//! The chat's end of a history: it puts messages on the shelf, and waits for the thread that writes them, not for ever.
//!
//! Owns the waiting. What the thread does is `thread.rs`'s.

use super::{
    DEADLINE,
    alarm::tell,
    opening,
    problem::{Problem, Unusable},
    prune::Bounds,
    read,
    settings::Settings,
    shared::{Shared, Source, State},
    start::Start,
    thread, token,
};
use crate::chat::{
    protocol::{ByteBudget, StoredMessage},
    rules::RoomSnapshot,
};
use log::error;
use std::{
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel},
    },
    time::Instant,
};

/// A history in an SQLite file, which a thread of its own reads and writes.
///
/// What is wrong with the file is logged: then messages wait in memory, at most 4 MiB of them, until it can be written
/// again; and if that cannot be, nothing is kept.
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    first_id: u64,
}

impl History {
    /// Opens the file, or makes it, and starts the thread. A disk that fails, or is full, is logged, and tried again.
    ///
    /// # Errors
    /// What is a mistake in what was asked for, and does not pass: there is no such folder; the file is no database, is
    /// damaged, another program's, a newer chinwag's, or used by another one; it may be neither read nor written. It is left
    /// as it is. And a thread that the operating system refuses.
    pub fn open(settings: &Settings) -> Result<Self, Unusable> {
        Self::start(settings).map_err(|problem| Unusable { file: settings.path.clone(), problem })
    }

    fn start(settings: &Settings) -> Result<Self, Problem> {
        opening::has_a_place(&settings.path)?;
        let start = Start::new(settings, token())?;
        let first_id = start.first_id();
        let shared = Arc::new(Shared::new(&settings.path));
        if let Some(problem) = start.problem() {
            tell(shared.lock().alarm.raise(problem, Instant::now()));
        }
        let bounds = Bounds { days: settings.days, rows: settings.rows, ..Bounds::default() };
        thread::spawn(start, bounds, &shared)?;
        Ok(Self { shared, first_id })
    }

    /// Above the id of every connection that has said something which is kept: for [`Builder::first_id`], so that an id
    /// in the history is nobody else's.
    ///
    /// [`Builder::first_id`]: crate::Builder::first_id
    #[must_use]
    pub fn first_id(&self) -> u64 {
        self.first_id
    }

    /// What is wrong, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        self.shared.lock().alarm.problem().cloned()
    }

    /// What there is of a room, with its last messages, at most so many. `None`: it cannot be read now, and the log says so.
    /// Nothing of this room should be committed until it can be, since its numbers are not known.
    pub fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        let key: Arc<str> = room.into();
        // Before the file: what is written in between is found twice, and not never.
        let state = self.shared.lock();
        let (waiting, before) = (state.shelf.of(room), state.shelf.lost_of(room));
        drop(state);
        let mut kept = self.ask(move |source| load_room(source, &key, messages))?;
        // What was lost may have been on its way into the file before, and be so again now.
        let after = self.shared.lock().shelf.lost_of(room);
        if let Some(name) = before.1.or(after.1) {
            kept.log = name;
        }
        Some(with_waiting(kept, waiting, before.0.max(after.0), messages))
    }

    /// The messages of a room behind `after` and up to `up_to`, in order: of those that are there the first ones that take
    /// no more than so many bytes ([`StoredMessage::wire_size`]), but at least one. `None`: it cannot be read now.
    pub fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        let key: Arc<str> = room.into();
        let waiting = self.shared.lock().shelf.of(room);
        let (mut found, are_more) = self.ask(move |source| match source.db {
            Some(db) => Ok(read::load_messages(db, &key, after, up_to, bytes)?),
            None => Ok((Vec::new(), false)),
        })?;
        if are_more {
            // What waits to be written comes behind those.
            return Some(found);
        }
        let last = found.last().map_or(after, |entry| entry.seq);
        found.extend(waiting.into_iter().filter(|entry| entry.seq > last && entry.seq <= up_to));
        let mut part = ByteBudget::new(bytes);
        Some(found.into_iter().take_while(|entry| part.spend(entry)).collect())
    }

    /// Keeps these messages, and takes them out of `entries`. When it returns they are kept, or are not and the log says
    /// that there is trouble.
    pub fn commit(&mut self, entries: &mut Vec<StoredMessage>) {
        if entries.is_empty() {
            return;
        }
        let until = self.put(entries.drain(..).collect());
        self.shared.work.notify_one();
        if let Some(until) = until {
            self.wait(until);
        }
    }

    /// Asks the thread, and waits for its answer for at most [`DEADLINE`].
    fn ask<T, Q>(&self, question: Q) -> Option<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Source<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let (sender, receiver) = sync_channel(1);
        let mut state = self.shared.lock();
        if state.is_slow {
            return None;
        }
        state.asks.push(Box::new(move |source| {
            let Some(source) = source else { return Ok(()) };
            // The chat may have given up waiting: then nobody wants to know.
            question(source).map(|answer| drop(sender.send(answer)))
        }));
        drop(state);
        self.shared.work.notify_one();
        match receiver.recv_timeout(DEADLINE) {
            Err(RecvTimeoutError::Timeout) => self.last_look(&receiver),
            answer => answer.ok(),
        }
    }

    /// Time is up. An answer that comes just now still counts; one that comes later ends the trouble, so it has to be told
    /// under the lock.
    fn last_look<T>(&self, receiver: &Receiver<T>) -> Option<T> {
        let mut state = self.shared.lock();
        let answer = receiver.try_recv();
        let line = matches!(answer, Err(TryRecvError::Empty)).then(|| state.is_late(Instant::now())).flatten();
        drop(state);
        tell(line);
        answer.ok()
    }

    /// Puts a batch on the shelf: the number to wait for. None if there is no use in waiting.
    fn put(&self, batch: Arc<[StoredMessage]>) -> Option<u64> {
        let mut state = self.shared.lock();
        let hopeless = state.alarm.problem().is_some_and(Problem::is_final);
        let until = match hopeless {
            true => {
                state.shelf.count_lost(batch.len());
                None
            }
            false => Some(state.shelf.push(batch)),
        };
        let (waiting, lost) = (state.shelf.len(), state.shelf.lost_count());
        let line = state.alarm.remind(Instant::now(), waiting, lost);
        let until = until.filter(|_| state.alarm.problem().is_none());
        drop(state);
        tell(line);
        until
    }

    fn wait(&self, until: u64) {
        let wanted = |state: &mut State| !state.shelf.has_left(until) && state.alarm.problem().is_none();
        let state = self.shared.lock();
        let waited = self.shared.done.wait_timeout_while(state, DEADLINE, wanted);
        let (mut state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        let line = if result.timed_out() { state.is_late(Instant::now()) } else { None };
        drop(state);
        tell(line);
    }
}

impl Drop for History {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.work.notify_one();
        let waited = self.shared.done.wait_timeout_while(state, DEADLINE, |state| !state.ended);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let waiting = state.shelf.len();
        drop(state);
        if waiting > 0 {
            error!("history: messages that are not in the file: {waiting}");
        }
    }
}

fn load_room(source: &Source<'_>, room: &str, messages: usize) -> Result<RoomSnapshot, Problem> {
    let found = source.db.map_or(Ok(None), |db| read::load_room(db, room, messages))?;
    let mut kept = found.unwrap_or_else(|| RoomSnapshot { log: source.run.clone(), last: 0, messages: Vec::new() });
    if source.renamed {
        kept.log = source.run.clone();
    }
    Ok(kept)
}

/// What the file has, then what waits to get there.
fn with_waiting(mut kept: RoomSnapshot, waiting: Vec<StoredMessage>, lost: u64, messages: usize) -> RoomSnapshot {
    for entry in waiting.into_iter().filter(|entry| entry.seq > kept.last.max(lost)).collect::<Vec<_>>() {
        if entry.seq != kept.last + 1 {
            kept.messages.clear();
        }
        kept.last = entry.seq;
        kept.messages.push(entry);
    }
    if lost > kept.last {
        kept.messages.clear();
        kept.last = lost;
    }
    let more = kept.messages.len().saturating_sub(messages);
    kept.messages.drain(..more);
    kept
}

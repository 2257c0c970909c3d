//! Messages in an SQLite file, which survive the process.
//!
//! Four promises:
//! 1. When [`Archive::commit`] returns, the messages are in the file, or the log says why not.
//! 2. A message number is never used twice under the same log name, not even after a crash.
//! 3. A file that is damaged, or belongs to another program or a newer version, is not changed.
//! 4. The chat waits for the disk for at most [`DEADLINE`].
//!
//! The chat's thread puts messages into a queue and waits. A worker thread writes them into the file.

mod clock;
mod error;
mod export;
mod files;
mod monitor;
mod open;
mod prune;
mod state_file;
mod store;
mod worker;
mod write_queue;

use self::{
    worker::Worker,
    write_queue::{Query, Range, Shared, State},
};
use crate::{
    chat::{
        protocol::StoredMessage,
        rules::{Erasure, RoomSnapshot},
        server::{Archive, wall_clock},
    },
    ws::spawn,
};
use log::error;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    mem,
    path::PathBuf,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

pub use self::{
    error::HistoryError,
    export::{Record, each_record, import},
    monitor::Monitor,
};

/// How long the chat waits for the disk, 2 s. After that it continues without it.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Where messages are stored, how safely, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The file. SQLite creates `-wal` and `-shm` next to it, and chinwag creates `-state`.
    pub path: PathBuf,
    /// What a power failure may lose.
    pub durability: Durability,
    /// Messages older than this many days are deleted. `None`: messages of any age are kept.
    pub days: Option<u32>,
    /// The maximum number of messages, in all rooms together. Above it the oldest are deleted. `None`: no maximum.
    pub rows: Option<u64>,
    /// About as many bytes as the file and its `-wal` may take, at least [`Settings::MIN_BYTES`]. Above it the oldest messages are deleted.
    /// `None`: no maximum.
    pub bytes: Option<u64>,
}

impl Settings {
    /// The least for [`Settings::bytes`]: empty tables take half of it.
    pub const MIN_BYTES: u64 = 64 << 10;

    /// Stores messages in this file, with [`Durability::Normal`], forever.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), durability: Durability::Normal, days: None, rows: None, bytes: None }
    }
}

/// What a power failure may lose. The end of the process, `kill -9` included, loses nothing in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The messages of the last seconds, which the operating system has not written yet.
    #[default]
    Normal,
    /// Nothing: the disk confirms each batch of messages (`fsync`) before it is sent to clients.
    Full,
}

/// A history in an SQLite file. A thread of its own reads and writes the file.
///
/// While the file is not writable, the log says why. Messages then wait in memory, at most 4 MiB of them, and the file is
/// tried again every 2 seconds.
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    first_id: u64,
}

impl History {
    /// Opens or creates the file, and starts the thread. A disk that fails or is full is logged and tried again.
    ///
    /// # Errors
    /// [`HistoryError::Unusable`], with the file's name: the folder does not exist; the file is not readable, not a
    /// database, damaged, in use, or of another program or a newer version. The file is not changed. Also if the operating
    /// system refuses a thread.
    pub fn open(settings: &Settings) -> Result<Self, HistoryError> {
        Self::start(settings).map_err(|error| HistoryError::Unusable(format!("{}: {error}", settings.path.display())))
    }

    fn start(settings: &Settings) -> Result<Self, HistoryError> {
        let shared = Arc::new(Shared::new(settings.path.clone()));
        let worker = Worker::open(settings, shared.clone())?;
        let first_id = worker.first_id();
        spawn::spawn("history", 512 * 1024, Box::new(move || worker.run()))?;
        Ok(Self { shared, first_id })
    }

    /// The smallest connection id above all that the file contains. Pass it to [`Builder::first_id`], so that an id in the
    /// history never belongs to another client.
    ///
    /// [`Builder::first_id`]: crate::Builder::first_id
    #[must_use]
    pub fn first_id(&self) -> u64 {
        self.first_id
    }

    /// What currently keeps messages out of the file.
    #[must_use]
    pub fn error(&self) -> Option<HistoryError> {
        self.shared.lock().report.error.clone()
    }

    /// For an operator's questions about this history, from any thread.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor(self.shared.clone())
    }

    fn load(&self, room: &str, range: Range) -> Option<RoomSnapshot> {
        let mut state = self.shared.lock();
        if state.is_unresponsive {
            return None;
        }
        (state.query, state.answer) = (Some(Query { room: room.into(), range }), None);
        drop(state);
        self.shared.work.notify_one();
        let mut state = self.wait_while(|state| state.query.is_some());
        state.query = None;
        let answer = state.answer.take();
        drop(state);
        self.shared.handle_error();
        answer
    }

    /// Blocks while the condition holds, at most [`DEADLINE`].
    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.shared.done.wait_timeout_while(self.shared.lock(), DEADLINE, |state| condition(state));
        let (mut state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            state.is_unresponsive = true;
            state.report.raise(HistoryError::NotResponding);
        }
        state
    }
}

impl Archive for History {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        self.load(room, Range::Last(messages))
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        self.load(room, Range::Between { after, up_to, bytes }).map(|snapshot| snapshot.messages)
    }

    fn commit(&mut self, messages: &mut Vec<StoredMessage>) {
        self.shared.lock().queue.push(messages);
        self.shared.work.notify_one();
        // While there is an error, the messages wait in the queue and the chat continues.
        drop(self.wait_while(|state| !state.queue.is_empty() && state.report.error.is_none()));
        self.shared.handle_error();
    }

    fn erase(&mut self, erasure: Erasure) -> Option<Vec<(Arc<str>, u64)>> {
        self.shared.lock().queue.erase(erasure);
        self.commit(&mut Vec::new());
        let queue = &mut self.shared.lock().queue;
        queue.is_empty().then(|| mem::take(&mut queue.erased))
    }

    fn is_complete(&self) -> bool {
        let state = self.shared.lock();
        state.queue.is_empty() && state.report.error.is_none()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.work.notify_one();
        if !self.wait_while(|state| !state.has_ended).queue.is_empty() {
            error!("history: the last messages could not be stored");
        }
    }
}

/// Returns a log name that no other process has used.
fn new_log_name() -> Arc<str> {
    // The standard library takes its keys from the operating system's random numbers.
    format!("{:x}", RandomState::new().build_hasher().finish()).into()
}

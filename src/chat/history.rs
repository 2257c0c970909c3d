//! Messages in an SQLite file, which survive the process.
//!
//! Four promises:
//! 1. When [`Archive::commit`] returns, the messages are in the file, or the log says why not.
//! 2. A message number is never used twice under the same log name, not even after a crash.
//! 3. A file that is damaged, or belongs to another program or a newer version, is not changed.
//! 4. The chat waits for the disk for at most [`DEADLINE`].
//!
//! The chat's thread puts messages into a queue, gives the worker thread a job and waits for its answer.

mod error;
mod export;
mod open;
mod prune;
mod queue;
mod state_file;
mod store;
mod worker;

use self::{
    queue::Shared,
    store::{Range, Store},
    worker::{Job, Worker},
};
use crate::{
    chat::{
        protocol::StoredMessage,
        rules::{Erasure, RoomSnapshot},
        server::{Archive, Storage, wall_clock},
    },
    ws::spawn,
};
use log::error;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    mem,
    path::PathBuf,
    sync::Arc,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

pub use self::{
    error::HistoryError,
    export::{Record, each_record, import},
};

/// How long the chat waits for the disk, 2 s. After that it continues without it.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Jobs that wait for a disk that does not respond. Those of `/readyz` are the most.
const MAX_JOBS: usize = 64;

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
    link: Monitor,
    first_id: u64,
    /// Is closed when the thread has ended.
    ended: Receiver<()>,
}

impl History {
    /// Opens or creates the file, and starts the thread. A disk that fails or is full is logged and tried again.
    ///
    /// # Errors
    /// [`HistoryError::Permanent`], with the file's name: the folder does not exist; the file is not readable, not a
    /// database, damaged, in use, or of another program or a newer version. The file is not changed. Also if the operating
    /// system refuses a thread.
    pub fn open(settings: &Settings) -> Result<Self, HistoryError> {
        Self::start(settings).map_err(|error| HistoryError::Permanent(format!("{}: {error}", settings.path.display())))
    }

    fn start(settings: &Settings) -> Result<Self, HistoryError> {
        let shared = Arc::new(Shared::new(settings.path.clone()));
        let worker = Worker::open(settings, shared.clone())?;
        let first_id = Store::open_read_only(&settings.path).and_then(|store| store.next_id()).unwrap_or(1);
        let ((jobs, receiver), (end, ended)) = (sync_channel(MAX_JOBS), sync_channel(0));
        let run = move || {
            worker.run(&receiver);
            drop(end);
        };
        spawn::spawn("history", 512 * 1024, Box::new(run))?;
        Ok(Self { link: Monitor { jobs, shared }, first_id, ended })
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
        self.link.shared.lock().report.error.clone()
    }

    /// For an operator's questions about this history, from any thread.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.link.clone()
    }

    fn load(&self, room: &str, range: Range) -> Option<RoomSnapshot> {
        if self.error() == Some(HistoryError::NotResponding) {
            return None;
        }
        let room = room.into();
        self.ask(move |worker| worker.load(&room, range)).flatten()
    }

    /// While there is an error, the messages wait in the queue and the chat continues. The worker tries again by itself.
    fn write(&self) {
        if self.error().is_none() {
            self.ask(Worker::write_waiting);
        }
        self.link.shared.trim();
    }

    fn ask<T: Send + 'static>(&self, job: impl FnOnce(&mut Worker) -> T + Send + 'static) -> Option<T> {
        let answer = self.link.ask(DEADLINE, job);
        if answer.is_none() {
            self.link.shared.raise(HistoryError::NotResponding);
        }
        answer
    }
}

/// Tells whether a history can store messages, and how many wait.
#[derive(Debug, Clone)]
pub struct Monitor {
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
}

impl Monitor {
    /// Lets the worker do this. `None`: it takes longer.
    fn ask<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = sync_channel(1);
        let job: Job = Box::new(move |worker| drop(sender.send(job(worker))));
        self.jobs.try_send(job).ok()?;
        answer.recv_timeout(timeout).ok()
    }
}

impl Storage for Monitor {
    fn check(&self, timeout: Duration) -> Result<(), String> {
        let found = self.ask(timeout, Worker::check).unwrap_or(Some(HistoryError::NotResponding));
        found.map_or(Ok(()), |error| Err(error.to_string()))
    }

    fn queued(&self) -> usize {
        self.shared.lock().queue.len()
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
        self.link.shared.lock().queue.push(messages);
        self.write();
    }

    fn erase(&mut self, erasure: Erasure) -> Option<Vec<(Arc<str>, u64)>> {
        self.link.shared.lock().queue.erase(erasure);
        self.write();
        let queue = &mut self.link.shared.lock().queue;
        queue.is_empty().then(|| mem::take(&mut queue.erased))
    }

    fn is_complete(&self) -> bool {
        let state = self.link.shared.lock();
        state.queue.is_empty() && state.report.error.is_none()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        let _ = self.link.jobs.try_send(Box::new(|worker| worker.is_closing = true));
        let _ = self.ended.recv_timeout(DEADLINE);
        if !self.link.shared.lock().queue.is_empty() {
            error!("history: the last messages could not be stored");
        }
    }
}

/// Returns a log name that no other process has used.
fn new_log_name() -> Arc<str> {
    // The standard library takes its keys from the operating system's random numbers.
    format!("{:x}", RandomState::new().build_hasher().finish()).into()
}

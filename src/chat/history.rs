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
mod follower;
mod open;
mod prune;
mod shared;
mod state_file;
mod store;
mod worker;

use self::shared::Shared;
use self::store::Range;
use self::worker::{Job, Worker};
use crate::chat::{
    protocol::StoredMessage,
    rules::{Erasure, RoomSnapshot},
    server::{Archive, wall_clock},
};
use crate::ws::spawn::{self, lock};
use log::error;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::{mem, path::PathBuf, time::Duration};

pub use self::error::HistoryError;
pub use self::export::{Record, each_record, import};

/// How long the chat waits for the disk, 2 s. After that it continues without it.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Questions of operators that wait for a disk. More are not asked.
const MAX_CHECKS: usize = 64;

/// Where messages are stored, how safely, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The file. SQLite creates `-wal` and `-shm` next to it, and chinwag creates `-state`.
    pub path: PathBuf,
    /// Whether the disk confirms each batch of messages (`fsync`) before it is sent to clients. If not, a power failure loses the
    /// messages of the last seconds, which the operating system has not written yet. The end of the process, `kill -9`
    /// included, loses nothing in either case.
    pub sync: bool,
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

    /// Stores messages in this file, without [`Settings::sync`], forever.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), sync: false, days: None, rows: None, bytes: None }
    }
}

/// A history in an SQLite file. A thread of its own reads and writes the file.
///
/// While the file is not writable, the log says why. Messages then wait in memory, at most 4 MiB of them, and the file is
/// tried again every 2 seconds. More messages are not stored.
#[derive(Debug)]
pub struct History {
    /// [`Shared::admit`] bounds the changes. At most one other job of the chat and [`MAX_CHECKS`] wait.
    jobs: Sender<Job>,
    shared: Arc<Mutex<Shared>>,
    first_id: u64,
}

impl History {
    /// Opens or creates the file, and starts the thread. A disk that fails or is full is logged and tried again.
    ///
    /// # Errors
    /// [`HistoryError::Permanent`], with the file's name: the folder does not exist; the file is not readable, not a
    /// database, damaged, in use, or of another program or a newer version. The file is not changed. Also if the operating
    /// system refuses a thread.
    pub fn open(settings: &Settings) -> Result<Self, HistoryError> {
        let named = |error: HistoryError| HistoryError::Permanent(format!("{}: {error}", settings.path.display()));
        let shared = Arc::new(Mutex::new(Shared::new(settings.path.clone())));
        let worker = Worker::open(settings, shared.clone()).map_err(named)?;
        let first_id = worker.first_id();
        let (jobs, receiver) = channel();
        let thread = spawn::spawn("history", 512 * 1024, Box::new(move || worker.run(&receiver)));
        thread.map_err(|error| named(error.into()))?;
        Ok(Self { jobs, shared, first_id })
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
        lock(&self.shared).error.clone()
    }

    fn load(&self, room: &str, range: Range) -> Option<RoomSnapshot> {
        let room = room.into();
        self.try_ask(move |worker| worker.load(&room, range))
    }

    /// As [`Self::ask`], without a wait for a disk that did not respond before.
    fn try_ask<T: Send + 'static>(&self, job: impl FnOnce(&mut Worker) -> Option<T> + Send + 'static) -> Option<T> {
        if self.error() == Some(not_responding()) { None } else { self.ask(DEADLINE, job).flatten() }
    }

    /// Lets the worker do this. `None`: it takes longer, and the chat continues without the disk until it is done.
    fn ask<T: Send + 'static>(&self, time: Duration, job: impl FnOnce(&mut Worker) -> T + Send + 'static) -> Option<T> {
        let (sender, answers) = sync_channel(1);
        let _ = self.jobs.send(Box::new(move |worker| drop(sender.send(job(worker)))));
        let answer = answers.recv_timeout(time).ok();
        if answer.is_none() && !time.is_zero() {
            lock(&self.shared).raise(not_responding());
        }
        answer
    }
}

fn not_responding() -> HistoryError {
    HistoryError::Temporary("the disk does not respond".into())
}

impl Archive for History {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        self.load(room, Range::Last(messages))
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        self.load(room, Range::Between { after, up_to, bytes }).map(|snapshot| snapshot.messages)
    }

    fn commit(&mut self, messages: &mut Vec<StoredMessage>) {
        let messages = mem::take(messages);
        let bytes = messages.iter().map(StoredMessage::size).sum();
        if lock(&self.shared).admit(messages.len(), bytes) {
            // While there is an error, the chat does not wait.
            let time = if self.error().is_none() { DEADLINE } else { Duration::ZERO };
            self.ask(time, |worker| worker.store(messages));
        }
    }

    fn erase(&mut self, erasure: Erasure) -> Option<Vec<(Arc<str>, u64)>> {
        self.try_ask(move |worker| worker.write_waiting(Some(&erasure)))
    }

    fn check(&mut self, done: Box<dyn FnOnce(Option<String>) + Send>) {
        let mut shared = lock(&self.shared);
        if shared.error == Some(not_responding()) || shared.checks >= MAX_CHECKS {
            return done(Some(not_responding().to_string()));
        }
        shared.checks += 1;
        let _ = self.jobs.send(Box::new(|worker| done(worker.check().map(|error| error.to_string()))));
    }

    fn is_complete(&self) -> bool {
        lock(&self.shared).is_complete()
    }

    fn queued(&self) -> usize {
        lock(&self.shared).waiting
    }

    fn begin(&mut self, room: Arc<str>, log: Arc<str>) {
        let _ = self.jobs.send(Box::new(move |worker| worker.begin(room, log)));
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if self.ask(DEADLINE, Worker::close).is_none() || !self.is_complete() {
            error!("history: the last messages may not be stored");
        }
    }
}

/// Returns a log name that no other process has used.
fn new_log_name() -> Arc<str> {
    format!("{:x}", rand::random::<u64>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_answer_to_an_operator_is_no_error_of_the_chat() {
        let path = std::env::temp_dir().join(format!("chinwag-monitor-{}.db", std::process::id()));
        let mut history = History::open(&Settings::new(&path)).expect("a file");
        let ((release, released), (sender, answers)) = (channel::<()>(), channel());
        let _ = history.jobs.send(Box::new(move |_| _ = released.recv()));
        for _ in 0..MAX_CHECKS + 1 {
            let sender = sender.clone();
            history.check(Box::new(move |why| drop(sender.send(why))));
        }
        assert_eq!(answers.try_recv(), Ok(Some(not_responding().to_string())), "the last one does not wait");
        assert_eq!((history.error(), lock(&history.shared).checks), (None, MAX_CHECKS));
        drop(release);
        (0..MAX_CHECKS).for_each(|_| assert_eq!(answers.recv_timeout(Duration::from_secs(30)), Ok(None)));
        drop(history);
        for ending in ["", "-wal", "-shm", "-state"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
    }
}

//! Messages in an SQLite file, which survive the process.
//!
//! Four promises:
//! 1. When [`Archive::commit`] returns, the messages are in the file, or the log says why not.
//! 2. A message number is never used twice under the same log name, not even after a crash.
//! 3. A file that is damaged, or belongs to another program or a newer version, is not changed.
//! 4. The chat waits for the disk for at most [`DEADLINE`].
//!
//! [`Archive::commit`]: crate::chat::server::Archive::commit

mod error;
mod export;
mod handle;
mod open;
mod prune;
mod state_file;
mod store;
mod worker;
mod write_queue;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

pub use self::{
    error::HistoryError,
    export::{Record, each_record, import},
    handle::History,
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
}

impl Settings {
    /// Stores messages in this file, with [`Durability::Normal`], forever.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), durability: Durability::Normal, days: None, rows: None }
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

/// Returns a log name that no other process has used.
fn new_log_name() -> Arc<str> {
    // The standard library takes its keys from the operating system's random numbers.
    format!("{:x}", RandomState::new().build_hasher().finish()).into()
}

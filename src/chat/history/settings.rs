//! How a history is kept.
//!
//! Owns the settings and their defaults.

use std::path::PathBuf;

/// Where messages are kept, how safely, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The file. SQLite makes two more next to it (`-wal`, `-shm`), and chinwag one (`-state`).
    pub path: PathBuf,
    /// What a power cut may take.
    pub durability: Durability,
    /// Messages that are older than so many days are deleted; `None`: none are.
    pub days: Option<u32>,
    /// Messages in all rooms together; above it the oldest are deleted. `None`: any number.
    pub rows: Option<u64>,
}

impl Settings {
    /// In this file, with the defaults: [`Durability::Normal`], kept for ever.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), durability: Durability::Normal, days: None, rows: None }
    }
}

/// What a power cut may take. The end of the process alone, `kill -9` included, takes nothing in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The last seconds: the operating system writes when it sees fit.
    #[default]
    Normal,
    /// Nothing: the disk confirms each batch of messages (`fsync`) before anybody sees them.
    Full,
}

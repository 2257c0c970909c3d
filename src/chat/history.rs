//! What was said, kept for longer than a process lives.
//!
//! Owns an archive in one SQLite file ([`History`]). Knows files and SQLite, no sockets and no rules of the chat: rooms
//! are keys, numbers are given.
//!
//! Law 1: what [`History::commit`] returned from is in the file, unless the log says that there is trouble.
//! Law 2: a number that was handed out is not handed out again under the same name of its numbering, whatever happened
//! in between.
//! Law 3: a file that is not ours, or cannot be read, is not written to.
//! Law 4: once it is open, nobody waits for a disk longer than [`DEADLINE`].

mod alarm;
mod archive;
mod file;
mod keeper;
mod lines;
mod mark;
mod opening;
mod problem;
mod prune;
mod read;
mod schema;
mod settings;
mod shared;
mod shelf;
mod start;
mod thread;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

pub use self::{
    keeper::History,
    lines::{Imported, Record, each_record, import},
    problem::{Problem, Unusable},
    settings::{Durability, Settings},
};

/// How long the chat waits for the disk: 2 s. What takes longer counts as trouble, and the chat goes on without it.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// A name for numberings that no other process has given.
fn token() -> Arc<str> {
    // Keyed by the operating system's randomness, anew in each process.
    format!("{:x}", RandomState::new().build_hasher().finish()).into()
}

//! What was said, kept for longer than a process lives.
//!
//! Owns what it means to keep messages ([`Archive`]), and with the feature `history` an archive in one SQLite file
//! ([`History`]). Knows files and SQLite, no sockets and no rules of the chat: rooms are keys, numbers are given.
//!
//! Law 1: what [`Archive::commit`] returned from is in the file, unless the log says that there is trouble.
//! Law 2: a number that was handed out is not handed out again under the same name of its numbering, whatever happened
//! in between.
//! Law 3: a file that cannot be read is not written to.
//! Law 4: nobody waits for a disk longer than [`DEADLINE`].

#[cfg(feature = "history")]
mod alarm;
#[cfg(feature = "history")]
mod file;
#[cfg(feature = "history")]
mod keeper;
#[cfg(feature = "history")]
mod lines;
#[cfg(feature = "history")]
mod mark;
#[cfg(feature = "history")]
mod opening;
#[cfg(feature = "history")]
mod problem;
#[cfg(feature = "history")]
mod prune;
#[cfg(feature = "history")]
mod read;
#[cfg(feature = "history")]
mod schema;
#[cfg(feature = "history")]
mod settings;
#[cfg(feature = "history")]
mod shelf;
#[cfg(feature = "history")]
mod thread;

use crate::protocol::Entry;
use std::{fmt::Debug, sync::Arc, time::Duration};

#[cfg(feature = "history")]
pub use self::{
    keeper::History,
    problem::Problem,
    settings::{Durability, Settings},
};

/// How long the chat waits for the disk: 2 s. What takes longer counts as trouble, and the chat goes on without it.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Where messages are kept. One thread uses it, and must not wait for long in any of these.
pub trait Archive: Debug + Send {
    /// What there is of a room. `None`: it cannot be read now; then nothing of this room is kept until it can be, since
    /// its numbers are not known.
    fn past(&mut self, room: &str, messages: usize) -> Option<Kept>;

    /// The messages of a room behind `after` and up to `up_to`, of which the last ones that take no more than so many
    /// bytes ([`Entry::wire_size`]), in order. What is not there is left out.
    fn recall(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Vec<Entry>;

    /// Keeps these messages, and takes them out of `entries`. When it returns they are kept, or are not and the log says
    /// that there is trouble.
    fn commit(&mut self, entries: &mut Vec<Entry>);
}

/// What is kept of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Names the numbering: digits and lower-case letters.
    pub log: Arc<str>,
    /// The number of the last message; 0: there was none.
    pub last: u64,
    /// The last messages, in order and without a gap; the one numbered `last` is the last, if any is there.
    pub entries: Vec<Entry>,
}

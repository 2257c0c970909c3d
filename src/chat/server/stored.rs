//! The archive that is a file: what floor 1 keeps, in the words of the chat.
//!
//! Owns nothing: it only translates.

use super::Archive;
use crate::{
    chat::history::{History, Kept},
    chat::protocol::Entry,
    chat::rules::Past,
};

impl Archive for History {
    fn past(&mut self, room: &str, messages: usize) -> Option<Past> {
        let Kept { log, last, entries } = History::past(self, room, messages)?;
        Some(Past { log, last, entries })
    }

    fn recall(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<Entry>> {
        History::recall(self, room, after, up_to, bytes)
    }

    fn commit(&mut self, entries: &mut Vec<Entry>) {
        History::commit(self, entries);
    }
}

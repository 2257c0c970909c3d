//! What keeps messages beyond memory, as the chat's thread sees it.
//!
//! Owns the promise between them. Knows no files.

use crate::{chat::protocol::StoredMessage, chat::rules::RoomSnapshot};
use std::fmt::Debug;

/// A place where messages are kept. It is asked and told on the chat's thread, which waits: what takes long holds up
/// everybody.
pub trait Archive: Debug + Send {
    /// What it has of a room, asked when somebody enters it of which this process knows nothing yet: the last messages, at
    /// most so many. Of a room that it does not know either, a numbering in which nothing was said.
    ///
    /// `None`: it cannot say now. Then the room begins anew, with a numbering of its own, of which nothing is committed; this
    /// is asked again, and when it answers, what was said meanwhile comes behind, with the numbers that follow.
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot>;

    /// The messages of a room behind `after` and up to `up_to`, in order: of those that are there the first ones that take
    /// no more than so many bytes ([`StoredMessage::wire_size`]), and at least one. An empty list: there are none.
    ///
    /// `None`: it cannot say now. Then it is asked again for ten seconds, before they count as gone.
    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>>;

    /// Keeps what was said in a batch, in all rooms, in order, and takes it out of `entries`. Only when this returns is
    /// anybody told of it.
    ///
    /// When it fails there is nobody to tell: the chat goes on, and the archive says so in the log.
    fn commit(&mut self, entries: &mut Vec<StoredMessage>);
}

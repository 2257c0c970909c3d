//! The history file as the chat's archive.

use super::History;
use crate::chat::{protocol::StoredMessage, rules::RoomSnapshot, server::Archive};

impl Archive for History {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        Self::load_room(self, room, messages)
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        Self::load_messages(self, room, after, up_to, bytes)
    }

    fn commit(&mut self, entries: &mut Vec<StoredMessage>) {
        Self::commit(self, entries);
    }
}

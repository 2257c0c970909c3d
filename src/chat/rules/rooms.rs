//! All rooms, and the bounds on their number and their memory.

use super::{Chat, RoomId, RoomName, room::Room};
#[cfg(feature = "cluster")]
use super::{Gate, Member, Output, Rules, UserId};
#[cfg(feature = "cluster")]
use crate::chat::protocol::StoredMessage;
use std::sync::Arc;

/// If all histories take too much memory, the largest loses this part: the next message does not have to search again.
const SHED_PART: usize = 8;

impl Chat {
    pub(super) fn room_ids(&self) -> Vec<RoomId> {
        self.rooms.iter().map(|(id, _)| id).collect()
    }

    /// The room of this name, if it exists.
    pub(super) fn find_room(&self, name: &RoomName) -> Option<RoomId> {
        self.rooms.iter().find(|(_, room)| room.name == *name).map(|(id, _)| id)
    }

    /// The room of this name, created if necessary; `None` if there are too many.
    pub(super) fn open_room(&mut self, name: &RoomName) -> Option<RoomId> {
        if let Some(id) = self.find_room(name) {
            return Some(id);
        }
        while self.rooms.len() >= self.rules.rooms.max(1) {
            let empty = self.rooms.iter().filter_map(|(id, room)| Some((room.empty_since?, id)));
            let (_, longest) = empty.min()?;
            self.rooms.remove(longest);
        }
        Some(self.add_room(name))
    }

    pub(super) fn add_room(&mut self, name: &RoomName) -> RoomId {
        let id = RoomId(self.room_counter);
        self.room_counter += 1;
        self.rooms.insert(id, Room::new(name.clone(), log_id(self.log_id_prefix, id)));
        id
    }

    /// A user left the room. If it is empty, it waits to be forgotten, or goes at once if it has no history.
    pub(super) fn release_room(&mut self, id: RoomId) {
        self.room_counter += 1;
        let is_empty = |room: &&mut Room| room.members.len() == 0 && id != RoomId::LOBBY;
        let Some(room) = self.rooms.get_mut(id).filter(is_empty) else { return };
        if room.is_restored || room.log.last > 0 || !room.holders.is_empty() {
            room.empty_since.get_or_insert(self.room_counter);
        } else {
            self.rooms.remove(id);
        }
    }

    /// Enforces the bounds of one room, then those of all. If all take too much memory, the largest log shrinks: one busy
    /// room must not cost the others their history.
    pub(super) fn shrink_logs(&mut self, id: RoomId) {
        let rules = self.rules;
        if let Some(room) = self.rooms.get_mut(id) {
            room.log.shrink(rules.room_messages, rules.room_bytes);
        }
        while self.rooms.iter().map(|(_, room)| room.log.bytes).sum::<usize>() > rules.history_bytes {
            let Some(largest) = self.rooms.values_mut().max_by_key(|room| room.log.bytes) else { return };
            let bytes = largest.log.bytes;
            largest.log.shrink(usize::MAX, bytes - bytes.div_ceil(SHED_PART));
        }
    }
}

/// What a node of a cluster needs besides the inputs.
///
/// Every field of the chat is in a snapshot, except what concerns the sockets, the clock and the settings of one process.
#[cfg(feature = "cluster")]
impl Chat {
    /// Completes a chat that was deserialized.
    pub(crate) fn with_rules(mut self, rules: Rules) -> Self {
        (self.rules, self.gate) = (rules, Gate::new(rules));
        for room in self.rooms.values_mut() {
            let key = room.name.key();
            room.log.messages.iter_mut().for_each(|message| message.room = key.clone());
        }
        self
    }

    /// The messages in memory, of all rooms.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &StoredMessage> {
        self.rooms.iter().flat_map(|(_, room)| &room.log.messages)
    }

    /// The name of the numbering of the room with this key, if the archive does not know it. From now on it does.
    pub(crate) fn unknown_log(&mut self, key: &str) -> Option<Arc<str>> {
        let room = self.rooms.values_mut().find(|room| **room.name.key() == *key)?;
        (!std::mem::replace(&mut room.is_log_known, true)).then(|| room.log.log_id.clone())
    }

    /// The connections with these numbers.
    pub(crate) fn connections(&self, numbers: std::ops::Range<UserId>) -> Vec<UserId> {
        self.members.iter().map(|(id, _)| id).filter(|id| numbers.contains(id)).collect()
    }

    /// Gives the numbering of each room a new name, because messages with numbers under the earlier names may be lost. Each member
    /// receives its id again.
    pub(crate) fn renumber(&mut self, log_id_prefix: u64) -> Vec<Output> {
        self.log_id_prefix = log_id_prefix;
        for (id, room) in self.rooms.iter_mut() {
            (room.log.log_id, room.is_log_known) = (log_id(log_id_prefix, id), false);
        }
        let id_message = |(id, member): (UserId, &Member)| {
            let log = &self.rooms.get(member.room)?.log;
            self.id_message(id, log, self.received_up_to(id).unwrap_or(log.last))
        };
        self.members.iter().filter_map(id_message).collect()
    }
}

/// The name of a room's numbering.
fn log_id(prefix: u64, id: RoomId) -> Arc<str> {
    format!("{prefix:016x}{:x}", id.0).into()
}

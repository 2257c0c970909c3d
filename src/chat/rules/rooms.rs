//! All rooms, and the bounds on their number and their memory.
//!
//! A room exists while it has users, reserved names or a history; the lobby always does.

use super::{
    events::{Erasure, RoomId, RoomSnapshot},
    limits::Rules,
    message_log::MessageLog,
    room::Room,
    room_name::RoomName,
};
use crate::{chat::protocol::StoredMessage, ws::id_map::IdMap};
use std::{mem, sync::Arc};

/// If all histories take too much memory, the largest loses this part: the next message does not have to search again.
const SHED_PART: usize = 8;

#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Rooms {
    rooms: IdMap<RoomId, Room>,
    /// Bytes of all logs.
    bytes: usize,
    /// The names of all numberings begin with it.
    log_id_prefix: u64,
    /// Grows with each room that is added or becomes empty.
    counter: u64,
    /// Messages that were forgotten before their room was restored, so that no archive has them.
    pub(super) lost: u64,
}

impl Rooms {
    #[cfg(feature = "cluster")]
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Room> {
        self.rooms.values_mut()
    }

    /// Gives the numbering of each room a name with this prefix.
    #[cfg(feature = "cluster")]
    pub(super) fn rename_logs(&mut self, log_id_prefix: u64) {
        self.log_id_prefix = log_id_prefix;
        let ids: Vec<RoomId> = self.rooms.iter().map(|(id, _)| id).collect();
        for (id, room) in ids.into_iter().zip(self.rooms.values_mut()) {
            room.log.log_id = log_id(log_id_prefix, id);
        }
    }

    /// The lobby alone.
    pub(super) fn new(log_id_prefix: u64) -> Self {
        let mut rooms = Self { rooms: IdMap::default(), bytes: 0, log_id_prefix, counter: 0, lost: 0 };
        rooms.add(&RoomName::lobby());
        rooms
    }

    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id)
    }

    /// Every room, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter().map(|(_, room)| room)
    }

    pub(super) fn ids(&self) -> Vec<RoomId> {
        self.rooms.iter().map(|(id, _)| id).collect()
    }

    /// The room of this name, if it exists.
    pub(super) fn find(&self, name: &RoomName) -> Option<&Room> {
        self.get(self.id_of(name)?)
    }

    pub(super) fn find_mut(&mut self, name: &RoomName) -> Option<&mut Room> {
        self.get_mut(self.id_of(name)?)
    }

    fn id_of(&self, name: &RoomName) -> Option<RoomId> {
        self.rooms.iter().find(|(_, room)| room.name.key() == name.key()).map(|(id, _)| id)
    }

    /// The room of this name, created if necessary; `None` if there are too many.
    pub(super) fn open(&mut self, name: &RoomName, rules: &Rules) -> Option<RoomId> {
        if let Some(id) = self.id_of(name) {
            return Some(id);
        }
        while self.rooms.len() >= rules.rooms.max(1) {
            let empty = self.rooms.iter().filter_map(|(id, room)| Some((room.empty_since?, id)));
            let (_, longest) = empty.min()?;
            self.forget(longest);
        }
        Some(self.add(name))
    }

    fn add(&mut self, name: &RoomName) -> RoomId {
        let id = RoomId(self.counter);
        self.counter += 1;
        self.rooms.insert(id, Room::new(name.clone(), log_id(self.log_id_prefix, id)));
        id
    }

    fn forget(&mut self, id: RoomId) {
        let Some(room) = self.rooms.remove(id) else { return };
        self.bytes -= room.log.bytes;
        self.lost += if room.is_restored { 0 } else { room.log.last };
    }

    /// A user left the room. If it is empty, it waits to be forgotten, or goes at once if it has no history.
    pub(super) fn release(&mut self, id: RoomId) {
        self.counter += 1;
        let counter = self.counter;
        let Some(room) = self.get_mut(id).filter(|room| room.members.is_empty() && id != RoomId::LOBBY) else { return };
        if room.is_restored || room.log.last > 0 || room.names.has_reserved() {
            room.empty_since.get_or_insert(counter);
        } else {
            self.forget(id);
        }
    }

    /// Puts an archive's snapshot in front of what a room has in memory, which gets the numbers that follow. Returns the
    /// room and its log of before; `None` if it was restored already or there are too many rooms.
    pub(super) fn restore(
        &mut self,
        name: &RoomName,
        snapshot: RoomSnapshot,
        rules: &Rules,
    ) -> Option<(RoomId, MessageLog)> {
        let id = self.open(name, rules)?;
        let room = self.rooms.get_mut(id).filter(|room| !room.is_restored)?;
        room.is_restored = true;
        let mut recent = mem::replace(&mut room.log, MessageLog::restored(snapshot));
        for message in &mut recent.messages {
            message.seq = room.log.last + 1;
            room.log.push(message.clone());
        }
        self.bytes = self.bytes - recent.bytes + room.log.bytes;
        self.lost += recent.last_forgotten();
        self.shrink_to_bounds(id, rules);
        self.release(id);
        Some((id, recent))
    }

    /// Adds a message to a room's log.
    pub(super) fn record(&mut self, id: RoomId, message: StoredMessage, rules: &Rules) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        self.bytes += message.size();
        room.log.push(message);
        self.shrink_to_bounds(id, rules);
    }

    /// Deletes messages in the memory of all rooms. Returns their numbers by room.
    pub(super) fn delete(&mut self, erasure: &Erasure) -> Vec<(RoomId, Vec<u64>)> {
        let mut deleted = Vec::new();
        for (id, room) in self.rooms.iter_mut() {
            let before = room.log.bytes;
            deleted.push((id, room.log.delete(erasure)));
            self.bytes -= before - room.log.bytes;
        }
        deleted
    }

    /// Enforces the bounds of one room, then those of all. If all take too much memory, the largest log shrinks: one busy
    /// room must not cost the others their history.
    fn shrink_to_bounds(&mut self, id: RoomId, rules: &Rules) {
        self.shrink(id, rules.room_messages, rules.room_bytes);
        while self.bytes > rules.history_bytes {
            let sizes = self.rooms.iter().map(|(id, room)| (room.log.bytes, id));
            let Some((size, largest)) = sizes.max() else { return };
            self.shrink(largest, usize::MAX, size - size.div_ceil(SHED_PART));
        }
    }

    fn shrink(&mut self, id: RoomId, max_messages: usize, max_bytes: usize) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let before = room.log.bytes;
        room.log.shrink(max_messages, max_bytes);
        self.bytes -= before - room.log.bytes;
    }
}

/// The name of a room's numbering.
fn log_id(prefix: u64, id: RoomId) -> Arc<str> {
    format!("{prefix:016x}{:x}", id.0).into()
}

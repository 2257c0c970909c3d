//! All rooms, and the bounds on their number and their memory.
//!
//! A room exists while it has users, reserved names or a history; the lobby always does.

use super::{
    events::{RoomId, RoomSnapshot},
    limits::Rules,
    message_log::MessageLog,
    room::Room,
    room_name::RoomName,
};
use crate::chat::protocol::StoredMessage;
use std::mem;

/// If all histories take too much memory, the largest loses this part: the next message does not have to search again.
const SHED_PART: usize = 8;

#[derive(Debug)]
pub(super) struct Rooms {
    /// The oldest first, so that they are sorted by id.
    rooms: Vec<Room>,
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
    /// The lobby alone.
    pub(super) fn new(log_id_prefix: u64) -> Self {
        let mut rooms = Self { rooms: Vec::new(), bytes: 0, log_id_prefix, counter: 0, lost: 0 };
        rooms.add(&RoomName::lobby());
        rooms
    }

    fn place(&self, id: RoomId) -> Option<usize> {
        self.rooms.binary_search_by_key(&id, |room| room.id).ok()
    }

    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        self.place(id).map(|place| &self.rooms[place])
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.place(id).map(|place| &mut self.rooms[place])
    }

    /// Every room, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter()
    }

    /// The room of this name, if it exists.
    pub(super) fn find(&self, name: &RoomName) -> Option<&Room> {
        self.iter().find(|room| room.name.key() == name.key())
    }

    /// The room of this name, created if necessary; `None` if there are too many.
    pub(super) fn open(&mut self, name: &RoomName, rules: &Rules) -> Option<RoomId> {
        if let Some(room) = self.find(name) {
            return Some(room.id);
        }
        while self.rooms.len() >= rules.rooms.max(1) {
            let empty = self.rooms.iter().filter_map(|room| Some((room.empty_since?, room.id)));
            let (_, longest) = empty.min()?;
            self.forget(longest);
        }
        Some(self.add(name))
    }

    fn add(&mut self, name: &RoomName) -> RoomId {
        let id = RoomId(self.counter);
        self.counter += 1;
        let log_id = format!("{:016x}{:x}", self.log_id_prefix, id.0).into();
        self.rooms.push(Room::new(id, name.clone(), log_id));
        id
    }

    fn forget(&mut self, id: RoomId) {
        let Some(room) = self.place(id).map(|place| self.rooms.remove(place)) else { return };
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
        let room = self.get_mut(id).filter(|room| !room.is_restored)?;
        room.is_restored = true;
        let mut recent = mem::replace(&mut room.log, MessageLog::restored(snapshot));
        for message in &mut recent.messages {
            message.seq = room.log.last + 1;
            room.log.push(message.clone());
        }
        let bytes = room.log.bytes;
        self.bytes = self.bytes - recent.bytes + bytes;
        self.lost += recent.last_forgotten();
        self.shrink_to_bounds(id, rules);
        self.release(id);
        Some((id, recent))
    }

    /// Adds a message to a room's log.
    pub(super) fn record(&mut self, id: RoomId, message: StoredMessage, rules: &Rules) {
        let Some(room) = self.get_mut(id) else { return };
        let size = message.size();
        room.log.push(message);
        self.bytes += size;
        self.shrink_to_bounds(id, rules);
    }

    /// Enforces the bounds of one room, then those of all. If all take too much memory, the largest log shrinks: one busy
    /// room must not cost the others their history.
    fn shrink_to_bounds(&mut self, id: RoomId, rules: &Rules) {
        self.shrink(id, rules.room_messages, rules.room_bytes);
        while self.bytes > rules.history_bytes {
            let sizes = self.rooms.iter().map(|room| (room.log.bytes, room.id));
            let Some((size, largest)) = sizes.max().filter(|(size, _)| *size > 0) else { return };
            self.shrink(largest, usize::MAX, size - size.div_ceil(SHED_PART));
        }
    }

    fn shrink(&mut self, id: RoomId, max_messages: usize, max_bytes: usize) {
        let Some(log) = self.get_mut(id).map(|room| &mut room.log) else { return };
        let before = log.bytes;
        log.shrink(max_messages, max_bytes);
        let freed = before - log.bytes;
        self.bytes -= freed;
    }
}

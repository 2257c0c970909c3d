//! All rooms: which there are, and which must go when there are too many.
//!
//! Owns the bounds on rooms and on what they remember in all. Knows nothing of dialects, or of how anything is sent.
//!
//! The law: a room exists while somebody is in it or it has a past; the lobby always does. There are never more rooms
//! than the rules allow, and their histories never take more memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::events::{RoomId, RoomSnapshot};
use super::room::Room;
use super::room_name::RoomName;
use super::rules::Rules;
use crate::chat::protocol::{StoredMessage, base36};

/// The largest history loses this part of it when all are too large: the next message does not have to look again.
const SHED: usize = 8;

/// The rooms of a chat.
#[derive(Debug)]
pub(super) struct Rooms {
    by_key: HashMap<Arc<str>, RoomId>,
    /// By number. What is empty is free.
    rooms: Vec<Option<Room>>,
    free: Vec<RoomId>,
    /// Rooms that nobody is in but that have a history, in order of being left.
    left: BTreeMap<u64, RoomId>,
    /// Counts up with each room that is left or made.
    turns: u64,
    /// Bytes of all histories.
    bytes: usize,
    /// What the names of numberings begin with.
    token: Box<str>,
    /// Messages that were forgotten before their room got its past.
    unkept: u64,
}

/// What was said in a room before it got its past.
#[derive(Debug)]
pub(super) struct Meanwhile {
    /// As it is numbered now.
    pub(super) said: Vec<StoredMessage>,
    /// So many more were said before these, and are forgotten.
    pub(super) forgotten: u64,
}

impl Rooms {
    /// The lobby.
    pub(super) fn new(token: &str) -> Self {
        let mut rooms = Self {
            by_key: HashMap::new(),
            rooms: Vec::new(),
            free: Vec::new(),
            left: BTreeMap::new(),
            turns: 0,
            bytes: 0,
            token: token.into(),
            unkept: 0,
        };
        rooms.add(&RoomName::lobby());
        rooms
    }

    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id.index())?.as_mut()
    }

    /// Every room.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter().flatten()
    }

    pub(super) fn find(&self, key: &str) -> Option<RoomId> {
        self.by_key.get(key).copied()
    }

    /// The room of that name, which is made if there is none; `None` if there are too many.
    pub(super) fn open(&mut self, name: &RoomName, rules: &Rules) -> Option<RoomId> {
        match self.find(name.key()) {
            Some(id) => Some(id),
            None => self.make(name, rules),
        }
    }

    /// Whether nobody has said yet what was before this process began.
    pub(super) fn lacks(&self, key: &str) -> bool {
        self.find(key).and_then(|id| self.get(id)).is_none_or(|room| !room.is_restored())
    }

    /// Gives a room its past, unless it has one. What was said in it comes behind that.
    pub(super) fn restore(
        &mut self,
        name: &RoomName,
        past: RoomSnapshot,
        rules: &Rules,
    ) -> Option<(RoomId, Meanwhile)> {
        if !self.lacks(name.key()) {
            return None;
        }
        let id = self.open(name, rules)?;
        let room = self.get_mut(id)?;
        let begun = room.restore(past);
        let (before, forgotten) = (begun.bytes(), begun.forgotten());
        let said: Vec<StoredMessage> =
            begun.into_entries().zip(room.log.next()..).map(|(said, seq)| StoredMessage { seq, ..said }).collect();
        said.iter().for_each(|entry| room.log.push(entry.clone()));
        self.bytes = self.bytes + self.get(id)?.log.bytes() - before;
        self.unkept += forgotten;
        self.keep_bounds(id, rules);
        self.left(id);
        Some((id, Meanwhile { said, forgotten }))
    }

    /// How many messages were forgotten before their room got its past, since this was asked last.
    pub(super) fn take_unkept(&mut self) -> u64 {
        std::mem::take(&mut self.unkept)
    }

    /// Somebody came in: the room is not one of those that may be forgotten.
    pub(super) fn entered(&mut self, id: RoomId) {
        let turn = self.get_mut(id).and_then(|room| room.left.take());
        turn.and_then(|turn| self.left.remove(&turn));
    }

    /// Somebody went. A room without people and past is no room; one without people waits to be forgotten.
    pub(super) fn left(&mut self, id: RoomId) {
        self.turns += 1;
        let turn = self.turns;
        let goes = |room: &&mut Room| room.is_empty() && room.left.is_none() && id != RoomId::LOBBY;
        let Some(room) = self.get_mut(id).filter(goes) else { return };
        if !room.has_past() {
            return self.forget(id);
        }
        room.left = Some(turn);
        self.left.insert(turn, id);
    }

    /// Adds what was said to a room's log.
    pub(super) fn record(&mut self, id: RoomId, entry: StoredMessage, rules: &Rules) {
        if let Some(room) = self.get_mut(id) {
            let size = entry.size();
            room.log.push(entry);
            self.bytes += size;
            self.keep_bounds(id, rules);
        }
    }

    /// A new room, for which the one that is empty for the longest time must go if there are too many.
    fn make(&mut self, name: &RoomName, rules: &Rules) -> Option<RoomId> {
        while self.by_key.len() >= rules.rooms.max(1) {
            let (_, oldest) = self.left.pop_first()?;
            self.forget(oldest);
        }
        Some(self.add(name))
    }

    fn add(&mut self, name: &RoomName) -> RoomId {
        self.turns += 1;
        let token = format!("{}{}", self.token, base36(self.turns)).into();
        let id = self.free.pop().unwrap_or(RoomId::at(self.rooms.len()));
        self.rooms.resize_with(self.rooms.len().max(id.index() + 1), || None);
        self.rooms[id.index()] = Some(Room::new(name, token));
        self.by_key.insert(name.key().clone(), id);
        id
    }

    fn forget(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(id.index()).and_then(Option::take) {
            self.bytes -= room.log.bytes();
            self.unkept += if room.is_restored() { 0 } else { room.log.last() };
            self.by_key.remove(room.name.key());
            self.free.push(id);
        }
    }

    /// One room's bounds, then those of all: the largest history pays, lest many messages in one room cost all others
    /// their past.
    fn keep_bounds(&mut self, id: RoomId, rules: &Rules) {
        self.shrink(id, rules.room_messages, rules.room_bytes);
        while self.bytes > rules.history_bytes {
            let sizes = self.rooms.iter().enumerate().filter_map(|(at, room)| Some((room.as_ref()?.log.bytes(), at)));
            let Some((size, largest)) = sizes.max().filter(|(size, _)| *size > 0) else { return };
            self.shrink(RoomId::at(largest), usize::MAX, size - size.div_ceil(SHED));
        }
    }

    fn shrink(&mut self, id: RoomId, messages: usize, bytes: usize) {
        if let Some(room) = self.get_mut(id) {
            let before = room.log.bytes();
            room.log.shrink(messages, bytes);
            self.bytes -= before - self.get(id).map_or(0, |room| room.log.bytes());
        }
    }
}

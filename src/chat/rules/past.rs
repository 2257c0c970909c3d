//! What an archive knows of a room: given before somebody enters it, or later, if the archive did not answer in time.
//!
//! Owns what becomes of what was said meanwhile: it comes behind what the archive has, under new numbers, and is stored.
//! Whoever is in the room is told which numbers those are.

use super::rooms::Meanwhile;
use super::{Chat, Output, RoomName, RoomSnapshot, send};
use crate::chat::protocol::{ServerMessage, UserId};

impl Chat {
    /// Whether [`restore`](Self::restore) is wanted before somebody enters that room.
    #[must_use]
    pub fn lacks_past(&self, room: &RoomName) -> bool {
        self.rules.archive && self.rooms.lacks(room.key())
    }

    /// Rooms that have begun without the past that an archive may have of them: [`restore`](Self::restore) is wanted as
    /// soon as it answers. Nothing of theirs is stored before that; they keep in memory what all rooms do.
    pub fn unrestored(&self) -> impl Iterator<Item = &RoomName> {
        self.rooms.iter().filter(|room| self.rules.archive && room.has_begun_anew()).map(|room| &room.name)
    }

    /// Gives a room the past that an archive has of it. What was said in it before that comes behind it: it is numbered anew,
    /// and stored. If it has a past, or there are too many rooms, nothing changes.
    pub fn restore(&mut self, room: &RoomName, past: RoomSnapshot, out: &mut Vec<Output>) {
        let first = past.last;
        let Some((id, Meanwhile { said, forgotten })) = self.rooms.restore(room, past, &self.rules) else { return };
        if self.rules.archive {
            out.extend(said.into_iter().map(Output::Store));
        }
        let members: Vec<UserId> = self.members(id).collect();
        let Some(place) = self.rooms.get(id) else { return };
        let (seq, log) = (place.log.last(), place.log.token());
        out.extend(members.iter().map(|id| send(*id, ServerMessage::Id { id: *id, seq, log: log.clone() })));
        for behind in self.behind.iter_mut().filter(|behind| members.contains(&behind.id)) {
            behind.told = first + behind.told.saturating_sub(forgotten);
        }
    }

    /// How many messages will never be stored, though [`Rules::archive`](super::Rules::archive) is set, since no archive
    /// answered before they were forgotten; counted from the last call on.
    pub fn take_unkept(&mut self) -> u64 {
        self.rooms.take_unkept()
    }
}

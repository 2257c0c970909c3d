//! Names of users who lost their connection: for a while, only these users can have them.

use super::{events::RoomId, names::Name};
use crate::chat::protocol::{Millis, ResumeToken, UserId};
use std::collections::{HashMap, VecDeque};

/// How long a name stays reserved.
const RESERVED_FOR: Millis = 60_000;

/// The most reservations of all rooms. Beyond that, the oldest ones end early.
const MAX_RESERVATIONS: usize = 16_384;

#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) room: RoomId,
    pub(super) name: Name,
    token: ResumeToken,
}

/// The reserved names of all rooms.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    by_id: HashMap<UserId, Reservation>,
    /// When each one ends, the oldest first. Those that were taken are still here.
    ends: VecDeque<(Millis, UserId)>,
}

impl Reservations {
    /// Reserves the name for the holder of the token.
    pub(super) fn add(&mut self, now: Millis, room: RoomId, name: Name, token: ResumeToken) {
        self.ends.push_back((now.saturating_add(RESERVED_FOR), token.id));
        self.by_id.insert(token.id, Reservation { room, name, token });
    }

    /// Removes a reservation that ended, if there is one.
    pub(super) fn take_ended(&mut self, now: Millis) -> Option<Reservation> {
        loop {
            let (end, id) = *self.ends.front()?;
            if end > now && self.ends.len() <= MAX_RESERVATIONS {
                return None;
            }
            self.ends.pop_front();
            if let Some(ended) = self.by_id.remove(&id) {
                return Some(ended);
            }
        }
    }

    /// Removes the reservation in this room with this token. Returns its name.
    pub(super) fn take(&mut self, room: RoomId, token: ResumeToken) -> Option<Name> {
        self.by_id.get(&token.id).filter(|reservation| (reservation.room, reservation.token) == (room, token))?;
        self.by_id.remove(&token.id).map(|reservation| reservation.name)
    }
}

//! Names of users who lost their connection: for a while, only these users can have them.

use super::{Chat, ClientInfo, RoomId, names::Name};
use crate::chat::protocol::{Millis, ResumeToken};
use crate::ws::network::largest_counted;

/// How long a name stays reserved.
const RESERVED_FOR: Millis = 60_000;

/// The most reservations of all rooms. Beyond that, the oldest ones end early.
const MAX_RESERVATIONS: usize = 16_384;

/// The most of them in one room.
const MAX_PER_ROOM: usize = 1024;

/// The most of them for clients of one network, which could otherwise use up those of a room.
const MAX_PER_NETWORK: usize = 256;

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Reservation {
    ends: Millis,
    room: RoomId,
    name: Name,
    /// The earlier connection.
    client: ClientInfo,
}

impl Chat {
    /// Reserves the name of a client whose connection was lost, unless there are too many reservations.
    pub(super) fn reserve(&mut self, room_id: RoomId, name: Name, client: ClientInfo) {
        let network = network_of(client);
        let count = |fits: &dyn Fn(&Reservation) -> bool| self.reservations.iter().filter(|other| fits(other)).count();
        let is_full = count(&|other| network.is_some() && network_of(other.client) == network) >= MAX_PER_NETWORK
            || count(&|other| other.room == room_id) >= MAX_PER_ROOM;
        let Some(room) = self.rooms.get_mut(room_id).filter(|_| !is_full) else { return };
        room.holders.insert(name.key.clone(), client.id);
        let ends = self.now.uptime.saturating_add(RESERVED_FOR);
        self.reservations.push_back(Reservation { ends, room: room_id, name, client });
    }

    pub(super) fn end_reservations(&mut self) {
        let has_too_many = |chat: &Self| chat.reservations.len() > MAX_RESERVATIONS;
        while self.reservations.front().is_some_and(|first| first.ends <= self.now.uptime || has_too_many(self)) {
            let Some(Reservation { room, name, .. }) = self.reservations.pop_front() else { return };
            self.free_name(room, &name);
            self.release_room(room);
        }
    }

    /// Ends the reservation in this room with this token. Returns its name, which is free.
    pub(super) fn take_reservation(&mut self, room: RoomId, token: ResumeToken) -> Option<Name> {
        let is_it =
            |other: &Reservation| (other.room, other.client.id, other.client.secret) == (room, token.id, token.secret);
        let place = self.reservations.iter().position(is_it)?;
        let name = self.reservations.remove(place)?.name;
        self.free_name(room, &name);
        Some(name)
    }

    fn free_name(&mut self, room: RoomId, name: &Name) {
        self.rooms.get_mut(room).and_then(|room| room.holders.remove(&name.key));
    }
}

fn network_of(client: ClientInfo) -> Option<u128> {
    client.counted_address().map(largest_counted)
}

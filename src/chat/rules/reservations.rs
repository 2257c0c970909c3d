//! Names of users who lost their connection: for a while, only these users can have them.

use super::{events::RoomId, names::Name};
use crate::chat::protocol::{Millis, ResumeToken};
use std::collections::VecDeque;

/// How long a name stays reserved.
const RESERVED_FOR: Millis = 60_000;

/// The most reservations of all rooms. Beyond that, the oldest ones end early.
const MAX_RESERVATIONS: usize = 16_384;

#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Reservation {
    pub(super) room: RoomId,
    pub(super) name: Name,
    token: ResumeToken,
}

/// The reserved names of all rooms.
#[derive(Debug, Default)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Reservations {
    /// With the time at which each one ends, the oldest first. `None`: it was taken.
    by_end: VecDeque<(Millis, Option<Reservation>)>,
}

impl Reservations {
    /// Reserves the name for the holder of the token.
    pub(super) fn add(&mut self, now: Millis, room: RoomId, name: Name, token: ResumeToken) {
        self.by_end.push_back((now.saturating_add(RESERVED_FOR), Some(Reservation { room, name, token })));
    }

    /// Removes a reservation that ended, if there is one.
    pub(super) fn take_ended(&mut self, now: Millis) -> Option<Reservation> {
        loop {
            let (end, _) = self.by_end.front()?;
            if *end > now && self.by_end.len() <= MAX_RESERVATIONS {
                return None;
            }
            if let Some((_, Some(ended))) = self.by_end.pop_front() {
                return Some(ended);
            }
        }
    }

    /// Removes the reservation in this room with this token. Returns its name.
    pub(super) fn take(&mut self, room: RoomId, token: ResumeToken) -> Option<Name> {
        let fits = |reservation: &mut Reservation| (reservation.room, reservation.token) == (room, token);
        let taken = self.by_end.iter_mut().find_map(|(_, reservation)| reservation.take_if(fits))?;
        Some(taken.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::UserId;

    fn add(reservations: &mut Reservations, now: Millis, id: UserId) {
        reservations.add(now, RoomId::LOBBY, Name::guest(), token(id));
    }

    fn token(id: UserId) -> ResumeToken {
        ResumeToken { id, secret: u128::from(id) }
    }

    fn ended(reservations: &mut Reservations, now: Millis) -> Vec<UserId> {
        std::iter::from_fn(|| reservations.take_ended(now)).map(|ended| ended.token.id).collect()
    }

    #[test]
    fn reservations_end_in_order_after_a_minute() {
        let mut reservations = Reservations::default();
        for (now, id) in [(0, 7), (1, 3), (1, 5), (2, 4)] {
            add(&mut reservations, now, id);
        }
        assert!(reservations.take(RoomId::LOBBY, token(5)).is_some());
        assert!(reservations.take(RoomId::LOBBY, token(5)).is_none());
        for (now, ids) in [(59_999, &[][..]), (60_000, &[7]), (60_001, &[3]), (60_001, &[]), (100_000, &[4])] {
            assert_eq!(ended(&mut reservations, now), ids, "at {now}");
        }
        assert!(reservations.by_end.is_empty());
    }

    #[test]
    fn oldest_reservations_end_early_beyond_the_bound() {
        let mut reservations = Reservations::default();
        for id in 0..MAX_RESERVATIONS as UserId {
            add(&mut reservations, id, id);
        }
        assert_eq!(ended(&mut reservations, 0), [0; 0]);
        add(&mut reservations, 20_000, 20_000);
        add(&mut reservations, 20_000, 20_001);
        assert_eq!(ended(&mut reservations, 20_000), [0, 1]);
    }
}

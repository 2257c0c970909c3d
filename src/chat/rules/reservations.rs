//! Names of users who lost their connection: for a while, only these users can have them.

use super::{events::RoomId, names::Name};
use crate::{
    chat::protocol::{Millis, ResumeToken, UserId},
    ws::{id_map::IdMap, network::largest_counted},
};
use core::net::IpAddr;
use std::collections::{HashMap, VecDeque};

/// How long a name stays reserved.
const RESERVED_FOR: Millis = 60_000;

/// The most reservations of all rooms. Beyond that, the oldest ones end early.
const MAX_RESERVATIONS: usize = 16_384;

/// The most of them for clients of one network, which could otherwise use up those of a room.
const MAX_PER_NETWORK: usize = 256;

#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Reservation {
    pub(super) room: RoomId,
    pub(super) name: Name,
    secret: u128,
    network: Option<u128>,
}

/// The reserved names of all rooms.
#[derive(Debug, Default)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Reservations {
    /// By the ids in their tokens. (Boxed, because adding one moves many.)
    by_id: IdMap<UserId, Box<Reservation>>,
    /// The time at which each one ends, and its id, the oldest first. It may have been taken.
    by_end: VecDeque<(Millis, UserId)>,
    per_network: HashMap<u128, usize>,
}

impl Reservations {
    /// Whether a client with this address may have one more.
    pub(super) fn may_add(&self, address: Option<IpAddr>) -> bool {
        let count = address.and_then(|address| self.per_network.get(&largest_counted(address)));
        count.is_none_or(|count| *count < MAX_PER_NETWORK)
    }

    /// Reserves the name for the holder of the token, a client with this address.
    pub(super) fn add(&mut self, now: Millis, room: RoomId, name: Name, token: ResumeToken, address: Option<IpAddr>) {
        let network = address.map(largest_counted);
        network.into_iter().for_each(|network| *self.per_network.entry(network).or_default() += 1);
        self.by_end.push_back((now.saturating_add(RESERVED_FOR), token.id));
        self.by_id.insert(token.id, Box::new(Reservation { room, name, secret: token.secret, network }));
    }

    /// Removes a reservation that ended, if there is one.
    pub(super) fn take_ended(&mut self, now: Millis) -> Option<Reservation> {
        loop {
            let (end, id) = *self.by_end.front()?;
            if end > now && self.by_end.len() <= MAX_RESERVATIONS {
                return None;
            }
            self.by_end.pop_front();
            if let Some(ended) = self.remove(id) {
                return Some(ended);
            }
        }
    }

    /// Removes the reservation in this room with this token. Returns its name.
    pub(super) fn take(&mut self, room: RoomId, token: ResumeToken) -> Option<Name> {
        let found = self.by_id.get(token.id)?;
        let fits = (found.room, found.secret) == (room, token.secret);
        if fits { self.remove(token.id).map(|taken| taken.name) } else { None }
    }

    fn remove(&mut self, id: UserId) -> Option<Reservation> {
        let removed = *self.by_id.remove(id)?;
        if let Some(network) = removed.network {
            let count = self.per_network.remove(&network).unwrap_or_default();
            if count > 1 {
                self.per_network.insert(network, count - 1);
            }
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::UserId;

    fn add(reservations: &mut Reservations, now: Millis, id: UserId) {
        reservations.add(now, RoomId::LOBBY, Name::guest(), token(id), None);
    }

    fn token(id: UserId) -> ResumeToken {
        ResumeToken { id, secret: u128::from(id) + 1 }
    }

    fn ended(reservations: &mut Reservations, now: Millis) -> Vec<UserId> {
        std::iter::from_fn(|| reservations.take_ended(now)).map(|ended| ended.secret as UserId - 1).collect()
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
    fn network_has_at_most_so_many_reservations() {
        for (addresses, step) in [(1, 0_u128), (1 << 16, 1 << 64), (1 << 16, 1)] {
            let mut reservations = Reservations::default();
            let address = |id: UserId| {
                let number = u128::from(id) % addresses * step;
                Some(IpAddr::from(((0x2001_0db8_u128 << 96) | number).to_be_bytes()))
            };
            for id in 0..1000 {
                if reservations.may_add(address(id)) {
                    reservations.add(0, RoomId::LOBBY, Name::guest(), token(id), address(id));
                }
            }
            assert_eq!(reservations.by_id.len(), MAX_PER_NETWORK);
            assert!(reservations.may_add("2001:db9::1".parse().ok()) && reservations.may_add(None));
            assert!(reservations.take(RoomId::LOBBY, token(3)).is_some() && reservations.may_add(address(3)));
            assert_eq!(ended(&mut reservations, RESERVED_FOR).len(), MAX_PER_NETWORK - 1);
            assert!(reservations.per_network.is_empty());
        }
    }

    #[test]
    fn wrong_token_takes_nothing() {
        let mut reservations = Reservations::default();
        add(&mut reservations, 0, 5);
        for (room, id, secret) in [(RoomId::LOBBY, 5, 5), (RoomId::LOBBY, 6, 6), (RoomId::LOBBY, 4, 6)] {
            assert!(reservations.take(room, ResumeToken { id, secret }).is_none(), "{id} {secret}");
        }
        assert!(reservations.take(RoomId::LOBBY, token(5)).is_some());
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

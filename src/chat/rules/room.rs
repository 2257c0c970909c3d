//! A room: who is in it, in which order, under which name, and what was said.
//!
//! Owns seats and names; `lists.rs` says when its user list is due, `log.rs` keeps what was said. Knows nothing of
//! dialects, limits on talking, or how anything is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::events::RoomSnapshot;
use super::lists::Lists;
use super::log::Log;
use super::names::Name;
use super::room_name::RoomName;
use super::rules::Rules;
use super::taken::Taken;
use crate::chat::protocol::{self, Millis, UserId};

/// A place in a room, numbered in order of joining.
pub(super) type Seat = u64;

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    /// As the first one wrote it who came.
    pub(super) name: RoomName,
    pub(super) log: Log,
    /// Its turn to be forgotten, while nobody is in it.
    pub(super) left: Option<u64>,
    /// Whether its past was looked up.
    restored: bool,
    seats: BTreeMap<Seat, User>,
    next_seat: Seat,
    taken: Taken,
    lists: Lists,
}

/// Who sits there.
#[derive(Debug)]
struct User {
    id: UserId,
    name: Option<Name>,
}

/// The answer to a request for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// The name that was given.
    pub(super) name: protocol::Name,
    /// Whether it is the one that was asked for, less the white space around it.
    pub(super) as_asked: bool,
}

impl Room {
    /// Nobody is in it, and nothing was said.
    pub(super) fn new(name: &RoomName, token: Arc<str>) -> Self {
        Self {
            name: name.clone(),
            log: Log::new(token),
            left: None,
            restored: false,
            seats: BTreeMap::new(),
            next_seat: 0,
            taken: Taken::default(),
            lists: Lists::default(),
        }
    }

    /// What was said before this process began; and what the room has had until now.
    pub(super) fn restore(&mut self, past: RoomSnapshot) -> Log {
        self.restored = true;
        std::mem::replace(&mut self.log, Log::restored(past))
    }

    /// Whether its past was looked up.
    pub(super) fn is_restored(&self) -> bool {
        self.restored
    }

    /// Whether it is used though its past was not looked up.
    pub(super) fn has_begun_anew(&self) -> bool {
        !self.restored && (!self.is_empty() || self.log.last() > 0)
    }

    /// Whether there is a reason to remember it when nobody is in it.
    pub(super) fn has_past(&self) -> bool {
        self.restored || self.log.last() > 0
    }

    /// Whether nobody is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// How many are in it, named or not.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// How many have a name.
    pub(super) fn named(&self) -> usize {
        self.taken.len()
    }

    /// A new connection, without a name yet.
    pub(super) fn enter(&mut self, id: UserId) -> Seat {
        let seat = self.next_seat;
        self.next_seat += 1;
        self.seats.insert(seat, User { id, name: None });
        seat
    }

    /// Frees the seat; the name that its user had.
    pub(super) fn leave(&mut self, seat: Seat) -> Option<protocol::Name> {
        let name = self.seats.remove(&seat)?.name?;
        self.taken.release(&name);
        if self.is_empty() {
            // What it knew about names is worth nothing any more.
            self.taken = Taken::default();
        }
        self.lists.changed();
        Some(name.shown)
    }

    /// Gives the user the name, or the one nearest to it that is allowed and free.
    ///
    /// The old name is free before the new one is looked for: one's own name is not taken.
    pub(super) fn rename(&mut self, seat: Seat, asked: &str, max: usize) -> Option<Granted> {
        let user = self.seats.get_mut(&seat)?;
        if let Some(old) = user.name.take() {
            self.taken.release(&old);
        }
        let wanted = Name::new(asked, max).unwrap_or_else(Name::guest);
        let name = self.taken.claim(&wanted, max, seat);
        let granted = Granted { name: name.shown.clone(), as_asked: *name.shown == *asked.trim() };
        user.name = Some(name);
        self.lists.changed();
        Some(granted)
    }

    /// The name of the user on this seat, if it has one.
    pub(super) fn name_of(&self, seat: Seat) -> Option<&protocol::Name> {
        Some(&self.seats.get(&seat)?.name.as_ref()?.shown)
    }

    /// The user whose name compares equal to this one, which has at most `max` characters.
    pub(super) fn find(&self, name: &str, max: usize) -> Option<(UserId, &protocol::Name)> {
        let user = self.seats.get(&self.taken.holder(&Name::new(name, max)?.key)?)?;
        Some((user.id, &user.name.as_ref()?.shown))
    }

    /// The connections in the room, in order of joining.
    pub(super) fn members(&self) -> impl Iterator<Item = UserId> + '_ {
        self.seats.values().map(|user| user.id)
    }

    /// The names of the users, in order of joining.
    pub(super) fn users(&self) -> Arc<[protocol::Name]> {
        self.seats.values().filter_map(|user| Some(user.name.as_ref()?.shown.clone())).collect()
    }

    /// The user list, if one waits and the last one is long enough ago. It counts as sent.
    pub(super) fn take_list(&mut self, now: Millis, rules: &Rules) -> Option<Arc<[protocol::Name]>> {
        if !self.lists.is_due(now, rules) {
            return None;
        }
        let users = self.users();
        self.lists.sent(now, size(&users), rules);
        Some(users)
    }

    /// When the list that waits may be sent.
    pub(super) fn list_due(&self, rules: &Rules) -> Option<Millis> {
        self.lists.due(rules)
    }
}

/// What a list costs each member: its names, each in quotation marks and with a comma.
fn size(users: &[protocol::Name]) -> usize {
    users.iter().map(|name| name.len() + 3).sum()
}

//! One room: its members, their names, and its messages.

use super::{message_log::MessageLog, names::MAX_CHARS, names::Name, room_name::RoomName, throttle::UserListThrottle};
use crate::chat::protocol::{self, Millis, ServerMessage, UserId};
use crate::{ws::id_map::IdMap, ws::rate_limiter::RateLimiter};
use std::{collections::HashMap, sync::Arc};

/// The most digits after a name, enough for any number of users.
const MAX_DIGITS: usize = 9;

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Room {
    /// As the first user wrote it.
    pub(super) name: RoomName,
    pub(super) log: MessageLog,
    /// The connections in the room, the oldest first, with their names.
    pub(super) members: IdMap<UserId, Option<Name>>,
    /// The user that has the name with this key, or for whom it is reserved.
    pub(super) holders: HashMap<Arc<str>, UserId>,
    /// Whether the archive's snapshot is in the log.
    pub(super) is_restored: bool,
    /// While the room is empty: a number that grows with the time at which the last user left.
    pub(super) empty_since: Option<u64>,
    #[serde(skip)]
    pub(super) list: UserListThrottle,
    /// What all its members have sent to it.
    pub(super) limiter: RateLimiter,
    /// When the last message without a connection was sent.
    pub(super) posted_at: Option<Millis>,
    /// Whether the archive knows the name of the numbering.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    pub(super) is_log_known: bool,
}

impl Room {
    pub(super) fn new(name: RoomName, log_id: Arc<str>) -> Self {
        Self { name, log: MessageLog { log_id, ..MessageLog::default() }, ..Self::default() }
    }

    /// Removes a connection and returns the name of its user, which is free.
    pub(super) fn leave(&mut self, id: UserId) -> Option<Name> {
        let name = self.members.remove(id)??;
        self.holders.remove(&name.key);
        self.list.is_pending = true;
        Some(name)
    }

    /// Gives the user this name, or `own` if it is taken or `None`, or the one nearest to it that is allowed and free.
    ///
    /// The old name is free before the new one is chosen, so that a user's own name does not count as taken.
    pub(super) fn rename(&mut self, id: UserId, asked: Option<Name>, own: Option<Name>) -> Option<protocol::Name> {
        if let Some(old) = self.members.get_mut(id)?.take() {
            self.holders.remove(&old.key);
        }
        let is_free = asked.as_ref().is_some_and(|asked| !self.holders.contains_key(&asked.key));
        let wanted = if is_free { asked } else { own.or(asked) }.unwrap_or_else(Name::guest);
        let granted = self.free_name(&wanted);
        let shown = granted.shown.clone();
        self.holders.insert(granted.key.clone(), id);
        self.members.insert(id, Some(granted));
        self.list.is_pending = true;
        Some(shown)
    }

    /// The name, or the one with the smallest number that makes it free. In a room of users with the same wish, the search
    /// takes less time than sending the name to all of them.
    pub(super) fn free_name(&self, wanted: &Name) -> Name {
        if !self.holders.contains_key(&wanted.key) {
            return wanted.clone();
        }
        // If one digit leaves no stem, more digits are not tried.
        (0..MAX_DIGITS)
            .map_while(|digits| Some((10_u32.pow(digits as u32), wanted.stem(digits + 1, MAX_CHARS)?)))
            .find_map(|(first, stem)| {
                let is_free = |number: &u32| !self.holders.contains_key(&*format!("{}{number}", stem.key));
                (first..first * 10).find(is_free).map(|number| stem.numbered(number))
            })
            .unwrap_or_else(|| self.free_name(&Name::guest()))
    }

    pub(super) fn name_of(&self, id: UserId) -> Option<&Name> {
        self.members.get(id)?.as_ref()
    }

    /// The user whose name compares equal to this one.
    pub(super) fn find(&self, name: &str) -> Option<UserId> {
        self.holders.get(&Name::new(name, MAX_CHARS)?.key).copied()
    }

    /// The users with a name, the oldest connection first.
    pub(super) fn users(&self) -> impl Iterator<Item = (UserId, &protocol::Name)> {
        self.members.iter().filter_map(|(id, name)| Some((id, &name.as_ref()?.shown)))
    }

    pub(super) fn user_list(&self) -> ServerMessage {
        ServerMessage::UserList { users: self.user_names(), ids: Some(self.users().map(|(id, _)| id).collect()) }
    }

    pub(super) fn user_names(&self) -> Arc<[protocol::Name]> {
        self.users().map(|(_, name)| name.clone()).collect()
    }

    /// Bytes of the users in the list: each name is in quotation marks, with a comma, and each id has a comma.
    pub(super) fn user_list_size(&self) -> usize {
        self.users().map(|(id, name)| name.len() + 3 + id.checked_ilog10().unwrap_or(0) as usize + 2).sum()
    }
}

#[cfg(test)]
mod tests;

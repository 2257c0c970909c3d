//! One room: its members, their names, and its messages.

use super::{
    limits::Rules, message_log::MessageLog, name_registry::NameRegistry, names::Name, room_name::RoomName,
    throttle::UserListThrottle,
};
use crate::{
    chat::protocol::{self, Millis, UserId},
    ws::rate_limiter::RateLimiter,
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug)]
pub(super) struct Room {
    /// As the first user wrote it.
    pub(super) name: RoomName,
    pub(super) log: MessageLog,
    /// The connections in the room, the oldest first, with their names.
    pub(super) members: BTreeMap<UserId, Option<Name>>,
    /// Whether the archive's snapshot is in the log.
    pub(super) is_restored: bool,
    /// While the room is empty: a number that grows with the time at which the last user left.
    pub(super) empty_since: Option<u64>,
    pub(super) names: NameRegistry,
    pub(super) list: UserListThrottle,
    /// What all its members have sent to it.
    pub(super) limiter: RateLimiter,
}

impl Room {
    pub(super) fn new(name: RoomName, log_id: Arc<str>) -> Self {
        Self {
            name,
            log: MessageLog::new(log_id),
            members: BTreeMap::new(),
            is_restored: false,
            empty_since: None,
            names: NameRegistry::default(),
            list: UserListThrottle::default(),
            limiter: RateLimiter::default(),
        }
    }

    /// Adds a connection, without a name yet.
    pub(super) fn enter(&mut self, id: UserId) {
        self.members.insert(id, None);
        self.empty_since = None;
    }

    /// Removes a connection and returns the name of its user.
    pub(super) fn leave(&mut self, id: UserId) -> Option<protocol::Name> {
        let name = self.members.remove(&id)??;
        self.names.release(&name);
        if self.members.is_empty() {
            // Frees the memory that is of use only while names are taken.
            self.names = NameRegistry::default();
        }
        self.list.mark_changed();
        Some(name.shown)
    }

    /// Gives the user this name, or the one nearest to it that is allowed and free.
    ///
    /// The old name is free before the new one is chosen, so that a user's own name does not count as taken.
    pub(super) fn rename(&mut self, id: UserId, asked: &str, max_chars: usize) -> Option<protocol::Name> {
        let name = self.members.get_mut(&id)?;
        if let Some(old) = name.take() {
            self.names.release(&old);
        }
        let wanted = Name::new(asked, max_chars).unwrap_or_else(Name::guest);
        let granted = name.insert(self.names.claim(&wanted, max_chars, id)).shown.clone();
        self.list.mark_changed();
        Some(granted)
    }

    pub(super) fn name_of(&self, id: UserId) -> Option<&protocol::Name> {
        Some(&self.members.get(&id)?.as_ref()?.shown)
    }

    /// The user whose name compares equal to this one, which has at most `max_chars` characters.
    pub(super) fn find(&self, name: &str, max_chars: usize) -> Option<(UserId, &protocol::Name)> {
        let id = self.names.holder(&Name::new(name, max_chars)?.key)?;
        Some((id, self.name_of(id)?))
    }

    /// The names of the users, the oldest connection first.
    pub(super) fn user_names(&self) -> Arc<[protocol::Name]> {
        self.members.values().flatten().map(|name| name.shown.clone()).collect()
    }

    /// The user list, if one is due. It counts as sent.
    pub(super) fn take_list(&mut self, now: Millis, rules: &Rules) -> Option<Arc<[protocol::Name]>> {
        self.list.due().filter(|due| *due <= now)?;
        let names = self.user_names();
        // Each name is in quotation marks, with a comma.
        let bytes = names.iter().map(|name| name.len() + 3).sum();
        self.list.mark_sent(now, bytes, rules);
        Some(names)
    }
}

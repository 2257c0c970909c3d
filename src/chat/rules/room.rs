//! One room: its members, their names, and its messages.

use super::{
    limits::Rules, message_log::MessageLog, name_registry::NameRegistry, names::Name, room_name::RoomName,
    throttle::UserListThrottle,
};
use crate::{
    chat::protocol::{self, Millis, ServerMessage, UserId},
    ws::id_map::IdMap,
    ws::rate_limiter::RateLimiter,
};
use std::sync::Arc;

#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct Room {
    /// As the first user wrote it.
    pub(super) name: RoomName,
    pub(super) log: MessageLog,
    /// The connections in the room, the oldest first, with their names.
    pub(super) members: IdMap<UserId, Option<Name>>,
    /// Whether the archive's snapshot is in the log.
    pub(super) is_restored: bool,
    /// While the room is empty: a number that grows with the time at which the last user left.
    pub(super) empty_since: Option<u64>,
    pub(super) names: NameRegistry,
    #[cfg_attr(feature = "cluster", serde(skip))]
    pub(super) list: UserListThrottle,
    /// What all its members have sent to it.
    pub(super) limiter: RateLimiter,
    /// In a slow room: when a message without a connection may be sent again.
    pub(super) next_post: Millis,
}

impl Room {
    pub(super) fn new(name: RoomName, log_id: Arc<str>) -> Self {
        Self {
            name,
            log: MessageLog::new(log_id),
            members: IdMap::default(),
            is_restored: false,
            empty_since: None,
            names: NameRegistry::default(),
            list: UserListThrottle::default(),
            limiter: RateLimiter::default(),
            next_post: 0,
        }
    }

    /// Adds a connection, without a name yet.
    pub(super) fn enter(&mut self, id: UserId) {
        self.members.insert(id, None);
        self.empty_since = None;
    }

    /// Removes a connection and returns the name of its user, which is still taken.
    pub(super) fn leave(&mut self, id: UserId) -> Option<Name> {
        let name = self.members.remove(id)??;
        self.list.mark_changed();
        Some(name)
    }

    /// Gives the user this name, or `own` if it is taken or `None`, or the one nearest to it that is allowed and free.
    ///
    /// The old name is free before the new one is chosen, so that a user's own name does not count as taken.
    pub(super) fn rename(
        &mut self,
        id: UserId,
        asked: Option<Name>,
        own: Option<Name>,
        max_chars: usize,
    ) -> Option<protocol::Name> {
        let name = self.members.get_mut(id)?;
        if let Some(old) = name.take() {
            self.names.release(&old);
        }
        let is_free = asked.as_ref().is_some_and(|asked| self.names.holder(&asked.key).is_none());
        let wanted = if is_free { asked } else { own.or(asked) }.unwrap_or_else(Name::guest);
        let granted = name.insert(self.names.claim(&wanted, max_chars, id)).shown.clone();
        self.list.mark_changed();
        Some(granted)
    }

    pub(super) fn name_of(&self, id: UserId) -> Option<&protocol::Name> {
        Some(&self.member_name(id)?.shown)
    }

    pub(super) fn member_name(&self, id: UserId) -> Option<&Name> {
        self.members.get(id)?.as_ref()
    }

    /// The user whose name compares equal to this one, which has at most `max_chars` characters.
    pub(super) fn find(&self, name: &str, max_chars: usize) -> Option<UserId> {
        self.names.holder(&Name::new(name, max_chars)?.key)
    }

    /// The names and connections of the users, the oldest connection first.
    pub(super) fn user_list(&self) -> ServerMessage {
        let ids = self.members.iter().filter_map(|(id, name)| name.as_ref().map(|_| id)).collect();
        ServerMessage::UserList { users: self.user_names(), ids: Some(ids) }
    }

    /// The names of the users, the oldest connection first.
    pub(super) fn user_names(&self) -> Arc<[protocol::Name]> {
        self.members.iter().filter_map(|(_, name)| Some(name.as_ref()?.shown.clone())).collect()
    }

    /// The user list, if one is due. It counts as sent.
    pub(super) fn take_list(&mut self, now: Millis, rules: &Rules) -> Option<ServerMessage> {
        self.list.due().filter(|due| *due <= now)?;
        self.list.mark_sent(now, self.user_list_size(), rules);
        Some(self.user_list())
    }

    /// Bytes of the users in the list: each name is in quotation marks, with a comma, and each id has a comma.
    pub(super) fn user_list_size(&self) -> usize {
        let size = |(id, name): (UserId, &Option<Name>)| {
            name.as_ref().map_or(0, |name| name.shown.len() + 3 + id.checked_ilog10().unwrap_or(0) as usize + 2)
        };
        self.members.iter().map(size).sum()
    }
}

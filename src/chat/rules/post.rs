//! Messages without a connection: the room gets them as if a user of that name had sent them.

use super::{Chat, Now, Result, RoomName, names::Name};
use crate::chat::protocol::{ErrorReason, Post, Receipt, StoredMessage, UserId};
use core::net::IpAddr;
use std::sync::Arc;

/// The name of a sender that gives none.
const DEFAULT_NAME: &str = "guest";

/// A message to a room that is not in memory costs its address as much as one of so many bytes, because it may take the place
/// of another room. Connections, which open rooms as well, are limited to about the same rate.
const NEW_ROOM_BYTES: usize = 16 * 1024;

impl Chat {
    /// Whether an address may post a message of so many bytes now. `address` is as in
    /// [`Input::Joined`](super::Input::Joined). Must be asked before [`Input::Post`](super::Input::Post), and before the room is
    /// restored, which takes time.
    pub fn allows_post(&mut self, now: Now, address: Option<IpAddr>, room: &RoomName, bytes: usize) -> bool {
        let bytes = self.price_of_post(room, bytes);
        self.gate.allow_address(address, bytes, now.uptime)
    }

    pub(crate) fn price_of_post(&self, room: &RoomName, bytes: usize) -> usize {
        if self.find_room(room).is_none() { bytes.max(NEW_ROOM_BYTES) } else { bytes }
    }

    /// Sends a message to a room, or to one of its users. The sender has a number that no connection has, and an address, which
    /// operators may have muted.
    ///
    /// The sender is not part of the room. A name that one of its users has gets a number, as for a user who joins.
    pub(super) fn post(
        &mut self,
        id: UserId,
        address: Option<IpAddr>,
        room: &RoomName,
        post: &Post,
    ) -> Result<Receipt> {
        let requested = post.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(DEFAULT_NAME);
        let wanted = Name::of_user(requested).ok_or(ErrorReason::BadName)?;
        let text = self.clean_text(post.text.clone())?;
        self.check_post(&wanted, address, room)?;
        // The receipt says that the message is stored, and its number must not change.
        if self.needs_snapshot(room) {
            return Err(ErrorReason::Unavailable.into());
        }
        // A new room may take the place of another one, so this comes last.
        let room_id = self.open_room(room).ok_or(ErrorReason::Unavailable)?;
        if post.target.is_none() && !self.charge_room(room_id, text.len()) {
            return Err(ErrorReason::TooFast.into());
        }
        let room = self.rooms.get_mut(room_id).ok_or(ErrorReason::Unavailable)?;
        let receipt = |seq: Option<u64>, room: &RoomName, name: Arc<str>| {
            let name = Some(name).filter(|name| **name != *requested);
            Receipt { seq, room: room.shown().clone(), name }
        };
        let repeated = post.nonce.as_ref().filter(|_| post.target.is_none());
        if let Some(first) = repeated.and_then(|nonce| room.log.find_by_nonce(nonce)) {
            return Ok(receipt(Some(first.seq), &room.name, first.name.clone()));
        }
        // The room is in use, even without users.
        room.empty_since = None;
        let name = room.free_name(&wanted).shown;
        let (room_name, date, nonce) = (room.name.clone(), self.now.date, post.nonce.clone());
        let message =
            StoredMessage { room: room_name.key().clone(), name: name.clone(), text, id, date, seq: 0, nonce };
        let sent = match &post.target {
            None => Ok(Some(self.publish(room_id, message, None))),
            Some(target) => self.send_privately(room_id, &message, target).map(|()| None),
        };
        self.release_room(room_id);
        Ok(receipt(sent?, &room_name, name))
    }
}

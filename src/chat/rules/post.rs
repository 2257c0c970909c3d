//! Messages without a connection: the room gets them as if a user of that name had sent them.

use super::{Chat, Now, Output, RoomId, RoomName, names::Name};
use crate::chat::protocol::{ErrorReason, Post, ProtocolError, Receipt, StoredMessage, UserId};
use std::{mem, net::IpAddr};

/// The name of a sender that gives none.
const DEFAULT_NAME: &str = "guest";

impl Chat {
    /// Sends a message to a room, or to one of its users. What follows is appended to `out`. When all of it is done, the
    /// receipt may be sent. `id` is a number that no connection has, `address` is as in
    /// [`Input::Joined`](super::Input::Joined).
    ///
    /// The sender is not part of the room. A name that one of its users has gets a number, as for a user who joins.
    ///
    /// # Errors
    /// Why the message was rejected. Nothing was changed then.
    pub fn post(
        &mut self,
        now: Now,
        id: UserId,
        room: &RoomName,
        address: Option<IpAddr>,
        post: Post,
        out: &mut Vec<Output>,
    ) -> Result<Receipt, ProtocolError> {
        self.now = now;
        mem::swap(&mut self.out, out);
        self.end_reservations();
        let opened = self.rooms.open(room, &self.rules);
        let result = opened.ok_or(ErrorReason::Unavailable.into());
        let result = result.and_then(|room| self.post_to(room, id, address, &post));
        opened.into_iter().for_each(|room| self.rooms.release(room));
        mem::swap(&mut self.out, out);
        result.map_err(|error| error.with_nonce(post.nonce))
    }

    fn post_to(
        &mut self,
        room_id: RoomId,
        id: UserId,
        address: Option<IpAddr>,
        post: &Post,
    ) -> Result<Receipt, ProtocolError> {
        if !self.take_shared_price(address, room_id, post.text.len(), post.target.is_none()) {
            return Err(ErrorReason::TooFast.into());
        }
        let (max_chars, is_archived) = (self.max_name_chars(), self.rules.archive);
        let requested = post.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(DEFAULT_NAME);
        let wanted = Name::of_user(requested, max_chars).ok_or(ErrorReason::BadName)?;
        let text = self.clean_text(post.text.clone())?;
        // The receipt says that the message is stored, and its number must not change.
        let room = self.rooms.get_mut(room_id).filter(|room| room.is_restored || !is_archived);
        let room = room.ok_or(ErrorReason::Unavailable)?;
        let repeated = post.nonce.as_ref().filter(|_| post.target.is_none());
        let (name, first) = match repeated.and_then(|nonce| room.log.find_by_nonce(nonce)) {
            Some(first) => (first.name.clone(), Some(first.seq)),
            None => (room.names.free_name(&wanted, max_chars).shown, None),
        };
        let shown = (*name != *requested).then(|| name.clone());
        let mut receipt = Receipt { seq: first, room: room.name.shown().clone(), name: shown, ..Receipt::default() };
        if first.is_some() {
            return Ok(receipt);
        }
        // The room is in use, even without users.
        room.empty_since = None;
        let (room, date, nonce) = (room.name.key().clone(), self.now.date, post.nonce.clone());
        let message = StoredMessage { room, name, text, id, date, seq: 0, nonce };
        match &post.target {
            None => receipt.seq = Some(self.publish(room_id, message, None)),
            Some(target) => {
                let (target_id, target) = self.send_privately(room_id, &message, target)?;
                (receipt.target, receipt.target_id) = (Some(target), Some(target_id));
            }
        }
        Ok(receipt)
    }
}

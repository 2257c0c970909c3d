//! What each message does, with or without a connection. A rejected message changes nothing in the room. A rejected name is
//! replaced.

use super::{Chat, Member, Now, Output, Result, RoomId, RoomName, moderation::BANNED, names::Name, room::Room};
use crate::chat::protocol::{
    ClientMessage, ErrorReason, Post, ProtocolError, Receipt, ResumeToken, ServerMessage, StoredMessage, Target, UserId,
};
use core::net::IpAddr;
use std::sync::Arc;

/// A message to a room that is not in memory costs its address as much as one of so many bytes, because it may take the place
/// of another room. Connections, which open rooms as well, are limited to about the same rate.
const NEW_ROOM_BYTES: usize = 16 * 1024;

impl Chat {
    pub(super) fn execute(&mut self, id: UserId, message: ClientMessage) -> Result {
        match message {
            ClientMessage::SetName(name, resume) => self.set_name(id, &name, resume, true)?,
            ClientMessage::Message(post) => self.send_message(id, post)?,
            ClientMessage::Inspect(play) => self.out.push(Output::SendHandshake(id, play)),
            ClientMessage::Ping => self.out.push(Output::Send(id, ServerMessage::Pong)),
            ClientMessage::Drop => self.out.push(Output::Cut(id)),
            ClientMessage::ListUsers => {
                let users = self.room(id).map(Room::user_names);
                self.out.extend(users.map(|users| Output::Send(id, ServerMessage::Users(users))));
            }
            ClientMessage::Help => self.out.push(Output::Send(id, ServerMessage::Help)),
            ClientMessage::Quit => self.close(id, 1000, "bye", false),
            ClientMessage::Command(line) => self.command_of(id, &line)?,
        }
        Ok(())
    }

    /// Gives a member a free name. First the member is informed if that is not the name that it requested. Then the user list
    /// is broadcast, now or when it is due, and then the new name.
    ///
    /// With the token of an earlier connection, that one's name is the user's own, and not taken.
    pub(super) fn set_name(
        &mut self,
        id: UserId,
        wanted: &str,
        resume: Option<ResumeToken>,
        by_client: bool,
    ) -> Result {
        let Some(room_id) = self.room_of(id) else { return Ok(()) };
        // Otherwise a new name would end the mute.
        if self.room(id).is_some_and(|room| room.name_of(id).is_some()) && self.is_restricted(id, "mute") {
            return Err(ErrorReason::Muted.into());
        }
        let wanted = wanted.trim();
        let allowed = Name::of_user(wanted);
        let result = allowed.as_ref().map(drop).ok_or(ErrorReason::BadName.into());
        let earlier = resume.and_then(|token| Some((token.id, self.take_over(id, room_id, token)?)));
        let (was, own) = earlier.unzip();
        let name = self.rooms.get_mut(room_id).and_then(|room| room.rename(id, allowed, own));
        let Some(name) = name else { return Ok(()) };
        // An operator may have banned a network of their own, and can undo it.
        if self.is_restricted(id, "ban") && !self.members.get(id).is_some_and(|member| member.client.is_admin) {
            self.close(id, 1008, BANNED, false);
            return Ok(());
        }
        if !by_client || *name != *wanted {
            self.out.push(Output::Send(id, ServerMessage::RejectUsername { id, name: name.clone() }));
        }
        self.send_due_lists();
        let message = ServerMessage::Username { name, id, was, date: self.now.date };
        if self.received_up_to(id).is_some() {
            // It is not subscribed, but waits for this.
            self.out.push(Output::Send(id, message.clone()));
        }
        self.out.push(Output::Broadcast(room_id, message, None));
        result
    }

    /// Frees the name of the connection with this token: of one that is still here and then closed, or of one that was lost.
    fn take_over(&mut self, id: UserId, room_id: RoomId, token: ResumeToken) -> Option<Name> {
        let is_here = |member: &Member| (member.room, member.client.secret) == (room_id, token.secret);
        if id == token.id || !self.members.get(token.id).is_some_and(is_here) {
            return self.take_reservation(room_id, token);
        }
        self.room(token.id)?.name_of(token.id)?;
        self.out.push(Output::Close(token.id, 1008, "replaced by a newer connection of this user"));
        self.members.remove(token.id);
        self.gate.leave(token.id);
        self.take_catch_up(token.id);
        self.rooms.get_mut(room_id)?.leave(token.id)
    }

    /// A message to the room is numbered and recorded. If a message in memory has the same nonce, only the sender receives
    /// that one again.
    fn send_message(&mut self, id: UserId, Post { text, target, nonce, .. }: Post) -> Result {
        let room_id = self.room_of(id).ok_or(ErrorReason::NoName)?;
        let room = self.rooms.get(room_id).ok_or(ErrorReason::NoName)?;
        let name = room.name_of(id).ok_or(ErrorReason::NoName)?.shown.clone();
        let text = self.clean_text(text)?;
        let message =
            StoredMessage { room: room.name.key().clone(), name, text, id, date: self.now.date, seq: 0, nonce };
        if let Some(target) = target {
            self.check_restrictions(id, false)?;
            return self.send_privately(room_id, &message, &target);
        }
        if let Some(first) = message.nonce.as_ref().and_then(|nonce| room.log.find_by_nonce(nonce)) {
            // A connection that is catching up receives a message to the room later, in order.
            match self.catch_ups.iter_mut().find(|catch_up| catch_up.id == id && catch_up.received < first.seq) {
                Some(catch_up) if catch_up.repeated.contains(&first.seq) => {}
                Some(catch_up) => catch_up.repeated.push(first.seq),
                None => self.out.push(Output::Send(id, ServerMessage::Message(first.clone()))),
            }
            return Ok(());
        }
        self.check_restrictions(id, true)?;
        let author = Some(id).filter(|_| message.nonce.is_some() && self.received_up_to(id).is_none());
        self.publish(room_id, message, author);
        Ok(())
    }

    /// Numbers a message, records it, and sends it to the room. The author, if it is given, gets its copy with the nonce.
    /// Returns the number.
    pub(super) fn publish(&mut self, room_id: RoomId, mut message: StoredMessage, author: Option<UserId>) -> u64 {
        let Some(room) = self.rooms.get_mut(room_id) else { return 0 };
        message.seq = room.log.last + 1;
        let seq = message.seq;
        if self.rules.archive {
            self.out.push(Output::Store(message.clone()));
        }
        room.log.push(message.clone());
        self.shrink_logs(room_id);
        let others = ServerMessage::Message(StoredMessage { nonce: None, ..message.clone() });
        self.out.push(Output::Broadcast(room_id, others, author));
        self.out.extend(author.map(|author| Output::Send(author, ServerMessage::Message(message))));
        seq
    }

    /// A private message goes to its target and to its sender, once if they are the same. It has no number and is not
    /// recorded.
    pub(super) fn send_privately(&mut self, room_id: RoomId, message: &StoredMessage, target: &Target) -> Result {
        let room = self.rooms.get(room_id).ok_or(ErrorReason::NoSuchUser)?;
        let to = match target {
            Target::Name(name) => room.find(name),
            Target::Id(id) => Some(*id),
        };
        let to = to.ok_or(ErrorReason::NoSuchUser)?;
        let target = room.name_of(to).ok_or(ErrorReason::NoSuchUser)?.shown.clone();
        let copy = |is_received: bool| {
            let StoredMessage { name, text, id, date, nonce, .. } = message.clone();
            let (target, nonce) = (target.clone(), nonce.filter(|_| !is_received || to == id));
            ServerMessage::Private { name, text, id, date, target, target_id: to, is_received, nonce }
        };
        self.out.push(Output::Send(to, copy(true)));
        if to != message.id && self.members.get(message.id).is_some() {
            self.out.push(Output::Send(message.id, copy(false)));
        }
        Ok(())
    }

    /// The text with control characters replaced: they are not printable, and in JSON each would take six bytes.
    pub(super) fn clean_text(&self, text: Arc<str>) -> Result<Arc<str>> {
        let max = self.rules.text_chars;
        if text.trim_start().is_empty() {
            return Err(ProtocolError::missing_field("The text is empty."));
        }
        if text.chars().nth(max).is_some() {
            let sentence = format!("The text is too long. Send it in several messages of at most {max} characters.");
            return Err(ProtocolError::new(ErrorReason::TooLong, sentence));
        }
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        Ok(if text.contains(is_bad) { text.replace(is_bad, "\u{fffd}").into() } else { text })
    }

    /// Counts a post of so many bytes for its address, and returns 0; or how many microseconds it must wait. `address` is as in
    /// [`Input::Joined`](super::Input::Joined). Must be asked before [`Input::Post`](super::Input::Post), and before the room is
    /// restored, which takes time.
    pub fn charge_post(&mut self, now: Now, address: Option<IpAddr>, room: &RoomName, bytes: usize) -> u64 {
        let bytes = self.price_of_post(room, bytes);
        self.gate.charge_address(address, bytes, now.uptime)
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
        let requested = post.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("guest");
        let wanted = Name::of_user(requested).ok_or(ErrorReason::BadName)?;
        let text = self.clean_text(post.text.clone())?;
        let receipt = |seq: Option<u64>, room: &RoomName, name: Arc<str>| {
            let name = Some(name).filter(|name| **name != *requested);
            Receipt { seq, room: room.shown().clone(), name }
        };
        // Before the restrictions: the first answer may have been lost, and nothing is published.
        let nonce = post.nonce.as_ref().filter(|_| post.target.is_none());
        let found = self.find_room(room).and_then(|id| self.rooms.get(id));
        if let Some((found, first)) = found.and_then(|room| Some((room, room.log.find_by_nonce(nonce?)?))) {
            return Ok(receipt(Some(first.seq), &found.name, first.name.clone()));
        }
        self.check_post(&wanted, address, room)?;
        // A new room may take the place of another one, so this comes last.
        let room_id = self.open_room(room).ok_or(ErrorReason::Unavailable)?;
        let wait = if post.target.is_none() { self.charge_room(room_id, text.len()) } else { 0 };
        if wait > 0 {
            return Err(ProtocolError::too_fast(wait));
        }
        let room = self.rooms.get_mut(room_id).ok_or(ErrorReason::Unavailable)?;
        // The room is in use, even without users.
        room.empty_since = None;
        room.posted_at = if post.target.is_none() { Some(self.now.uptime) } else { room.posted_at };
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

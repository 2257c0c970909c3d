//! What each message of a client does. A message that is rejected changes nothing.

use super::{Chat, Now, Output, RoomId, Rules, broadcast, send};
use crate::chat::protocol::{ClientMessage, ErrorReason, Name, ProtocolError, ServerMessage, StoredMessage, UserId};
use std::sync::Arc;

/// The connection that sent a message, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) now: Now,
    pub(super) id: UserId,
    pub(super) room: RoomId,
}

impl Chat {
    pub(super) fn execute(
        &mut self,
        sender: Sender,
        message: ClientMessage,
        out: &mut Vec<Output>,
    ) -> Result<(), ProtocolError> {
        let id = sender.id;
        match message {
            ClientMessage::SetName(asked) => self.set_name(sender, &asked, true, out),
            ClientMessage::Message { text, target, nonce } => self
                .send_message(sender, text, target.as_deref(), nonce.clone(), out)
                .map_err(|error| error.with_nonce(nonce))?,
            ClientMessage::Inspect => out.push(Output::SendHandshake { to: id }),
            ClientMessage::Drop => out.push(Output::Cut { id }),
            ClientMessage::ListUsers => {
                let users = self.rooms.get(sender.room).map(|room| room.user_names());
                out.extend(users.map(|users| send(id, ServerMessage::Users { users })));
            }
            ClientMessage::Help => out.push(send(id, ServerMessage::Help)),
            ClientMessage::Quit => self.close(sender.now, id, 1000, "bye", out),
            ClientMessage::UnknownCommand(word) => return Err(unknown_command(&word)),
        }
        Ok(())
    }

    /// Sends the new name to the sender, if the user did not choose it, and to the room: the user list first, unless it has
    /// to wait.
    pub(super) fn set_name(&mut self, sender: Sender, name: &str, is_chosen: bool, out: &mut Vec<Output>) {
        let (Sender { now, id, room }, chosen) = (sender, name.trim());
        let max_chars = self.max_name_chars();
        let name = self.rooms.get_mut(room).and_then(|room| room.rename(id, chosen, max_chars));
        let Some(name) = name else { return };
        if !is_chosen || *name != *chosen {
            out.push(send(id, ServerMessage::RejectUsername { id, name: name.clone() }));
        }
        self.list_changed(now, room, out);
        out.push(broadcast(room, ServerMessage::Username { name, id, date: now.date }));
    }

    fn send_message(
        &mut self,
        sender: Sender,
        text: Arc<str>,
        target: Option<&str>,
        nonce: Option<Arc<str>>,
        out: &mut Vec<Output>,
    ) -> Result<(), ProtocolError> {
        let room = self.rooms.get(sender.room);
        let name = room.and_then(|room| room.name_of(sender.id)).ok_or(ErrorReason::NoName)?.clone();
        let text = self.check_text(text)?;
        match target {
            None => self.send_to_room(sender, name, text, nonce, out),
            Some(target) => self.send_privately(sender, name, text, nonce, target, out)?,
        }
        Ok(())
    }

    /// A message to the room is numbered and recorded. If its nonce was used before, the sender alone receives the first
    /// message with that nonce again.
    fn send_to_room(
        &mut self,
        Sender { now, id, room: room_id }: Sender,
        name: Name,
        text: Arc<str>,
        nonce: Option<Arc<str>>,
        out: &mut Vec<Output>,
    ) {
        let Some(room) = self.rooms.get(room_id) else { return };
        if let Some(first) = nonce.as_ref().and_then(|nonce| room.log.with_nonce(nonce)) {
            // A connection that is catching up receives it in its turn.
            let is_due = self.received_up_to(id).is_none_or(|received| first.seq <= received);
            return out.extend(is_due.then(|| send(id, ServerMessage::Message(first.clone()))));
        }
        let (key, seq) = (room.name.key().clone(), room.log.last + 1);
        let message = StoredMessage { room: key, name, text, id, date: now.date, seq, nonce };
        if self.rules.archive && room.is_restored {
            out.push(Output::Store(message.clone()));
        }
        self.rooms.record(room_id, message.clone(), &self.rules);
        out.push(broadcast(room_id, ServerMessage::Message(message)));
    }

    /// A private message goes to its target and to its sender, once if they are the same. It has no number and is not
    /// recorded.
    fn send_privately(
        &self,
        Sender { now, id, room }: Sender,
        name: Name,
        text: Arc<str>,
        nonce: Option<Arc<str>>,
        target: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), ProtocolError> {
        let found = self.rooms.get(room).and_then(|room| room.find(target, self.max_name_chars()));
        let (to, target) = found.ok_or(ErrorReason::NoSuchUser)?;
        let copy = |is_received| {
            let (name, text, target, nonce) = (name.clone(), text.clone(), target.clone(), nonce.clone());
            ServerMessage::Private { name, text, id, date: now.date, target, is_received, nonce }
        };
        out.push(send(to, copy(true)));
        if to != id {
            out.push(send(id, copy(false)));
        }
        Ok(())
    }

    /// The text with control characters replaced: no screen shows them, and in JSON each would take six bytes.
    fn check_text(&self, text: Arc<str>) -> Result<Arc<str>, ProtocolError> {
        let max = self.rules.text_chars;
        if text.trim_start().is_empty() {
            return Err(ProtocolError::new(ErrorReason::MissingField, "The text is empty."));
        }
        // A text has at least as many bytes as characters, so that most texts need not be counted.
        if text.len() > max && text.chars().count() > max {
            return Err(ErrorReason::TooLong.into());
        }
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        Ok(if text.contains(is_bad) { text.replace(is_bad, "\u{fffd}").into() } else { text })
    }

    fn max_name_chars(&self) -> usize {
        self.rules.name_chars.clamp(Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS)
    }
}

fn unknown_command(word: &str) -> ProtocolError {
    let word: String = word.chars().take(32).collect();
    let sentence = format!("There is no command /{word}. Type /help for a list, or //{word} to send the text /{word}.");
    ProtocolError::new(ErrorReason::UnknownType, sentence)
}

//! What each command does.
//!
//! Owns signing in, talking and asking. A command that is refused changes nothing. Whether one more
//! is bearable was settled before, by `chat.rs`.

use std::sync::Arc;

use super::room::{Granted, Room, Seat};
use super::{Chat, Now, Output, RoomId, Rules, broadcast, send};
use crate::chat::protocol::{
    Audience, ClientMessage, ErrorReason, Name, ProtocolError, ServerMessage, StoredMessage, UserId,
};

/// Who says something, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker {
    pub(super) now: Now,
    pub(super) id: UserId,
    pub(super) room: RoomId,
    pub(super) seat: Seat,
}

/// What somebody says: who it is, the text, and what the client calls it.
#[derive(Debug, Clone)]
struct Said {
    name: Name,
    text: Arc<str>,
    nonce: Option<Arc<str>>,
}

impl Chat {
    /// Does what a member asked for, or says why not.
    pub(super) fn obey(
        &mut self,
        speaker: Speaker,
        command: ClientMessage,
        out: &mut Vec<Output>,
    ) -> Result<(), ProtocolError> {
        let Speaker { now, id, room, .. } = speaker;
        match command {
            ClientMessage::SetName(asked) => self.rename(speaker, &asked, out),
            ClientMessage::Say { text, target, nonce } => self.speak(speaker, text, target, nonce, out)?,
            ClientMessage::Inspect => out.push(Output::ShowHandshake { to: id }),
            ClientMessage::Drop => out.push(Output::Drop { who: id }),
            ClientMessage::ListUsers => {
                out.extend(self.rooms.get(room).map(|room| send(id, ServerMessage::Users(room.users()))))
            }
            ClientMessage::Help => out.push(send(id, ServerMessage::Help)),
            ClientMessage::Quit => self.put_out(now, id, 1000, "bye", out),
            ClientMessage::UnknownCommand(word) => return Err(unknown_command(&word)),
        }
        Ok(())
    }

    /// People who type lines have a name from the start: the first line that they type is heard.
    pub(super) fn name_guest(&mut self, speaker: Speaker, out: &mut Vec<Output>) {
        let asked = format!("guest-{}", speaker.id);
        let Some(granted) = self.give_name(speaker, &asked) else { return };
        out.push(send(speaker.id, ServerMessage::You { name: granted.name.clone() }));
        self.announce(speaker, granted.name, out);
    }

    fn rename(&mut self, speaker: Speaker, asked: &str, out: &mut Vec<Output>) {
        let Some(granted) = self.give_name(speaker, asked) else { return };
        if !granted.as_asked {
            let (id, name) = (speaker.id, granted.name.clone());
            out.push(send(id, ServerMessage::RejectUsername { id, name }));
        }
        self.announce(speaker, granted.name, out);
    }

    fn give_name(&mut self, speaker: Speaker, asked: &str) -> Option<Granted> {
        let most = self.name_chars();
        self.rooms.get_mut(speaker.room)?.rename(speaker.seat, asked, most)
    }

    /// A name was set: the list first, unless it has to wait, then whose name it is.
    fn announce(&mut self, speaker: Speaker, name: Name, out: &mut Vec<Output>) {
        self.list_changed(speaker.now, speaker.room, out);
        out.push(broadcast(speaker.room, ServerMessage::Username { name, id: speaker.id, date: speaker.now.date }));
    }

    /// A refusal names the message that it is about.
    fn speak(
        &mut self,
        speaker: Speaker,
        text: Arc<str>,
        target: Option<String>,
        nonce: Option<Arc<str>>,
        out: &mut Vec<Output>,
    ) -> Result<(), ProtocolError> {
        let name = self.allow(speaker, &text).map_err(|problem| problem.of(nonce.clone()))?.clone();
        let said = Said { name, text: displayable(text), nonce };
        match target {
            None => self.say(speaker, said, out),
            Some(target) => self.whisper(speaker, said, &target, out)?,
        }
        Ok(())
    }

    /// A message to the room: numbered, kept, then told. Under one nonce it is said once: if its client did not learn
    /// that, it does now.
    fn say(&mut self, speaker: Speaker, said: Said, out: &mut Vec<Output>) {
        let Speaker { now, id, room, .. } = speaker;
        let Some(place) = self.rooms.get(room) else { return };
        if let Some(first) = said.nonce.as_ref().and_then(|nonce| place.log.named(nonce)) {
            // Who is behind is told it in its turn.
            let was_told = self.told(id).is_none_or(|told| first.seq <= told);
            return out.extend(was_told.then(|| send(id, ServerMessage::Message(first.clone()))));
        }
        let Said { name, text, nonce } = said;
        let key = place.name.key().clone();
        let entry = StoredMessage { room: key, seq: place.log.next(), date: now.date, id, name, text, nonce };
        let is_stored = self.rules.archive && place.is_restored();
        self.rooms.record(room, entry.clone(), &self.rules);
        if is_stored {
            out.push(Output::Store(entry.clone()));
        }
        out.push(broadcast(room, ServerMessage::Message(entry)));
    }

    /// A private message: to its target and to its sender; once, if they are the same. It has no number, and is kept
    /// nowhere.
    fn whisper(&self, speaker: Speaker, said: Said, target: &str, out: &mut Vec<Output>) -> Result<(), ProtocolError> {
        let found = self.room(speaker).and_then(|room| room.find(target, self.name_chars()));
        let Some((to, target)) = found else {
            return Err(ProtocolError::from(ErrorReason::NoSuchUser).of(said.nonce));
        };
        let (id, date) = (speaker.id, speaker.now.date);
        let copy = |audience| {
            let Said { name, text, nonce } = said.clone();
            ServerMessage::Private { name, text, id, date, audience, nonce }
        };
        out.push(send(to, copy(Audience::You(target.clone()))));
        if to != id {
            out.push(send(id, copy(Audience::Other(target.clone()))));
        }
        Ok(())
    }

    fn room(&self, speaker: Speaker) -> Option<&Room> {
        self.rooms.get(speaker.room)
    }

    /// The speaker's name, if it has one and may say this: a text must have something in it that is
    /// not white space, and not too much.
    fn allow(&self, speaker: Speaker, text: &str) -> Result<&Name, ProtocolError> {
        let name = self.room(speaker).and_then(|room| room.name_of(speaker.seat)).ok_or(ErrorReason::NoName)?;
        let max = self.rules.text_chars;
        if text.trim_start().is_empty() {
            return Err(ProtocolError::new(ErrorReason::MissingField, "The text is empty. Say something."));
        }
        // No text has more characters than bytes: most need not be counted.
        if text.len() > max && text.chars().count() > max {
            return Err(ErrorReason::TooLong.into());
        }
        Ok(name)
    }

    fn name_chars(&self) -> usize {
        self.rules.name_chars.clamp(Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS)
    }
}

/// The text, without what can be shown on no screen: in JSON, each of these bytes would become six.
fn displayable(text: Arc<str>) -> Arc<str> {
    if text.contains(is_control) {
        return text.replace(is_control, "\u{fffd}").into();
    }
    text
}

/// C0, DEL and C1 (ECMA-48), which terminals obey, but for what moves on within a text.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn unknown_command(word: &str) -> ProtocolError {
    let word: String = word.chars().take(32).collect();
    let about = format!("There is no command /{word}. Type /help to see those there are, or //{word} to say /{word}.");
    ProtocolError::new(ErrorReason::UnknownType, about)
}

//! What operators do: close connections, restrict users and rooms, and delete messages.

use super::{
    Chat, Output, RoomId, broadcast,
    command::{self, COMMANDS, Command, Kind, Restriction, Subject, Who},
    events::Erasure,
    names::Name,
    room_name::RoomName,
    send,
};
use crate::chat::protocol::{ErrorReason, ProtocolError, ServerMessage, UserId, sanitize_name};
use std::sync::Arc;

pub(super) const KICKED: &str = "kicked by an operator";
pub(super) const BANNED: &str = "banned by an operator";
pub(super) const CLOSED: &str = "this room was closed by an operator";

/// The most restrictions. Each message is compared with all of them.
const MAX_RESTRICTIONS: usize = 10_000;

/// Numbers in one `deleted` message.
const MAX_NUMBERS: usize = 500;

/// Characters of an answer to a connection, which counts against its send buffer. `chinwag ctl` gets all.
const MAX_ANSWER: usize = 8000;

impl Chat {
    /// The restrictions that hold at the time of the last input.
    pub fn restrictions(&self) -> impl Iterator<Item = &Restriction> {
        self.restrictions.iter().filter(|restriction| restriction.holds(self.now.date))
    }

    /// A line of a connection that begins with a slash and is not for users.
    pub(super) fn command_of(&mut self, id: UserId, line: &str) -> Result<(), ProtocolError> {
        let word = line.split_whitespace().next().unwrap_or_default();
        if !COMMANDS.iter().any(|(known, _)| *known == word) {
            return Err(unknown_command(word));
        }
        if !self.members.get(id).is_some_and(|member| member.client.is_admin) {
            return Err(ErrorReason::NotAdmin.into());
        }
        self.command(Some(id), line).map_err(|error| ProtocolError::new(ErrorReason::BadCommand, error))
    }

    /// Executes a command of an operator's connection, or of another source.
    pub(super) fn command(&mut self, by: Option<UserId>, line: &str) -> Result<(), String> {
        let answer = match command::parse(line, self.now.date)? {
            Command::Who => self.who(),
            Command::Rooms => self.room_lines(),
            Command::Stats => self.stats(),
            Command::Bans if self.restrictions().next().is_none() => "There are no restrictions.".to_owned(),
            Command::Bans => self.restrictions().map(|restriction| format!("{restriction}\n")).collect(),
            Command::Kick(subject) => match self.expel_all(by, |chat, id| chat.fits(id, &subject), KICKED) {
                0 => return Err(format!("No connection of {subject} is open.")),
                closed => format!("Connections closed: {closed}."),
            },
            Command::Restrict(restriction) => self.restrict(by, restriction)?,
            Command::Lift(kind, subject) => {
                let before = self.restrictions.len();
                self.restrictions.retain(|restriction| !restriction.is(kind, &subject));
                if self.restrictions.len() == before {
                    return Err(format!("There is no such restriction of {subject}."));
                }
                self.out.push(Output::Restricted);
                format!("The restriction of {subject} has ended.")
            }
            Command::Delete { room, seqs } => return self.delete(by, room, seqs),
            Command::Forget(name) => {
                self.erase(by, Erasure::Name(name.key));
                return Ok(());
            }
            Command::Notice(text) => self.announce(&text.into()),
        };
        self.answer(by, answer);
        Ok(())
    }

    fn answer(&mut self, by: Option<UserId>, answer: String) {
        let Some(id) = by else { return self.out.push(Output::Answer(Ok(answer))) };
        let mut text: String = answer.trim_end().chars().take(MAX_ANSWER).collect();
        if text.len() < answer.trim_end().len() {
            text.push('…');
        }
        // A command can close the operator's own connection.
        if self.members.contains(id) {
            self.out.push(send(id, ServerMessage::Notice { text: text.into() }));
        }
    }

    /// One line for each connection: its number, its name, its room and its address.
    fn who(&self) -> String {
        let mut lines = String::new();
        for room in self.rooms.iter() {
            for (id, name) in room.members.iter() {
                let name = name.as_ref().map_or_else(|| "(no name)".to_owned(), |name| sanitize_name(&name.shown));
                let address = self.members.get(id).and_then(|member| member.client.address);
                let address = address.map(|address| format!(" {}", address.to_canonical())).unwrap_or_default();
                lines += &format!("{id} {name} {}{address}\n", Subject(Who::Room(room.name.clone())));
            }
        }
        lines
    }

    /// One line for each room: its name, its users, and the number of its last message.
    fn room_lines(&self) -> String {
        let line = |room: &super::Room| {
            let subject = Subject(Who::Room(room.name.clone()));
            format!("{subject} users: {}, last message: {}\n", room.names.len(), room.log.last)
        };
        self.rooms.iter().map(line).collect()
    }

    fn stats(&self) -> String {
        let sum = |count: fn(&super::Room) -> usize| self.rooms.iter().map(count).sum::<usize>();
        format!(
            "connections: {}\nusers: {}\nrooms: {}\nmessages in memory: {}\nrestrictions: {}\n",
            self.members.len(),
            sum(|room| room.names.len()),
            sum(|_| 1),
            sum(|room| room.log.messages.len()),
            self.restrictions().count(),
        )
    }

    fn restrict(&mut self, by: Option<UserId>, restriction: Restriction) -> Result<String, String> {
        let now = self.now.date;
        self.restrictions.retain(|old| old.holds(now) && !old.is(restriction.kind, &restriction.subject));
        if self.restrictions.len() >= MAX_RESTRICTIONS {
            return Err(format!("There are {MAX_RESTRICTIONS} restrictions already."));
        }
        let answer = format!("In force: {restriction}. ");
        self.restrictions.push(restriction);
        self.out.push(Output::Restricted);
        let closed = self.enforce(by);
        Ok(answer + &format!("Connections closed: {closed}."))
    }

    /// Replaces all restrictions.
    pub(super) fn set_restrictions(&mut self, restrictions: &[Restriction]) {
        self.restrictions = restrictions.iter().take(MAX_RESTRICTIONS).cloned().collect();
        self.enforce(None);
    }

    /// Closes the connections that are forbidden now, except the operator's own.
    fn enforce(&mut self, by: Option<UserId>) -> usize {
        let is_banned =
            |chat: &Self, id| chat.restrictions().any(|it| it.kind == Kind::Ban && chat.fits(id, &it.subject));
        let is_closed = |chat: &Self, id| chat.room(id).is_some_and(|room| chat.is_closed(&room.name));
        self.expel_all(by, is_banned, BANNED) + self.expel_all(by, is_closed, CLOSED)
    }

    /// Closes the connections for which this is true, except the operator's own. Returns their number.
    fn expel_all(&mut self, by: Option<UserId>, fits: impl Fn(&Self, UserId) -> bool, reason: &'static str) -> usize {
        let ids = self.members.iter().map(|(id, _)| id);
        let expelled: Vec<UserId> = ids.filter(|id| Some(*id) != by && fits(self, *id)).collect();
        expelled.iter().for_each(|id| self.expel(*id, reason));
        expelled.len()
    }

    /// Closes a connection. Its name is free at once.
    pub(super) fn expel(&mut self, id: UserId, reason: &'static str) {
        self.out.push(Output::Close { id, code: 1008, reason });
        self.leave(id, false);
    }

    fn fits(&self, id: UserId, subject: &Subject) -> bool {
        match &subject.0 {
            Who::Name(name) => {
                self.room(id).and_then(|room| room.member_name(id)).is_some_and(|own| own.key == name.key)
            }
            Who::Network(network) => {
                let address = self.members.get(id).and_then(|member| member.client.address);
                address.is_some_and(|address| network.contains(address))
            }
            Who::Room(_) => false,
        }
    }

    pub(super) fn is_banned(&self, name: &Name) -> bool {
        let fits = |subject: &Subject| matches!(&subject.0, Who::Name(banned) if banned.key == name.key);
        self.restrictions().any(|restriction| restriction.kind == Kind::Ban && fits(&restriction.subject))
    }

    pub(super) fn is_muted(&self, id: UserId) -> bool {
        self.restrictions().any(|restriction| restriction.kind == Kind::Mute && self.fits(id, &restriction.subject))
    }

    /// The restriction of a room that has this form.
    fn of_room(&self, room: &RoomName, kind: Kind) -> Option<&Restriction> {
        let subject = Subject(Who::Room(room.clone()));
        self.restrictions().find(|restriction| restriction.is(kind, &subject))
    }

    pub(super) fn is_closed(&self, room: &RoomName) -> bool {
        self.of_room(room, Kind::Close).is_some()
    }

    /// Whether a user may write now, which is counted if it is to the room.
    pub(super) fn check_restrictions(&mut self, id: UserId, is_to_room: bool) -> Result<(), ProtocolError> {
        if self.restrictions.is_empty() {
            return Ok(());
        }
        if self.is_muted(id) {
            return Err(ErrorReason::Muted.into());
        }
        let slow = self.room(id).filter(|_| is_to_room).and_then(|room| self.of_room(&room.name, Kind::Slow(0)));
        let (slow, now) = (slow.map(|restriction| restriction.kind), self.now.uptime);
        let Some(member) = self.members.get_mut(id).filter(|member| is_to_room && !member.client.is_admin) else {
            return Ok(());
        };
        if let Some(Kind::Slow(seconds)) = slow {
            let left = (member.spoke_at + seconds * 1000).saturating_sub(now).div_ceil(1000);
            if left > 0 {
                let sentence = format!(
                    "In this room, each user may write one message in {seconds} seconds. Send it again in {left} seconds."
                );
                return Err(ProtocolError::new(ErrorReason::SlowMode, sentence));
            }
        }
        member.spoke_at = now;
        Ok(())
    }

    /// Deletes messages of one room: the operator's own, or the lobby, unless it is given.
    fn delete(&mut self, by: Option<UserId>, room: Option<RoomName>, seqs: Vec<u64>) -> Result<(), String> {
        let own = by.and_then(|id| self.room(id)).map(|room| room.name.clone());
        let name = room.or(own).unwrap_or_else(RoomName::lobby);
        match self.rooms.find(&name) {
            Some(room) => {
                if let Some(seq) = seqs.iter().find(|seq| **seq > room.log.last) {
                    return Err(format!("There is no message {seq}. The last one has the number {}.", room.log.last));
                }
            }
            None if self.rules.archive => {}
            None => return Err(format!("There is no room {}.", Subject(Who::Room(name)))),
        }
        self.erase(by, Erasure::Numbers { room: name.key().clone(), seqs });
        Ok(())
    }

    /// Deletes messages from memory, and then from the archive.
    fn erase(&mut self, by: Option<UserId>, erasure: Erasure) {
        let deleted = self.rooms.delete(&erasure);
        for (room, seqs) in &deleted {
            self.send_deleted(*room, seqs);
        }
        if self.rules.archive {
            self.out.push(Output::Erase { by, erasure });
        } else {
            let count: usize = deleted.iter().map(|(_, seqs)| seqs.len()).sum();
            self.answer(by, format!("Messages deleted: {count}."));
        }
    }

    /// The archive has deleted messages. Clients may show those that are not in memory.
    pub(super) fn erased(&mut self, by: Option<UserId>, messages: Option<&[(Arc<str>, u64)]>) {
        let Some(messages) = messages else {
            let answer = "The messages are deleted in memory. The history file does not answer: its log says why. They are deleted there when it does.";
            return self.answer(by, answer.to_owned());
        };
        for id in self.rooms.ids() {
            let Some(room) = self.rooms.get(id) else { continue };
            let is_old =
                |message: &&(Arc<str>, u64)| message.0 == *room.name.key() && message.1 <= room.log.last_forgotten();
            let seqs: Vec<u64> = messages.iter().filter(is_old).map(|(_, seq)| *seq).collect();
            self.send_deleted(id, &seqs);
        }
        self.answer(by, format!("Messages deleted: {}.", messages.len()));
    }

    /// Informs all members that have received them. The others get them as deleted.
    fn send_deleted(&mut self, room_id: RoomId, seqs: &[u64]) {
        for seqs in seqs.chunks(MAX_NUMBERS) {
            self.out.push(broadcast(room_id, ServerMessage::Deleted { seq: seqs.to_vec() }));
            for id in self.unsubscribed(room_id) {
                let received = self.received_up_to(id).unwrap_or_default();
                let seq: Vec<u64> = seqs.iter().copied().filter(|seq| *seq <= received).collect();
                if !seq.is_empty() {
                    self.out.push(send(id, ServerMessage::Deleted { seq }));
                }
            }
        }
    }

    /// Sends a text to everyone.
    fn announce(&mut self, text: &Arc<str>) -> String {
        for room in self.rooms.ids() {
            let notice = || ServerMessage::Notice { text: text.clone() };
            self.out.push(broadcast(room, notice()));
            self.out.extend(self.unsubscribed(room).into_iter().map(|id| send(id, notice())));
        }
        format!("Sent to {} connections.", self.members.len())
    }

    /// The members that get no broadcasts, because they are catching up.
    fn unsubscribed(&self, room: RoomId) -> Vec<UserId> {
        self.catching_up().filter(|id| self.room_of(*id) == Some(room)).collect()
    }
}

fn unknown_command(word: &str) -> ProtocolError {
    let word: String = word.chars().take(32).collect();
    let sentence = format!("There is no command /{word}. Type /help for a list, or //{word} to send the text /{word}.");
    ProtocolError::new(ErrorReason::UnknownType, sentence)
}

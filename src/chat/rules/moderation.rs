//! What operators do: close connections, restrict users and rooms, and delete messages.

use super::command::{self, Restriction, Subject, explanation, parse, usage};
use super::{Chat, Member, Output, Result, RoomId, events::Erasure, names::Name, room::Room, room_name::RoomName};
use crate::chat::protocol::{ErrorReason, Millis, ProtocolError, ServerMessage, UserId};
use core::net::IpAddr;
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

/// The answer to a command, or why nothing was done.
type Answer = Result<String, String>;

impl Chat {
    /// The restrictions that hold at the time of the last input.
    pub fn restrictions(&self) -> impl Iterator<Item = &Restriction> {
        self.restrictions.iter().filter(|restriction| restriction.holds(self.now.date))
    }

    /// A line of a connection that begins with a slash and is not for users.
    pub(super) fn command_of(&mut self, id: UserId, line: &str) -> Result {
        let name = line.split(char::is_whitespace).next().unwrap_or_default();
        if usage(name).is_none() {
            let name: String = name.chars().take(32).collect();
            let hint =
                format!("There is no command /{name}. Type /help for a list, or //{name} to send the text /{name}.");
            return Err(ProtocolError::new(ErrorReason::UnknownType, hint));
        }
        if !self.members.get(id).is_some_and(|member| member.client.is_admin) {
            return Err(ErrorReason::NotAdmin.into());
        }
        let answer = self.command(Some(id), line);
        self.answer(Some(id), Ok(answer.map_err(|error| ProtocolError::new(ErrorReason::BadCommand, error))?));
        Ok(())
    }

    /// Executes a command of an operator's connection, or of another source. An empty answer: it comes later.
    pub(super) fn command(&mut self, by: Option<UserId>, line: &str) -> Answer {
        let (verb, words, rest) = parse(line)?;
        let operator = by.and_then(|id| Some(format!(" from connection {id} ({})", self.room(id)?.name_of(id)?.shown)));
        let answer = self.execute_words(by, verb, &words, rest).unwrap_or_else(|| Err(explanation(verb)))?;
        let line = if verb == "notice" { verb } else { line.trim() };
        self.out.push(Output::Executed(format!("an operator's command{}: {line}", operator.unwrap_or_default())));
        Ok(answer)
    }

    /// `None`: the words do not fit the command.
    fn execute_words(&mut self, by: Option<UserId>, verb: &str, words: &[String], rest: &str) -> Option<Answer> {
        let now = self.now.date;
        let answer = match (verb, words) {
            ("who", []) => self.who(),
            ("rooms", []) => self.room_lines(),
            ("stats", []) => self.stats(),
            ("bans", []) => match self.restrictions().map(|restriction| format!("{restriction}\n")).collect() {
                none if String::is_empty(&none) => "There are no restrictions.".to_owned(),
                lines => lines,
            },
            ("kick", [who]) => {
                let subject = command::user(who)?;
                match self.expel_all(by, KICKED, |chat, id| chat.fits(id, &subject)) {
                    0 => return Some(Err(format!("No connection of {subject} is open."))),
                    closed => format!("Connections closed: {closed}."),
                }
            }
            ("unban", [_]) => return self.lift(&Restriction::of("ban", words, now)?),
            ("unmute", [_]) => return self.lift(&Restriction::of("mute", words, now)?),
            ("open", [_]) => return self.lift(&Restriction::of("close", words, now)?),
            ("delete", [first, ..]) => {
                let (room, numbers) = match command::number(first) {
                    // The operator's own room, or the lobby.
                    Some(_) => (by.and_then(|id| self.room(id)).map(|room| room.name.clone()), words),
                    None => (Some(command::room(first)?), &words[1..]),
                };
                let seqs = numbers.iter().map(|word| command::number(word)).collect::<Option<Vec<u64>>>();
                let (key, seqs) = (room.unwrap_or_default().key().clone(), seqs.filter(|seqs| !seqs.is_empty())?);
                self.erase(by, Erasure::Numbers(key, seqs))
            }
            ("forget", [name]) => self.erase(by, Erasure::Name(command::name(name)?.key)),
            ("notice", [only]) if only.starts_with('"') => self.announce(&only[1..]),
            ("notice", [_, ..]) => self.announce(rest),
            _ => match Restriction::of(verb, words, now)? {
                // `slow ROOM 0`.
                none if none.verb == "slow" && none.seconds == 0 => return self.lift(&none),
                restriction => return Some(self.restrict(by, restriction)),
            },
        };
        Some(Ok(answer))
    }

    pub(super) fn answer(&mut self, by: Option<UserId>, answer: Answer) {
        // It comes after the archive's.
        if answer.as_ref().is_ok_and(String::is_empty) {
            return;
        }
        let Some(id) = by else { return self.out.push(Output::Answer(answer)) };
        let answer = answer.unwrap_or_else(|why| why);
        let mut text: String = answer.trim_end().chars().take(MAX_ANSWER).collect();
        text.push_str(if text.len() < answer.trim_end().len() { "…" } else { "" });
        self.out.push(Output::Send(id, ServerMessage::Notice { text: text.into() }));
    }

    /// One line for each connection: its number, its name, its room and its address.
    fn who(&self) -> String {
        let line = |(id, member): (UserId, &Member)| {
            let room = self.rooms.get(member.room)?;
            let name = room.name_of(id).map_or("(no name)".into(), |name| Subject::Name(name.clone()).to_string());
            let address = member.client.address.map(|address| format!(" {}", address.to_canonical()));
            Some(format!("{id} {name} {}{}\n", Subject::Room(room.name.clone()), address.unwrap_or_default()))
        };
        self.members.iter().filter_map(line).collect()
    }

    /// One line for each room: its name, its users, and the number of its last message.
    fn room_lines(&self) -> String {
        let line = |(_, room): (_, &Room)| {
            let (subject, users) = (Subject::Room(room.name.clone()), room.users().count());
            format!("{subject} users: {users}, last message: {}\n", room.log.last)
        };
        self.rooms.iter().map(line).collect()
    }

    fn stats(&self) -> String {
        let users: usize = self.rooms().map(|(_, users)| users).sum();
        let messages: usize = self.rooms.iter().map(|(_, room)| room.log.messages.len()).sum();
        let (connections, rooms) = (self.members.len(), self.rooms.len());
        format!("connections: {connections}\nusers: {users}\nrooms: {rooms}\nmessages in memory: {messages}\n")
    }

    fn restrict(&mut self, by: Option<UserId>, restriction: Restriction) -> Answer {
        let now = self.now.date;
        self.restrictions.retain(|old| old.holds(now) && !old.is_like(&restriction));
        if self.restrictions.len() >= MAX_RESTRICTIONS {
            return Err(format!("There are {MAX_RESTRICTIONS} restrictions already."));
        }
        let answer = format!("In force: {restriction}.");
        self.restrictions.push(restriction);
        self.out.push(Output::Restricted);
        Ok(format!("{answer} Connections closed: {}.", self.enforce(by)))
    }

    fn lift(&mut self, like: &Restriction) -> Option<Answer> {
        let before = self.restrictions.len();
        self.restrictions.retain(|restriction| !restriction.is_like(like));
        if self.restrictions.len() == before {
            return Some(Err(format!("There is no such restriction of {}.", like.subject)));
        }
        self.out.push(Output::Restricted);
        Some(Ok(format!("{} {} has ended.", like.verb, like.subject)))
    }

    /// Replaces all restrictions.
    pub(super) fn set_restrictions(&mut self, restrictions: &[Restriction]) {
        self.restrictions = restrictions.iter().take(MAX_RESTRICTIONS).cloned().collect();
        self.enforce(None);
    }

    /// Closes the connections that are forbidden now, except the operator's own. Returns their number.
    fn enforce(&mut self, by: Option<UserId>) -> usize {
        let is_closed = |chat: &Self, id| chat.room(id).is_some_and(|room| chat.of_room(&room.name, "close").is_some());
        self.expel_all(by, BANNED, |chat, id| chat.is_restricted(id, "ban")) + self.expel_all(by, CLOSED, is_closed)
    }

    /// Their names are free at once.
    fn expel_all(&mut self, by: Option<UserId>, reason: &'static str, fits: impl Fn(&Self, UserId) -> bool) -> usize {
        let ids = self.members.iter().map(|(id, _)| id);
        let expelled: Vec<UserId> = ids.filter(|id| Some(*id) != by && fits(self, *id)).collect();
        expelled.iter().for_each(|id| self.close(*id, 1008, reason, false));
        expelled.len()
    }

    /// Whether a connection is meant, by its name or its address.
    fn fits(&self, id: UserId, subject: &Subject) -> bool {
        let name = self.room(id).and_then(|room| room.name_of(id));
        subject.is(name, self.members.get(id).and_then(|member| member.client.address))
    }

    /// Whether the connection is banned, or muted.
    pub(super) fn is_restricted(&self, id: UserId, verb: &str) -> bool {
        self.restrictions().any(|restriction| restriction.verb == verb && self.fits(id, &restriction.subject))
    }

    /// The restriction of a room.
    pub(super) fn of_room(&self, name: &RoomName, verb: &str) -> Option<&Restriction> {
        let is_of = |subject: &Subject| matches!(subject, Subject::Room(room) if room.key() == name.key());
        self.restrictions().find(|restriction| restriction.verb == verb && is_of(&restriction.subject))
    }

    /// Whether a user who sent the last message at this time may send another one.
    fn check_slow_mode(&self, room: &RoomName, spoke_at: Millis) -> Result {
        let Some(Restriction { seconds, .. }) = self.of_room(room, "slow") else { return Ok(()) };
        let left = (spoke_at + seconds * 1000).saturating_sub(self.now.uptime).div_ceil(1000);
        let sentence =
            format!("In this room, you may write one message in {seconds} seconds. Send it again in {left} seconds.");
        let error = ProtocolError { retry_after: left, ..ProtocolError::new(ErrorReason::SlowMode, sentence) };
        if left == 0 { Ok(()) } else { Err(error) }
    }

    /// Whether a user may write now, which is counted if it is to the room.
    pub(super) fn check_restrictions(&mut self, id: UserId, is_to_room: bool) -> Result {
        if self.is_restricted(id, "mute") {
            return Err(ErrorReason::Muted.into());
        }
        let Some(member) = self.members.get(id).filter(|_| is_to_room) else { return Ok(()) };
        if let Some(room) = self.rooms.get(member.room).filter(|_| !member.client.is_admin) {
            self.check_slow_mode(&room.name, member.spoke_at)?;
        }
        self.members.get_mut(id).into_iter().for_each(|member| member.spoke_at = self.now.uptime);
        Ok(())
    }

    /// Whether a message without a connection may be sent. In a slow room, all of these together are one user.
    pub(super) fn check_post(&self, name: &Name, address: Option<IpAddr>, room: &RoomName) -> Result {
        if self.restrictions().any(|restriction| restriction.subject.is(Some(name), address)) {
            return Err(ErrorReason::Muted.into());
        }
        if self.of_room(room, "close").is_some() {
            return Err(ProtocolError::new(ErrorReason::Muted, "An operator has closed this room."));
        }
        let found = self.find_room(room).and_then(|id| self.rooms.get(id));
        found.and_then(|found| found.posted_at).map_or(Ok(()), |posted_at| self.check_slow_mode(room, posted_at))
    }

    /// Deletes messages from memory, and then from the archive, after which the answer comes.
    fn erase(&mut self, by: Option<UserId>, erasure: Erasure) -> String {
        let deleted: Vec<(RoomId, Vec<u64>)> =
            self.rooms.iter_mut().map(|(id, room)| (id, room.log.delete(&erasure))).collect();
        deleted.iter().for_each(|(room, seqs)| self.send_deleted(*room, seqs));
        if self.rules.archive {
            self.out.push(Output::Erase(by, erasure));
            return String::new();
        }
        format!("Messages deleted: {}.", deleted.iter().map(|(_, seqs)| seqs.len()).sum::<usize>())
    }

    /// The archive has deleted messages. Clients may show those that are not in memory.
    pub(super) fn erased(&mut self, by: Option<UserId>, messages: Option<&[(Arc<str>, u64)]>) {
        for id in self.room_ids() {
            let Some(room) = self.rooms.get(id) else { continue };
            let (key, forgotten) = (room.name.key(), room.log.last_forgotten());
            let old = messages.iter().copied().flatten().filter(|(room, seq)| room == key && *seq <= forgotten);
            let seqs: Vec<u64> = old.map(|(_, seq)| *seq).collect();
            self.send_deleted(id, &seqs);
        }
        let answer = match messages {
            Some(messages) => Ok(format!("Messages deleted: {}.", messages.len())),
            None => Err("The messages are deleted in memory, but the history file is not writable now: see the log. Repeat this when it is.".to_owned()),
        };
        self.answer(by, answer);
    }

    /// Informs all members that have received them. The others get them as deleted.
    fn send_deleted(&mut self, room: RoomId, seqs: &[u64]) {
        for seqs in seqs.chunks(MAX_NUMBERS) {
            self.out.push(Output::Broadcast(room, ServerMessage::Deleted { seq: seqs.to_vec() }, None));
            for (id, received) in self.unsubscribed(room) {
                let seq: Vec<u64> = seqs.iter().copied().filter(|seq| *seq <= received).collect();
                self.out.extend((!seq.is_empty()).then_some(Output::Send(id, ServerMessage::Deleted { seq })));
            }
        }
    }

    /// Sends a text to everyone.
    fn announce(&mut self, text: &str) -> String {
        let text: Arc<str> = text.into();
        for room in self.room_ids() {
            let notice = || ServerMessage::Notice { text: text.clone() };
            self.out.push(Output::Broadcast(room, notice(), None));
            self.out.extend(self.unsubscribed(room).into_iter().map(|(id, _)| Output::Send(id, notice())));
        }
        format!("Sent to {} connections.", self.members.len())
    }

    /// The members that get no broadcasts, because they are catching up, each with the last message that it has received.
    fn unsubscribed(&self, room: RoomId) -> Vec<(UserId, u64)> {
        let all = self.catch_ups.iter().filter(|catch_up| self.room_of(catch_up.id) == Some(room));
        all.map(|catch_up| (catch_up.id, catch_up.received)).collect()
    }
}

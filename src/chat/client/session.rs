//! The client's side of docs/PROTOCOL.md: what this client has seen, and what it has sent that is not yet delivered.
//!
//! It outlives a connection, and uses no sockets, threads or clocks.

use super::{Event, Message, contacts::Contacts};
use crate::chat::protocol::UserId;
use crate::chat::protocol::object::{Field, Object};
use serde_json::json;
use std::mem;

/// Earlier connections of this client: the room's history may still contain messages of them that are pending.
const MAX_IDS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Session {
    /// The name that the user wants. The server may have given another one.
    wanted_name: String,
    /// The last name that the program was given.
    reported_name: Option<String>,
    /// This client's id on the current connection.
    id: Option<UserId>,
    /// The ids of its connections, the last one at the end.
    ids: Vec<UserId>,
    /// The secret with which the next connection gets the name of this one. Only servers that know ids as targets send it.
    resume: Option<String>,
    /// The number of the last message of the room, and the token of the log that numbers it.
    last_seq: Option<u64>,
    log: Option<String>,
    /// Messages that the server has not sent back, in order.
    pending: Vec<Pending>,
    contacts: Contacts,
}

#[derive(Debug)]
struct Pending {
    nonce: String,
    text: String,
    /// The name of the user, if it is a private message.
    target: Option<String>,
    is_sent: bool,
}

/// What a message of the server means.
#[derive(Debug)]
pub(super) enum Received {
    Nothing,
    Event(Event),
    /// Pause, then resend what is pending.
    TooFast,
}

/// A command of an operator.
pub(super) fn command(line: &str) -> String {
    json!({"type": "admin", "command": line}).to_string()
}

impl Session {
    pub(super) fn new(name: &str) -> Self {
        Self { wanted_name: name.to_owned(), ..Self::default() }
    }

    /// The query that asks for missed messages; `None` on the first connection.
    pub(super) fn query(&self) -> Option<String> {
        let since = format!("since={}", self.last_seq?);
        Some(match &self.log {
            Some(log) => format!("{since}&log={log}"),
            None => since,
        })
    }

    /// The first message on a connection. What is pending has to be sent again after it.
    pub(super) fn sign_in(&mut self) -> String {
        self.id = None;
        self.contacts.begin_reconnect();
        self.resend();
        match &self.resume {
            Some(secret) => json!({"type": "username", "name": self.wanted_name, "resume": secret}).to_string(),
            None => self.username(),
        }
    }

    fn username(&self) -> String {
        json!({"type": "username", "name": self.wanted_name}).to_string()
    }

    pub(super) fn rename(&mut self, name: String) -> String {
        self.wanted_name = name;
        self.username()
    }

    /// Queues a message to the room, or to the user of a name.
    pub(super) fn send(&mut self, text: String, target: Option<String>) {
        // Who can guess it can block the message.
        let nonce = format!("{:032x}", rand::random::<u128>());
        self.pending.push(Pending { nonce, text, target, is_sent: false });
    }

    /// The next message to send. Private ones wait until it is known for whom they are.
    pub(super) fn next_unsent(&mut self) -> Option<String> {
        let knows_ids = self.contacts.knows_ids();
        let at = self.pending.iter().position(|next| !next.is_sent && (knows_ids || next.target.is_none()))?;
        let next = &mut self.pending[at];
        next.is_sent = true;
        let mut object = json!({"type": "message", "text": next.text, "nonce": next.nonce});
        if let Some(name) = &next.target {
            let id = self.resume.as_ref().and_then(|_| self.contacts.find(name));
            object["target"] = id.map_or_else(|| json!(name), |id| json!(id));
            // Only a server with a log confirms a private message to its sender.
            if self.log.is_none() {
                self.pending.remove(at);
            }
        }
        Some(object.to_string())
    }

    fn resend(&mut self) {
        let is_to_room = |pending: &&mut Pending| pending.target.is_none();
        self.pending.iter_mut().filter(is_to_room).for_each(|pending| pending.is_sent = false);
    }

    /// The connection was lost. Private messages are not resent, because the server does not detect duplicates of them.
    pub(super) fn connection_lost(&mut self) -> Vec<Event> {
        let (lost, kept): (Vec<_>, _) = mem::take(&mut self.pending).into_iter().partition(|it| it.target.is_some());
        self.pending = kept;
        let refused = |pending: Pending| Event::Refused {
            reason: "connection-lost".into(),
            explanation: "The connection was lost, so this private message may not have been delivered.".into(),
            text: Some(pending.text),
        };
        lost.into_iter().map(refused).collect()
    }

    /// The server has closed the connection because a message was too big, which must be the largest one. The others are resent.
    pub(super) fn refuse_largest(&mut self) -> Option<Event> {
        let sent = self.pending.iter().enumerate().filter(|(_, pending)| pending.is_sent);
        let (at, _) = sent.max_by_key(|(_, pending)| pending.text.len())?;
        Some(Event::Refused {
            reason: "too-long".into(),
            explanation: "The message is too big for the server.".into(),
            text: Some(self.pending.remove(at).text),
        })
    }

    /// How many messages the server has not sent back.
    pub(super) fn undelivered(&self) -> usize {
        self.pending.len()
    }

    /// Their texts.
    pub(super) fn take_undelivered(&mut self) -> Vec<String> {
        self.pending.drain(..).map(|pending| pending.text).collect()
    }

    /// Receives a message of the server. An unknown one is ignored: the server may be newer than this client.
    pub(super) fn receive(&mut self, text: &str) -> Received {
        let Some(object) = Object::parse(text) else { return Received::Nothing };
        let kind = object.string(Field::Type);
        let event = match kind.as_deref() {
            Some("id") => self.id(&object),
            Some("message") => self.message(&object),
            Some("error") => return self.error(&object),
            Some("userlist") => self.user_list(&object),
            Some("rejectusername") => self.named(&object),
            Some("username") => self.username_of(&object),
            Some("deleted") => Some(self.deleted(&object)),
            Some("notice") => Some(Event::Notice(object.text(Field::Text))),
            Some("gap") => Some(Event::Gap { missed: object.number(Field::Missed) }),
            _ => None,
        };
        event.map_or(Received::Nothing, Received::Event)
    }

    /// A new connection gets a deleted message in the place that it had.
    fn deleted(&mut self, object: &Object<'_>) -> Event {
        let seqs: Vec<u64> = object.get(Field::Seq).unwrap_or_default();
        self.last_seq = seqs.iter().copied().chain(self.last_seq).max();
        Event::Deleted { seqs }
    }

    fn is_own(&self, object: &Object<'_>) -> bool {
        self.id.is_some() && object.number(Field::Id) == self.id
    }

    /// This client's id, and the room's log. A new log has its own numbers.
    fn id(&mut self, object: &Object<'_>) -> Option<Event> {
        self.id = object.number(Field::Id);
        self.resume = object.string(Field::Resume);
        let log = object.string(Field::Log);
        if log != self.log {
            self.last_seq = object.number(Field::Seq).filter(|last| *last == 0);
            self.ids.clear();
        }
        self.log = log;
        if self.ids.last() != self.id.as_ref() {
            self.ids.extend(self.id);
            self.ids.drain(..self.ids.len().saturating_sub(MAX_IDS));
        }
        None
    }

    fn user_list(&mut self, object: &Object<'_>) -> Option<Event> {
        let names: Vec<String> = object.get(Field::Users).unwrap_or_default();
        let ids: Vec<UserId> = object.get(Field::Ids).unwrap_or_default();
        self.contacts.set_users(ids.into_iter().zip(names.iter().cloned()));
        Some(Event::Users(names))
    }

    /// A user signed in, or changed the name.
    fn username_of(&mut self, object: &Object<'_>) -> Option<Event> {
        let was = object.number(Field::Was);
        if self.is_own(object) {
            self.contacts.end_reconnect(was.is_some());
            if was.is_none() {
                // After a restart of the server, others may have the earlier ids.
                self.ids = self.id.into_iter().collect();
            }
            return self.named(object);
        }
        let name = object.text(Field::Name);
        if let Some(id) = object.number(Field::Id) {
            self.contacts.user_signed_in(id, &name, was);
        }
        Some(Event::Joined(name))
    }

    /// Reported once, though the server sends it twice if the name is not the requested one.
    fn named(&mut self, object: &Object<'_>) -> Option<Event> {
        let name = object.text(Field::Name);
        let before = self.reported_name.replace(name.clone());
        (before.as_ref() != Some(&name)).then_some(Event::Named(name))
    }

    fn message(&mut self, object: &Object<'_>) -> Option<Event> {
        let message = Message {
            seq: object.number(Field::Seq),
            date: object.number(Field::Date).unwrap_or(0),
            name: object.text(Field::Name),
            text: object.text(Field::Text),
            target: object.string(Field::Target),
            own: self.is_delivery(object),
        };
        // A reply to a duplicate, or an overlap of the history with what this client has seen.
        if message.seq.is_some() && message.seq <= self.last_seq {
            return None;
        }
        self.last_seq = message.seq.or(self.last_seq);
        if let Some(target) = &message.target {
            let (id, name) = match message.own {
                true => (object.number(Field::TargetId), target),
                false => (object.number(Field::Id), &message.name),
            };
            id.into_iter().for_each(|id| self.contacts.add_partner(id, name));
        }
        Some(Event::Message(message))
    }

    /// Whether it is this client's message, which is then delivered. Without a nonce, the text identifies it.
    fn is_delivery(&mut self, object: &Object<'_>) -> bool {
        let is_own = object.number(Field::Id).is_some_and(|id| self.ids.contains(&id));
        let nonce = object.string(Field::Nonce);
        let (text, is_private) = (object.text(Field::Text), object.string(Field::Target).is_some());
        let at = self.pending.iter().position(|pending| match &nonce {
            Some(nonce) => pending.nonce == *nonce,
            None => is_own && pending.text == text && pending.target.is_some() == is_private,
        });
        at.map(|at| self.pending.remove(at)).is_some() || is_own
    }

    fn error(&mut self, object: &Object<'_>) -> Received {
        let (reason, nonce) = (object.text(Field::Reason), object.string(Field::Nonce));
        let at = self.pending.iter().position(|pending| Some(&pending.nonce) == nonce.as_ref());
        if reason == "too-fast" {
            self.resend();
            at.into_iter().for_each(|at| self.pending[at].is_sent = false);
            return Received::TooFast;
        }
        let mut explanation = object.text(Field::About);
        let refused = at.map(|at| self.pending.remove(at));
        if let Some(name) = refused.as_ref().and_then(|refused| refused.target.as_ref()) {
            if reason == "no-such-user" && self.contacts.forget_partner(name) {
                explanation.push_str(" Another user has this name now. Send it again to reach that user.");
            }
        }
        Received::Event(Event::Refused { reason, explanation, text: refused.map(|refused| refused.text) })
    }
}

#[cfg(test)]
mod tests;

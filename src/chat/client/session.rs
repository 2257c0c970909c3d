//! The client's side of docs/PROTOCOL.md: what this client has seen, and what it has sent that is not yet delivered.
//!
//! It outlives a connection, and uses no sockets, threads or clocks.

use super::{Event, Message, contacts::Contacts};
use crate::chat::protocol::{Object, UserId};
use serde_json::json;
use std::mem;

/// Earlier connections of this client: the room's history may still contain messages of them that are pending.
const MAX_IDS: usize = 16;

/// The reason of a refusal that is not final: pause, then send what is pending.
pub(super) const TOO_FAST: &str = "too-fast";

#[derive(Debug, Default)]
pub(super) struct Session {
    /// The name that the user wants. The server may have given another one.
    wanted_name: String,
    /// This client's id on the current connection.
    id: Option<UserId>,
    /// It has a name on the current connection. Before that it does not know whether the server was restarted, with new ids.
    is_signed_in: bool,
    /// The ids of its connections, the last one at the end.
    ids: Vec<UserId>,
    /// The secret with which the next connection gets the name of this one.
    resume: Option<String>,
    /// The number of the last message of the room, and the token of the log that numbers it.
    last_seq: Option<u64>,
    log: Option<String>,
    /// Messages that the server has not sent back, in order.
    pub(super) pending: Vec<Pending>,
    contacts: Contacts,
}

#[derive(Debug)]
pub(super) struct Pending {
    nonce: String,
    pub(super) text: String,
    /// The name of the user, if it is a private message.
    target: Option<String>,
    is_sent: bool,
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
        Some(format!("since={}&log={}", self.last_seq?, self.log.as_ref()?))
    }

    /// The first message on a connection. What is pending has to be sent again after it.
    pub(super) fn sign_in(&mut self) -> String {
        (self.id, self.is_signed_in) = (None, false);
        self.contacts.users.clear();
        self.resend();
        self.username()
    }

    /// The secret has an effect in the first one on a connection only.
    fn username(&self) -> String {
        let mut object = json!({"type": "username", "name": self.wanted_name});
        self.resume.iter().for_each(|secret| object["resume"] = json!(secret));
        object.to_string()
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

    /// The next message to send, if fewer than `window` are in flight. Private ones wait until it is known for whom they are.
    pub(super) fn next_unsent(&mut self, window: usize) -> Option<String> {
        let is_full = self.pending.iter().filter(|next| next.is_sent).count() >= window;
        let may_send = |next: &&mut Pending| !next.is_sent && (self.is_signed_in || next.target.is_none());
        let next = self.pending.iter_mut().filter(|_| !is_full).find(may_send)?;
        next.is_sent = true;
        let mut object = json!({"type": "message", "text": next.text, "nonce": next.nonce});
        if let Some(name) = &next.target {
            object["target"] = self.contacts.find(name).map_or_else(|| json!(name), |id| json!(id));
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
        let explanation = "The connection was lost, so this private message may not have been delivered.";
        lost.into_iter().map(|pending| refused("connection-lost", explanation, pending.text)).collect()
    }

    /// The server has closed the connection because a message was too big, which must be the largest one. The others are resent.
    pub(super) fn refuse_largest(&mut self) -> Option<Event> {
        let sent = self.pending.iter().enumerate().filter(|(_, pending)| pending.is_sent);
        let (at, _) = sent.max_by_key(|(_, pending)| pending.text.len())?;
        Some(refused("too-long", "The message is too big for the server.", self.pending.remove(at).text))
    }

    /// Receives a message of the server. An unknown one is ignored: the server may be newer than this client.
    pub(super) fn receive(&mut self, text: &str) -> Option<Event> {
        let object = Object::parse(text)?;
        match object.get::<String>("type")?.as_str() {
            "id" => self.id(&object),
            "message" => self.message(&object),
            "error" => Some(self.error(&object)),
            "userlist" => Some(self.user_list(&object)),
            "username" => self.username_of(&object),
            "deleted" => Some(self.deleted(&object)),
            "notice" => Some(Event::Notice(object.text("text"))),
            "gap" => Some(Event::Gap { missed: object.get("missed") }),
            _ => None,
        }
    }

    /// A new connection gets a deleted message in the place that it had.
    fn deleted(&mut self, object: &Object<'_>) -> Event {
        let seqs: Vec<u64> = object.get("seq").unwrap_or_default();
        self.last_seq = seqs.iter().copied().chain(self.last_seq).max();
        Event::Deleted { seqs }
    }

    /// This client's id, and the room's log. A new log has its own numbers.
    fn id(&mut self, object: &Object<'_>) -> Option<Event> {
        self.id = object.get("id");
        self.resume = object.get("resume");
        let log: Option<String> = object.get("log");
        if log != self.log {
            self.last_seq = object.get("seq").filter(|last| *last == 0);
            self.ids.clear();
        }
        self.log = log;
        self.ids.extend(self.id);
        self.ids.dedup();
        self.ids.drain(..self.ids.len().saturating_sub(MAX_IDS));
        None
    }

    fn user_list(&mut self, object: &Object<'_>) -> Event {
        let names: Vec<String> = object.get("users").unwrap_or_default();
        let ids: Vec<UserId> = object.get("ids").unwrap_or_default();
        self.contacts.users = ids.into_iter().zip(names.iter().cloned()).collect();
        Event::Users(names)
    }

    /// A user signed in, or changed the name.
    fn username_of(&mut self, object: &Object<'_>) -> Option<Event> {
        let (was, name) = (object.get("was"), object.text("name"));
        if self.id.is_some() && object.get("id") == self.id {
            if !mem::replace(&mut self.is_signed_in, true) && was.is_none() {
                // The server may have been restarted.
                self.contacts.forget_ids();
                self.ids = self.id.into_iter().collect();
            }
            return Some(Event::Named(name));
        }
        if let Some(id) = object.get("id") {
            self.contacts.user_signed_in(id, &name, was);
        }
        Some(Event::Joined(name))
    }

    fn message(&mut self, object: &Object<'_>) -> Option<Event> {
        let message = Message {
            seq: object.get("seq"),
            date: object.get("date").unwrap_or(0),
            name: object.text("name"),
            text: object.text("text"),
            target: object.get("target"),
            own: self.is_own_message(object),
        };
        // A reply to a duplicate, or an overlap of the history with what this client has seen.
        if message.seq.is_some() && message.seq <= self.last_seq {
            return None;
        }
        self.last_seq = message.seq.or(self.last_seq);
        if let Some(target) = &message.target {
            let (id, name) = match message.own {
                true => (object.get("targetId"), target),
                false => (object.get("id"), &message.name),
            };
            id.into_iter().for_each(|id| self.contacts.add_partner(id, name));
        }
        Some(Event::Message(message))
    }

    /// Whether it is this client's message. With its nonce, it is delivered. The copy in the history has none: then the message is
    /// sent again, and the server answers with the nonce.
    fn is_own_message(&mut self, object: &Object<'_>) -> bool {
        let is_own = object.get("id").is_some_and(|id| self.ids.contains(&id));
        let at = self.find_pending(object);
        at.map(|at| self.pending.remove(at)).is_some() || is_own
    }

    /// The place of the pending message with the nonce of this object.
    fn find_pending(&self, object: &Object<'_>) -> Option<usize> {
        let nonce = object.get::<String>("nonce")?;
        self.pending.iter().position(|pending| pending.nonce == nonce)
    }

    fn error(&mut self, object: &Object<'_>) -> Event {
        let (reason, mut explanation) = (object.text("reason"), object.text("about"));
        let at = self.find_pending(object);
        if reason == TOO_FAST {
            self.resend();
            at.into_iter().for_each(|at| self.pending[at].is_sent = false);
            return Event::Refused { reason, explanation, text: None };
        }
        let refused = at.map(|at| self.pending.remove(at));
        if let Some(name) = refused.as_ref().and_then(|refused| refused.target.as_ref()) {
            if reason == "no-such-user" && self.contacts.forget_partner(name) {
                explanation.push_str(" Another user has this name now. Send it again to reach that user.");
            }
        }
        Event::Refused { reason, explanation, text: refused.map(|refused| refused.text) }
    }
}

fn refused(reason: &str, explanation: &str, text: String) -> Event {
    Event::Refused { reason: reason.into(), explanation: explanation.into(), text: Some(text) }
}

#[cfg(test)]
mod tests;

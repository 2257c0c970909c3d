//! The client's side of docs/PROTOCOL.md: what this client has seen, and what it has sent that is not yet delivered.
//!
//! It outlives a connection, and uses no sockets, threads or clocks.

use super::{Event, Message};
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(super) struct Session {
    name: String,
    /// The last name that the program was given.
    reported_name: Option<String>,
    /// This client's id on the current connection.
    id: Option<u64>,
    /// Its ids on earlier connections.
    earlier_ids: Vec<u64>,
    /// The number of the last message of the room, and the token of the log that numbers it.
    last_seq: Option<u64>,
    log: Option<String>,
    /// Messages that the server has not sent back, in order.
    pending: Vec<Pending>,
    /// Distinguishes this client's nonces.
    key: String,
    nonces: u64,
}

#[derive(Debug)]
struct Pending {
    nonce: String,
    text: String,
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

impl Session {
    /// `key` is random.
    pub(super) fn new(name: &str, key: String) -> Self {
        Self { name: name.to_owned(), key, ..Self::default() }
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
        self.earlier_ids.extend(self.id.take());
        self.resend();
        self.username()
    }

    fn username(&self) -> String {
        json!({"type": "username", "name": self.name}).to_string()
    }

    pub(super) fn rename(&mut self, name: String) -> String {
        self.name = name;
        self.username()
    }

    /// Queues a message to the room.
    pub(super) fn send(&mut self, text: String) {
        self.nonces += 1;
        let nonce = format!("{}-{}", self.key, self.nonces);
        self.pending.push(Pending { nonce, text, is_sent: false });
    }

    /// The next message to send.
    pub(super) fn next_unsent(&mut self) -> Option<String> {
        let next = self.pending.iter_mut().find(|pending| !pending.is_sent)?;
        next.is_sent = true;
        Some(json!({"type": "message", "text": next.text, "nonce": next.nonce}).to_string())
    }

    fn resend(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.is_sent = false);
    }

    /// How many messages the server has not sent back.
    pub(super) fn undelivered(&self) -> usize {
        self.pending.len()
    }

    /// Receives a message of the server. An unknown one is ignored: the server may be newer than this client.
    pub(super) fn receive(&mut self, text: &str) -> Received {
        let Ok(object) = serde_json::from_str::<Value>(text) else { return Received::Nothing };
        let event = match object["type"].as_str() {
            Some("id") => self.id(&object),
            Some("message") => self.message(&object),
            Some("error") if object["reason"] == "too-fast" => {
                self.resend();
                return Received::TooFast;
            }
            Some("error") => Some(self.refused(&object)),
            Some("userlist") => Some(Event::Users(strings(&object["users"]))),
            Some("rejectusername") => self.named(&object),
            Some("username") if self.is_own(&object) => self.named(&object),
            Some("username") => Some(Event::Joined(string(&object["name"]))),
            Some("gap") => Some(Event::Gap { missed: object["missed"].as_u64() }),
            _ => None,
        };
        event.map_or(Received::Nothing, Received::Event)
    }

    fn is_own(&self, object: &Value) -> bool {
        self.id.is_some() && object["id"].as_u64() == self.id
    }

    fn is_earlier(&self, object: &Value) -> bool {
        object["id"].as_u64().is_some_and(|id| self.earlier_ids.contains(&id))
    }

    /// This client's id, and the room's log. A new log has its own numbers.
    fn id(&mut self, object: &Value) -> Option<Event> {
        self.id = object["id"].as_u64();
        let log = object["log"].as_str().map(str::to_owned);
        if log != self.log {
            self.last_seq = object["seq"].as_u64().filter(|last| *last == 0);
        }
        self.log = log;
        None
    }

    /// Reported once, though the server sends it twice if the name is not the requested one.
    fn named(&mut self, object: &Value) -> Option<Event> {
        self.name = string(&object["name"]);
        let before = self.reported_name.replace(self.name.clone());
        (before.as_ref() != Some(&self.name)).then(|| Event::Named(self.name.clone()))
    }

    fn message(&mut self, object: &Value) -> Option<Event> {
        let message = Message {
            seq: object["seq"].as_u64(),
            date: object["date"].as_u64().unwrap_or(0),
            name: string(&object["name"]),
            text: string(&object["text"]),
            target: object["target"].as_str().map(str::to_owned),
            own: self.is_delivery(object),
        };
        // A reply to a duplicate, or an overlap of the history with what this client has seen.
        if message.seq.is_some() && message.seq <= self.last_seq {
            return None;
        }
        self.last_seq = message.seq.or(self.last_seq);
        Some(Event::Message(message))
    }

    /// Whether it is this client's message, which is then delivered. Messages of earlier connections have no nonce. There,
    /// the text identifies it.
    fn is_delivery(&mut self, object: &Value) -> bool {
        let is_own = self.is_own(object);
        let at = match object["nonce"].as_str() {
            Some(nonce) => self.pending.iter().position(|pending| pending.nonce == nonce),
            None if is_own || self.is_earlier(object) => {
                self.pending.iter().position(|pending| object["text"] == pending.text.as_str())
            }
            None => None,
        };
        at.map(|at| self.pending.remove(at)).is_some() || is_own
    }

    fn refused(&mut self, object: &Value) -> Event {
        let nonce = object["nonce"].as_str();
        let at = self.pending.iter().position(|pending| Some(pending.nonce.as_str()) == nonce);
        let text = at.map(|at| self.pending.remove(at).text);
        Event::Refused { reason: string(&object["reason"]), explanation: string(&object["about"]), text }
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new("ann", "k".into())
    }

    /// The events of these messages, as `Debug` writes them.
    fn receive(session: &mut Session, texts: &[&str]) -> Vec<String> {
        let events = texts.iter().filter_map(|text| match session.receive(text) {
            Received::Event(event) => Some(format!("{event:?}")),
            _ => None,
        });
        events.collect()
    }

    fn unsent(session: &mut Session) -> Vec<String> {
        std::iter::from_fn(|| session.next_unsent()).collect()
    }

    #[test]
    fn query_asks_for_messages_after_the_last_one() {
        let mut session = session();
        assert_eq!(session.query(), None);
        receive(&mut session, &[r#"{"type":"id","id":3,"seq":9,"log":"abc"}"#]);
        assert_eq!(session.query(), None, "the history comes next");
        receive(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
        receive(&mut session, &[r#"{"type":"message","name":"bob","text":"private","target":"ann"}"#]);
        assert_eq!(session.query().as_deref(), Some("since=8&log=abc"));
        let again = receive(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
        assert!(again.is_empty(), "{again:?}");
        receive(&mut session, &[r#"{"type":"id","id":1,"seq":1,"log":"new"}"#, r#"{"type":"gap"}"#]);
        let first = receive(&mut session, &[r#"{"type":"message","seq":1,"name":"bob","text":"x"}"#]);
        assert_eq!((first.len(), session.query().as_deref()), (1, Some("since=1&log=new")));
    }

    #[test]
    fn query_after_an_empty_room_begins_at_0() {
        let mut session = session();
        receive(&mut session, &[r#"{"type":"id","id":3,"seq":0,"log":"abc"}"#]);
        assert_eq!(session.query().as_deref(), Some("since=0&log=abc"));
    }

    #[test]
    fn undelivered_messages_are_resent_with_their_nonces() {
        let mut session = session();
        ["a", "b", "c"].into_iter().for_each(|text| session.send(text.into()));
        let sent = unsent(&mut session);
        assert_eq!(unsent(&mut session), Vec::<String>::new());
        receive(&mut session, &[r#"{"type":"message","seq":1,"id":7,"name":"ann","text":"b","nonce":"k-2"}"#]);
        assert_eq!(session.sign_in(), r#"{"name":"ann","type":"username"}"#);
        assert_eq!(unsent(&mut session), [sent[0].clone(), sent[2].clone()]);
        // The reply to a duplicate: the message counts as delivered, and is not shown twice.
        session.last_seq = Some(5);
        let shown =
            receive(&mut session, &[r#"{"type":"message","seq":4,"id":7,"name":"ann","text":"a","nonce":"k-1"}"#]);
        assert_eq!((shown.len(), session.undelivered()), (0, 1));
    }

    #[test]
    fn refusals_name_the_message() {
        let mut session = session();
        session.send("too long".into());
        session.send("quick".into());
        assert_eq!(unsent(&mut session).len(), 2);
        let received = session.receive(r#"{"type":"error","reason":"too-fast","about":"slow down","nonce":"k-2"}"#);
        assert!(matches!(received, Received::TooFast) && session.undelivered() == 2);
        assert_eq!(unsent(&mut session).len(), 2, "both are sent again");
        let shown = receive(&mut session, &[r#"{"type":"error","reason":"too-long","about":"x","nonce":"k-1"}"#]);
        assert_eq!(shown, [r#"Refused { reason: "too-long", explanation: "x", text: Some("too long") }"#]);
        assert_eq!(session.undelivered(), 1);
    }

    #[test]
    fn servers_without_nonces_are_understood() {
        let mut session = session();
        receive(&mut session, &[r#"{"type":"id","id":7}"#]);
        session.send("hi".into());
        receive(&mut session, &[r#"{"type":"message","id":8,"name":"bob","text":"hi"}"#]);
        assert_eq!(session.undelivered(), 1, "sent by another client");
        receive(&mut session, &[r#"{"type":"message","id":7,"name":"ann","text":"hi"}"#]);
        assert_eq!((session.undelivered(), session.query()), (0, None));
    }

    #[test]
    fn names_are_reported_once_and_unknown_messages_ignored() {
        let mut session = session();
        receive(&mut session, &[r#"{"type":"id","id":7}"#]);
        let shown = receive(
            &mut session,
            &[
                r#"{"type":"rejectusername","id":7,"name":"ann1"}"#,
                r#"{"type":"username","id":7,"name":"ann1"}"#,
                r#"{"type":"username","id":8,"name":"bob"}"#,
                r#"{"type":"userlist","users":["bob","ann1"]}"#,
                "not JSON",
                "[]",
                r#"{"type":"newer than this"}"#,
            ],
        );
        assert_eq!(shown, [r#"Named("ann1")"#, r#"Joined("bob")"#, r#"Users(["bob", "ann1"])"#]);
        assert_eq!(session.sign_in(), r#"{"name":"ann1","type":"username"}"#);
    }
}

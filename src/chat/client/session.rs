//! What a chat client knows, whatever connection it has at the moment: what it has seen, and what it has said that nobody
//! has acknowledged.
//!
//! Owns the client's side of docs/PROTOCOL.md, as rules: no sockets, no threads, no clocks.

use super::{Event, Said};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// What outlives a connection.
#[derive(Debug)]
pub(super) struct Session {
    name: String,
    /// The name that the program knows of.
    told: Option<String>,
    /// Our number on this connection.
    me: Option<u64>,
    /// The number of the last message of the room that was seen, and the token of its numbering.
    seen: Option<u64>,
    log: Option<String>,
    /// Said, and not yet heard again; in order.
    unheard: VecDeque<Unheard>,
    /// What makes our nonces different from everybody's.
    key: String,
    count: u64,
}

#[derive(Debug)]
struct Unheard {
    nonce: String,
    text: String,
}

impl Unheard {
    fn object(&self) -> String {
        json!({"type": "message", "text": self.text, "nonce": self.nonce}).to_string()
    }
}

/// What a message of the server amounts to.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) event: Option<Event>,
    /// We talk too fast: wait, then say what was not heard again.
    pub(super) too_fast: bool,
}

impl Session {
    /// `key` is random.
    pub(super) fn new(name: &str, key: String) -> Self {
        let (me, seen, log, unheard) = (None, None, None, VecDeque::new());
        Self { name: name.to_owned(), told: None, me, seen, log, unheard, key, count: 0 }
    }

    /// The query that asks for what was missed; `None` on the first connection.
    pub(super) fn query(&self) -> Option<String> {
        let since = format!("since={}", self.seen?);
        Some(match &self.log {
            Some(log) => format!("{since}&log={log}"),
            None => since,
        })
    }

    /// What is said first on each connection: the name, then all that was not heard.
    pub(super) fn greeting(&mut self) -> Vec<String> {
        self.me = None;
        let mut greeting = vec![self.sign_in()];
        greeting.extend(self.unheard.iter().map(Unheard::object));
        greeting
    }

    /// The nonces of all that was not heard, in order.
    pub(super) fn nonces(&self) -> impl Iterator<Item = String> {
        self.unheard.iter().map(|said| said.nonce.clone())
    }

    /// What was said with that nonce, to be said again; `None`: it was heard meanwhile.
    pub(super) fn again(&self, nonce: &str) -> Option<String> {
        self.unheard.iter().find(|said| said.nonce == nonce).map(Unheard::object)
    }

    /// Something new to be said to the room.
    pub(super) fn say(&mut self, text: String) -> String {
        self.count += 1;
        let nonce = format!("{}-{}", self.key, self.count);
        let said = Unheard { nonce, text };
        let object = said.object();
        self.unheard.push_back(said);
        object
    }

    /// Another name.
    pub(super) fn rename(&mut self, name: String) -> String {
        self.name = name;
        self.sign_in()
    }

    fn sign_in(&self) -> String {
        json!({"type": "username", "name": self.name}).to_string()
    }

    pub(super) fn unheard(&self) -> usize {
        self.unheard.len()
    }

    /// What the server says. What is not understood is passed over: it may be newer than this client.
    pub(super) fn hear(&mut self, text: &str) -> Heard {
        let Ok(object) = serde_json::from_str::<Value>(text) else { return Heard::default() };
        let event = match object["type"].as_str() {
            Some("id") => self.id(&object),
            Some("message") => self.message(&object),
            Some("error") => return self.error(&object),
            Some("userlist") => Some(Event::Users(strings(&object["users"]))),
            Some("rejectusername") => self.named(&object),
            Some("username") if self.me.is_some() && object["id"].as_u64() == self.me => self.named(&object),
            Some("username") => Some(Event::Joined(string(&object["name"]))),
            Some("gap") => Some(Event::Gap { missed: object["missed"].as_u64() }),
            _ => None,
        };
        Heard { event, too_fast: false }
    }

    /// Who we are now, and which numbering this is. Another one than before begins anew.
    fn id(&mut self, object: &Value) -> Option<Event> {
        self.me = object["id"].as_u64();
        let log = object["log"].as_str().map(str::to_owned);
        if log != self.log {
            self.seen = object["seq"].as_u64().filter(|last| *last == 0);
        }
        self.log = log;
        None
    }

    /// Told once, though the server says it twice where it gave another name than the one asked for.
    fn named(&mut self, object: &Value) -> Option<Event> {
        self.name = string(&object["name"]);
        let told = self.told.as_ref() == Some(&self.name);
        self.told = Some(self.name.clone());
        (!told).then(|| Event::Named(self.name.clone()))
    }

    fn message(&mut self, object: &Value) -> Option<Event> {
        let said = Said {
            seq: object["seq"].as_u64(),
            date: object["date"].as_u64().unwrap_or(0),
            name: string(&object["name"]),
            text: string(&object["text"]),
            target: object["target"].as_str().map(str::to_owned),
            own: self.is_ours(object),
        };
        // Told to us alone, because we said it twice; or told again by a history that overlaps.
        if said.seq.is_some() && said.seq <= self.seen {
            return None;
        }
        self.seen = said.seq.or(self.seen);
        Some(Event::Said(said))
    }

    /// Whether it is one of ours, which is heard by this. A server that knows no nonces is believed the text.
    fn is_ours(&mut self, object: &Value) -> bool {
        let mine = self.me.is_some() && object["id"].as_u64() == self.me;
        let at = match object["nonce"].as_str() {
            Some(nonce) => self.unheard.iter().position(|said| said.nonce == nonce),
            None if mine => self.unheard.iter().position(|said| object["text"] == said.text.as_str()),
            None => None,
        };
        at.map(|at| self.unheard.remove(at)).is_some() || mine
    }

    /// `too-fast` is no refusal for ever; all others are.
    fn error(&mut self, object: &Value) -> Heard {
        let reason = string(&object["reason"]);
        let nonce = object["nonce"].as_str();
        let at = self.unheard.iter().position(|said| Some(said.nonce.as_str()) == nonce);
        if reason == "too-fast" {
            return Heard { event: None, too_fast: true };
        }
        let text = at.and_then(|at| self.unheard.remove(at)).map(|said| said.text);
        let event = Event::Refused { reason, about: string(&object["about"]), text };
        Heard { event: Some(event), too_fast: false }
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

    /// The event of each, as `Debug` writes it.
    fn hear(session: &mut Session, texts: &[&str]) -> Vec<String> {
        texts.iter().filter_map(|text| session.hear(text).event.map(|event| format!("{event:?}"))).collect()
    }

    #[test]
    fn what_was_seen_is_asked_for_no_more() {
        let mut session = session();
        assert_eq!(session.query(), None);
        hear(&mut session, &[r#"{"type":"id","id":3,"seq":9,"log":"abc"}"#]);
        assert_eq!(session.query(), None, "the history is still to come");
        hear(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
        hear(&mut session, &[r#"{"type":"message","name":"bob","text":"private","target":"ann"}"#]);
        assert_eq!(session.query().as_deref(), Some("since=8&log=abc"));
        let again = hear(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
        assert!(again.is_empty(), "{again:?}");
        hear(&mut session, &[r#"{"type":"id","id":1,"seq":1,"log":"new"}"#, r#"{"type":"gap"}"#]);
        let first = hear(&mut session, &[r#"{"type":"message","seq":1,"name":"bob","text":"x"}"#]);
        assert_eq!((first.len(), session.query().as_deref()), (1, Some("since=1&log=new")));
    }

    #[test]
    fn an_empty_room_has_been_seen() {
        let mut session = session();
        hear(&mut session, &[r#"{"type":"id","id":3,"seq":0,"log":"abc"}"#]);
        assert_eq!(session.query().as_deref(), Some("since=0&log=abc"));
    }

    #[test]
    fn what_was_not_heard_is_said_again_with_its_nonce() {
        let mut session = session();
        let said: Vec<_> = ["a", "b", "c"].into_iter().map(|text| session.say(text.into())).collect();
        hear(&mut session, &[r#"{"type":"message","seq":1,"id":7,"name":"ann","text":"b","nonce":"k-2"}"#]);
        let greeting = session.greeting();
        assert_eq!(greeting[1..], [said[0].clone(), said[2].clone()]);
        assert_eq!(greeting[0], r#"{"name":"ann","type":"username"}"#);
        // The same message again, to us alone: it counts as heard, and is not shown twice.
        session.seen = Some(5);
        let shown = hear(&mut session, &[r#"{"type":"message","seq":4,"id":7,"name":"ann","text":"a","nonce":"k-1"}"#]);
        assert_eq!((shown.len(), session.unheard()), (0, 1));
    }

    #[test]
    fn refusals_name_what_they_refuse() {
        let mut session = session();
        session.say("too long".into());
        session.say("quick".into());
        let heard = session.hear(r#"{"type":"error","reason":"too-fast","about":"slow down","nonce":"k-2"}"#);
        assert!(heard.too_fast && heard.event.is_none() && session.unheard() == 2);
        let shown = hear(&mut session, &[r#"{"type":"error","reason":"too-long","about":"x","nonce":"k-1"}"#]);
        assert_eq!(shown, [r#"Refused { reason: "too-long", about: "x", text: Some("too long") }"#]);
        assert_eq!(session.unheard(), 1);
    }

    #[test]
    fn a_server_without_nonces_is_understood() {
        let mut session = session();
        hear(&mut session, &[r#"{"type":"id","id":7}"#]);
        session.say("hi".into());
        hear(&mut session, &[r#"{"type":"message","id":8,"name":"bob","text":"hi"}"#]);
        assert_eq!(session.unheard(), 1, "that was somebody else");
        hear(&mut session, &[r#"{"type":"message","id":7,"name":"ann","text":"hi"}"#]);
        assert_eq!((session.unheard(), session.query()), (0, None));
    }

    #[test]
    fn names_and_rubbish() {
        let mut session = session();
        hear(&mut session, &[r#"{"type":"id","id":7}"#]);
        let shown = hear(
            &mut session,
            &[
                r#"{"type":"rejectusername","id":7,"name":"ann1"}"#,
                r#"{"type":"username","id":7,"name":"ann1"}"#,
                r#"{"type":"username","id":8,"name":"bob"}"#,
                r#"{"type":"userlist","users":["bob","ann1"]}"#,
                "rubbish",
                "[]",
                r#"{"type":"newer than this"}"#,
            ],
        );
        assert_eq!(shown, [r#"Named("ann1")"#, r#"Joined("bob")"#, r#"Users(["bob", "ann1"])"#]);
        assert_eq!(session.greeting(), [r#"{"name":"ann1","type":"username"}"#]);
    }
}

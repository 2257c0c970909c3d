//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.
//!
//! Owns how notices are written; `json/parse.rs` reads commands. Writing is the hot path: every byte
//! goes straight into the caller's buffer, with no value tree and no strings in between.

use super::{ClientMessage, Name, ProtocolError, ServerMessage, StoredMessage};
use std::sync::Arc;

mod parse;

/// Whether `<`, `>` and `&` in names and texts are written as HTML entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// Yes: for clients that write what arrives with `innerHTML`.
    Escaped,
    /// No.
    AsTyped,
}

/// Reads one object.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    parse::command(text)
}

/// Writes one object; false for what is said in lines of text only.
pub(super) fn encode(notice: &ServerMessage, markup: Markup, out: &mut String) -> bool {
    let mut object = Object { out, markup };
    match notice {
        ServerMessage::Id { id, seq, log } => {
            object.start("id").number("id", *id).number("seq", *seq).string("log", log)
        }
        ServerMessage::RejectUsername { id, name } => {
            object.start("rejectusername").number("id", *id).string("name", name)
        }
        ServerMessage::UserList(users) => object.start("userlist").strings("users", users),
        ServerMessage::Username { name, id, date } => {
            object.start("username").string("name", name).number("id", *id).number("date", *date)
        }
        ServerMessage::Message(entry) | ServerMessage::Past(entry) => object.entry(entry),
        ServerMessage::Gap { missed: None } => object.start("gap"),
        ServerMessage::Gap { missed: Some(missed) } => object.start("gap").number("missed", *missed),
        ServerMessage::Private { name, text, id, date, audience, nonce } => object
            .start("message")
            .string("name", name)
            .string("text", text)
            .number("id", *id)
            .number("date", *date)
            .string("target", audience.target())
            .nonce(nonce),
        ServerMessage::Error(problem) => object
            .start("error")
            .string("reason", problem.reason.word())
            .string("about", &problem.about)
            .nonce(&problem.nonce),
        ServerMessage::Handshake { request, response } => {
            object.start("handshake").lines("request", request).lines("response", response)
        }
        ServerMessage::Left { .. } | ServerMessage::You { .. } | ServerMessage::Users(_) | ServerMessage::Help => {
            return false;
        }
    };
    out.push('}');
    true
}

/// The rooms and how many users each has, as one object.
#[must_use]
pub fn rooms<'a>(rooms: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let mut out = String::from("{\"rooms\":[");
    for (nth, (name, users)) in rooms.into_iter().enumerate() {
        out.push_str(if nth == 0 { "{\"name\":" } else { ",{\"name\":" });
        push_string(name, Markup::Escaped, &mut out);
        out.push_str(",\"users\":");
        push_number(users as u64, &mut out);
        out.push('}');
    }
    out.push_str("]}");
    out
}

/// An object that is being written; its closing brace is not there yet.
struct Object<'a> {
    out: &'a mut String,
    markup: Markup,
}

impl Object<'_> {
    /// `kind` and the field names below are our own words and need no escaping.
    fn start(&mut self, kind: &str) -> &mut Self {
        self.out.push_str("{\"type\":\"");
        self.out.push_str(kind);
        self.out.push('"');
        self
    }

    fn field(&mut self, name: &str) {
        self.out.push_str(",\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// An array of the lines of a text.
    fn lines(&mut self, name: &str, text: &str) -> &mut Self {
        self.field(name);
        let mut before = '[';
        for line in text.lines() {
            self.out.push(before);
            push_string(line, self.markup, self.out);
            before = ',';
        }
        self.out.push_str(if before == '[' { "[]" } else { "]" });
        self
    }

    fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.field(name);
        push_number(value, self.out);
        self
    }

    fn string(&mut self, name: &str, value: &str) -> &mut Self {
        self.field(name);
        push_string(value, self.markup, self.out);
        self
    }

    fn strings(&mut self, name: &str, values: &[Name]) -> &mut Self {
        self.field(name);
        let mut separator = '[';
        for value in values {
            self.out.push(separator);
            push_string(value, self.markup, self.out);
            separator = ',';
        }
        self.out.push_str(if values.is_empty() { "[]" } else { "]" });
        self
    }

    fn entry(&mut self, entry: &StoredMessage) -> &mut Self {
        self.start("message")
            .string("name", &entry.name)
            .string("text", &entry.text)
            .number("id", entry.id)
            .number("date", entry.date)
            .number("seq", entry.seq)
            .nonce(&entry.nonce)
    }

    fn nonce(&mut self, nonce: &Option<Arc<str>>) -> &mut Self {
        match nonce {
            Some(nonce) => self.string("nonce", nonce),
            None => self,
        }
    }
}

/// Decimal digits, without the detour through `fmt`.
fn push_number(mut value: u64, out: &mut String) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|&digit| char::from(digit)));
}

/// A JSON string (RFC 8259 7). Everything between two special bytes is copied in one piece; the
/// special bytes are all ASCII, so that the cuts are on character boundaries.
fn push_string(value: &str, markup: Markup, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in value.bytes().enumerate() {
        if is_special(byte, markup) {
            out.push_str(&value[copied..at]);
            push_escape(byte, out);
            copied = at + 1;
        }
    }
    out.push_str(&value[copied..]);
    out.push('"');
}

fn is_special(byte: u8, markup: Markup) -> bool {
    match byte {
        0..0x20 | b'"' | b'\\' => true,
        b'<' | b'>' | b'&' => markup == Markup::Escaped,
        _ => false,
    }
}

fn push_escape(byte: u8, out: &mut String) {
    out.push_str(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'&' => "&amp;",
        control => return push_control(control, out),
    });
}

fn push_control(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\u00");
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

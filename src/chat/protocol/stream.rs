//! The dialects of HTTP streams: server-sent events, JSON lines and lines of text. They have the messages of a room, and
//! nothing about its users.

use super::{Dialect, ServerMessage, text};

pub(super) const SSE: &str = "text/event-stream";
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const LINES: &str = "text/plain; charset=utf-8";

/// One event or line, with its end; `None` for a message that a stream does not have.
pub(super) fn encode(dialect: Dialect, message: &ServerMessage) -> Option<String> {
    let (event, seq) = match message {
        ServerMessage::Message(message) | ServerMessage::History(message) => (None, Some(message.seq)),
        ServerMessage::Id { seq, .. } => (Some("id"), Some(*seq)),
        ServerMessage::Gap { .. } => (Some("gap"), None),
        _ => return None,
    };
    if dialect == Dialect::Lines {
        return text::encode(message).map(|line| line + "\n");
    }
    let json = match message {
        // A stream has no user, who could come back.
        ServerMessage::Id { seq, log, .. } => format!(r#"{{"type":"id","seq":{seq},"log":"{log}"}}"#),
        _ => serde_json::to_string(message).ok()?,
    };
    if dialect == Dialect::Ndjson {
        return Some(json + "\n");
    }
    let event = event.map(|event| format!("event: {event}\n")).unwrap_or_default();
    let id = seq.map(|seq| format!("id: {seq}\n")).unwrap_or_default();
    Some(format!("{event}{id}data: {json}\n\n"))
}

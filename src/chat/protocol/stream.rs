//! The dialects of HTTP streams: server-sent events, JSON lines and lines of text. They have the messages of a room, and
//! nothing about its users.

use super::{Dialect, ServerMessage, StoredMessage};

pub(super) const SSE: &str = "text/event-stream";
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const LINES: &str = "text/plain; charset=utf-8";

/// Whether streams have this message.
pub(super) fn has(message: &ServerMessage) -> bool {
    use ServerMessage::{Deleted, Gap, History, Id, Message};
    matches!(message, Message(_) | History(_) | Id { .. } | Gap { .. } | Deleted { .. })
}

/// The JSON object of a message.
pub(super) fn object(message: &ServerMessage) -> Option<String> {
    match message {
        // A stream has no user, so it needs no secret to come back with.
        ServerMessage::Id { seq, log, .. } => Some(format!(r#"{{"type":"id","seq":{seq},"log":"{log}"}}"#)),
        // Some libraries end a line at these characters. In JSON, they are in strings only.
        _ => Some(serde_json::to_string(message).ok()?.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")),
    }
}

/// One event or line, with its end.
pub(super) fn frame(dialect: Dialect, message: &ServerMessage, text: &str) -> String {
    if dialect != Dialect::Sse {
        return format!("{text}\n");
    }
    match message {
        ServerMessage::Message(StoredMessage { seq, .. }) | ServerMessage::History(StoredMessage { seq, .. }) => {
            format!("id: {seq}\ndata: {text}\n\n")
        }
        ServerMessage::Id { seq, .. } => format!("event: id\nid: {seq}\ndata: {text}\n\n"),
        ServerMessage::Deleted { .. } => format!("event: deleted\ndata: {text}\n\n"),
        _ => format!("event: gap\ndata: {text}\n\n"),
    }
}

//! The dialects of HTTP streams: server-sent events, JSON lines and lines of text. They have the messages of a room, and
//! nothing about its users.

use super::{Dialect, ServerMessage, text};

/// One event or line, with its end; `None` if streams do not have this message.
pub(super) fn encode(dialect: Dialect, message: &ServerMessage) -> Option<String> {
    let (event, seq) = match message {
        ServerMessage::Message(stored) | ServerMessage::History(stored) => ("", Some(&stored.seq)),
        ServerMessage::Id { seq, .. } => ("event: id\n", Some(seq)),
        ServerMessage::Deleted { .. } => ("event: deleted\n", None),
        ServerMessage::Gap { .. } => ("event: gap\n", None),
        _ => return None,
    };
    let object = match message {
        _ if dialect == Dialect::Lines => text::encode(message)?,
        // A stream has no user, so it needs no secret to come back with.
        ServerMessage::Id { seq, log, .. } => format!(r#"{{"type":"id","seq":{seq},"log":"{log}"}}"#),
        // Some libraries end a line at these characters. In JSON, they are in strings only.
        _ => serde_json::to_string(message).ok()?.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"),
    };
    if dialect != Dialect::Sse {
        return Some(object + "\n");
    }
    let id = seq.map(|seq| format!("id: {seq}\n")).unwrap_or_default();
    Some(format!("{event}{id}data: {object}\n\n"))
}

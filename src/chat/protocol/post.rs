//! A message to a room or a user, from a connection or in an HTTP request of its own.

use super::{Name, Target};
use serde::Serialize;
use std::sync::Arc;

/// A message. Only its form has been checked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Post {
    /// The name that it is sent under, if it comes without a connection. Default: `guest`.
    pub name: Option<String>,
    /// The text, as it was typed.
    pub text: Arc<str>,
    /// The user for a private message.
    pub target: Option<Target>,
    /// The client's identifier for this message, 1 to [`MAX_NONCE_CHARS`](super::MAX_NONCE_CHARS) characters. A second
    /// message to the room with the same nonce is not broadcast again.
    pub nonce: Option<Arc<str>>,
}

impl Post {
    /// A text without its last line break, which command-line tools add.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        Self { name: None, text: line.into(), target: None, nonce: None }
    }
}

/// What the sender of a [`Post`] without a connection gets: in JSON, the object of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The message's number; `None` for a private message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The room, as its first user wrote it. The lobby's name is empty.
    pub room: Arc<str>,
    /// The name that the message was sent under, if it is not the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

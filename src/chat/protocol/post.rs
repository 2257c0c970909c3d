//! A message that comes in an HTTP request of its own, and the answer to it.

use super::{MAX_NONCE_CHARS, Name, ProtocolError, Target, UserId};
use serde::Serialize;
use std::sync::Arc;

/// A message without a connection. Only its form has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The name that it is sent under. Default: `guest`.
    pub name: Option<String>,
    /// The text, as it was sent.
    pub text: Arc<str>,
    /// The user for a private message.
    pub target: Option<Target>,
    /// As in [`ClientMessage::Message`](super::ClientMessage::Message).
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

    /// Adds a field from outside the body, if the body does not have it: `name`, `target` or `nonce`.
    ///
    /// # Errors
    /// The nonce has a wrong length.
    pub fn add(&mut self, field: &str, value: String) -> Result<(), ProtocolError> {
        match field {
            "name" if self.name.is_none() => self.name = Some(value),
            "target" if self.target.is_none() => self.target = Some(Target::Name(value)),
            "nonce" if self.nonce.is_none() => self.nonce = Some(checked_nonce(value)?),
            _ => {}
        }
        Ok(())
    }
}

/// The nonce, if it has the right length.
pub(super) fn checked_nonce(nonce: String) -> Result<Arc<str>, ProtocolError> {
    const NONCE: &str = "\"nonce\" must be a string of 1 to 64 characters.";
    let is_right = (1..=MAX_NONCE_CHARS).contains(&nonce.chars().take(MAX_NONCE_CHARS + 1).count());
    if is_right { Ok(nonce.into()) } else { Err(ProtocolError::missing_field(NONCE)) }
}

/// What the sender of a [`Post`] gets: in JSON, the object of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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
    /// The name of the target of a private message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Name>,
    /// The number of the target's connection.
    #[serde(rename = "targetId", skip_serializing_if = "Option::is_none")]
    pub target_id: Option<UserId>,
}

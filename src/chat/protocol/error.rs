//! Why the server rejected a message.

use serde::Serialize;
use std::{borrow::Cow, sync::Arc};

/// Declares the reasons, each with its usual sentence: what is wrong, and what to do.
macro_rules! reasons {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $reason:ident = $sentence:literal,)+ }) => {
        $(#[$about])*
        pub enum $name {
            $($(#[$doc])* $reason,)+
        }

        /// A rejection with the usual sentence for its reason.
        impl From<$name> for ProtocolError {
            fn from(reason: $name) -> Self {
                Self::new(reason, match reason { $($name::$reason => $sentence,)+ })
            }
        }
    };
}

reasons! {
    /// The reason of a rejection. On the wire it is a stable word for programs, such as `too-long`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum ErrorReason {
        /// The message is not a JSON object.
        BadJson = "This is not a JSON object. Send one object in each message.",
        /// The object's type, or the command, is unknown.
        UnknownType = "The type is unknown. Send \"username\" or \"message\".",
        /// A field is missing, empty, or not a string.
        MissingField = "A field is missing, or is not a string.",
        /// The name is not allowed. The user has another one now.
        BadName = "This name is not allowed. Use 1 to 32 visible characters, and letters of one script.",
        /// A message from a user without a name.
        NoName = "You have no name yet. Choose a name first.",
        /// The text is longer than the rules allow.
        TooLong = "The text is too long. Send it in several messages.",
        /// More messages or KiB a second than the rules allow.
        TooFast = "You are sending too fast. Wait a moment.",
        /// The target is not in the room.
        NoSuchUser = "There is no such user in this room.",
        /// Too many rooms, or the history does not answer: for a [`Post`](super::Post) only.
        Unavailable = "The server cannot take this message now. Send it again later.",
        /// A binary message: the protocol consists of text messages.
        NotText = "This server accepts text messages only, not binary ones.",
        /// A command for operators, from a connection without the admin token.
        NotAdmin = "Only operators may do this. Connect with the admin token (--admin-token-file).",
        /// A command for operators that is wrong, or cannot be executed.
        BadCommand = "This command is wrong.",
        /// An operator has muted the user.
        Muted = "An operator has muted you.",
        /// An operator has slowed the room down.
        SlowMode = "An operator has slowed this room down. Wait, then send it again.",
    }
}

/// A rejection, as the client receives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProtocolError {
    /// The reason, for programs.
    pub reason: ErrorReason,
    /// A sentence for people.
    #[serde(rename = "about")]
    pub message: Cow<'static, str>,
    /// The nonce of the message that was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Arc<str>>,
    /// In how many seconds the same message may be accepted, if that is known. Otherwise 0.
    #[serde(skip)]
    pub retry_after: u64,
}

impl ProtocolError {
    /// A rejection with its own sentence.
    pub fn new(reason: ErrorReason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into(), nonce: None, retry_after: 0 }
    }

    /// A message that must wait for so many microseconds.
    pub(crate) fn too_fast(wait: u64) -> Self {
        Self { retry_after: wait.div_ceil(1_000_000), ..ErrorReason::TooFast.into() }
    }

    /// A field is missing, empty, or not a string, as this sentence says.
    pub(crate) fn missing_field(sentence: &'static str) -> Self {
        Self::new(ErrorReason::MissingField, sentence)
    }

    /// The same rejection, for the message with this nonce.
    #[must_use]
    pub fn with_nonce(self, nonce: Option<Arc<str>>) -> Self {
        Self { nonce, ..self }
    }
}

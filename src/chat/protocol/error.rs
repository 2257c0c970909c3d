//! Why something that a client sent was refused.
//!
//! Owns the stable words and their sentences. Knows neither the dialects nor the rules that refuse.

use std::borrow::Cow;
use std::sync::Arc;

/// Why something was refused: `reason` of the object `error`. Each has a stable [`word`](Self::word) for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorReason {
    /// The message is not a JSON object.
    BadJson,
    /// The object's type, or the command, is not one that the server knows.
    UnknownType,
    /// A field is missing, empty, or not a string.
    MissingField,
    /// Something was said before a name was given.
    NoName,
    /// The text is longer than the rules allow.
    TooLong,
    /// More messages a second than the rules allow.
    TooFast,
    /// Nobody of that name is here.
    NoSuchUser,
    /// A binary message: the chat speaks text.
    NotText,
}

impl ErrorReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::BadJson,
        Self::UnknownType,
        Self::MissingField,
        Self::NoName,
        Self::TooLong,
        Self::TooFast,
        Self::NoSuchUser,
        Self::NotText,
    ];

    /// The stable word that goes over the wire as `reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BadJson => "bad-json",
            Self::UnknownType => "unknown-type",
            Self::MissingField => "missing-field",
            Self::NoName => "no-name",
            Self::TooLong => "too-long",
            Self::TooFast => "too-fast",
            Self::NoSuchUser => "no-such-user",
            Self::NotText => "not-text",
        }
    }

    /// A sentence for people: what is wrong, and what to do. A [`ProtocolError`] may say it more exactly.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::BadJson => "That is not a JSON object. Send one object in each message.",
            Self::UnknownType => "The type is not known. Send \"username\" or \"message\".",
            Self::MissingField => "A field is missing, or is not a string.",
            Self::NoName => "Nobody knows who you are. Choose a name first.",
            Self::TooLong => "The text is too long. Say it in several messages.",
            Self::TooFast => "You are sending too fast. Wait a moment.",
            Self::NoSuchUser => "Nobody of that name is here.",
            Self::NotText => "The chat speaks text. Send text messages, not binary ones.",
        }
    }
}

/// A refusal, as it is told to the one who is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolError {
    /// The reason, for programs.
    pub reason: ErrorReason,
    /// A sentence for people.
    pub about: Cow<'static, str>,
    /// What the client called the message that was refused.
    pub nonce: Option<Arc<str>>,
}

impl ProtocolError {
    /// A refusal with a sentence of its own.
    pub fn new(reason: ErrorReason, about: impl Into<Cow<'static, str>>) -> Self {
        let about = about.into();
        Self { reason, about, nonce: None }
    }

    /// The same refusal, of the message that the client called so.
    #[must_use]
    pub fn of(mut self, nonce: Option<Arc<str>>) -> Self {
        self.nonce = nonce;
        self
    }
}

impl From<ErrorReason> for ProtocolError {
    fn from(reason: ErrorReason) -> Self {
        Self::new(reason, reason.about())
    }
}

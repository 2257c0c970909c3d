//! What clients and server say to each other, as types, and the dialects that read and write them.
//!
//! Owns the words of the protocol: [`ClientMessage`] (a client speaks), [`ServerMessage`] (the server speaks),
//! [`ProtocolError`] (why a command was refused). Knows nothing of who is in the chat, nor of sockets:
//! a dialect turns one text message into one command, and one notice into one text message.

use std::sync::Arc;

mod base36;
mod byte_budget;
mod calendar;
mod error;
mod json;
mod marks;
mod stored_message;
mod text;

pub(crate) use base36::base36;
pub use byte_budget::ByteBudget;
pub use calendar::civil;
pub use error::{ErrorReason, ProtocolError};
pub use json::rooms as rooms_json;
pub(crate) use marks::is_mark;
pub use stored_message::StoredMessage;
pub use text::{harmless, harmless_name};

/// A connection's own number, given by the server, below 2^53 (so that JavaScript can hold it).
pub type UserId = u64;

/// Milliseconds; as a date, those since 1970-01-01T00:00:00Z.
pub type Millis = u64;

/// The longest `nonce`, in characters.
pub const MOST_NONCE_CHARS: usize = 64;

/// A user's name as it is shown. Cheap to clone.
pub type Name = Arc<str>;

/// One of the languages of the chat; chosen for each connection in its handshake (RFC 6455 1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON objects for clients that write what arrives with `innerHTML`: names and texts are escaped.
    Json,
    /// The same JSON objects, text as it was typed.
    Chinwag,
    /// Lines of plain text, for people with `websocat` and for tiny devices.
    Text,
}

impl Dialect {
    /// Every dialect, each at its own [`index`](Self::index).
    pub const ALL: [Self; 3] = [Self::Json, Self::Chinwag, Self::Text];

    /// The subprotocol's name, as in `Sec-WebSocket-Protocol`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Chinwag => "chinwag.v1",
            Self::Text => "text",
        }
    }

    /// The dialect of that subprotocol name; names are compared exactly (RFC 6455 4.2.2).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// A small number for tables with a place for each dialect: 0, 1 or 2.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// What a client said with one text message.
    ///
    /// # Errors
    /// The [`ProtocolError`] to answer with, when it is not something that a client may say.
    pub fn decode(self, text: &str) -> Result<ClientMessage, ProtocolError> {
        match self {
            // What goes beyond MDN's objects is not for clients that only know those.
            Self::Json => json::decode(text).and_then(|command| match command {
                ClientMessage::Inspect | ClientMessage::Drop => Err(ErrorReason::UnknownType.into()),
                known => Ok(known),
            }),
            Self::Chinwag => json::decode(text),
            Self::Text => text::decode(text),
        }
    }

    /// Appends the notice, as the content of exactly one text message, to `out`.
    ///
    /// Returns false, and appends nothing, if this dialect has no words for it: then nothing is sent.
    pub fn encode(self, notice: &ServerMessage, out: &mut String) -> bool {
        match self {
            Self::Json => json::encode(notice, json::Markup::Escaped, out),
            Self::Chinwag => json::encode(notice, json::Markup::AsTyped, out),
            Self::Text => text::encode(notice, out),
        }
    }
}

/// What a client says. Nothing in it is checked beyond its form: the chat decides what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientMessage {
    /// Sign in with this name, or change to it.
    SetName(String),
    /// Say something: to the room, or to one user only.
    Say {
        /// What is said, as it was typed. Allocated once, here, and shared from then on.
        text: Arc<str>,
        /// The name of the only user that shall hear it.
        target: Option<String>,
        /// What the client calls this message, 1 to [`MOST_NONCE_CHARS`] characters: under one such name it is said once.
        nonce: Option<Arc<str>>,
    },
    /// Show me the handshake of this connection, as the server saw it (dialect `chinwag.v1` only).
    Inspect,
    /// Cut this connection without a Close frame, to see what that looks like (dialect `chinwag.v1` only).
    Drop,
    /// `/users` (dialect `text` only, like those that follow): who is here?
    ListUsers,
    /// `/help`: what can I type?
    Help,
    /// `/quit`: close the connection, please.
    Quit,
    /// `/word` for any other word, given without its slash.
    UnknownCommand(String),
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerMessage {
    /// To a new connection: its number, and where its room's numbers are.
    Id {
        /// The connection's own.
        id: UserId,
        /// The number of the room's last message; 0: there is none.
        seq: u64,
        /// Names the numbering: another one than before means that the numbers began anew.
        log: Arc<str>,
    },
    /// To the requester: the name asked for was not to be had, this one was given instead.
    RejectUsername {
        /// The requester's connection.
        id: UserId,
        /// The name it was given.
        name: Name,
    },
    /// To the room: all its named users, in order of joining.
    UserList(Arc<[Name]>),
    /// To the room: a user signed in or changed its name.
    Username {
        /// The name from now on.
        name: Name,
        /// The user's connection.
        id: UserId,
        /// When.
        date: Millis,
    },
    /// To the room: something was said.
    Message(StoredMessage),
    /// To one connection: what was said before it came. In JSON there is no difference to [`Message`](Self::Message).
    Past(StoredMessage),
    /// To one connection: messages that it asked for are not kept any more.
    Gap {
        /// How many; `None`: nobody knows, the numbers began anew.
        missed: Option<u64>,
    },
    /// To sender and target: something was said to one user only.
    Private {
        /// Who said it.
        name: Name,
        /// What was said, as it was typed.
        text: Arc<str>,
        /// The connection of the one who said it.
        id: UserId,
        /// When.
        date: Millis,
        /// Whose copy this is.
        audience: Audience,
        /// What the sender calls it.
        nonce: Option<Arc<str>>,
    },
    /// To the offender: what it sent was refused.
    Error(ProtocolError),
    /// To the room: a named user left. The JSON dialects say it with the [`UserList`](Self::UserList).
    Left {
        /// The name it had.
        name: Name,
    },
    /// To a `text` connection: the name it has from the start.
    You {
        /// That name.
        name: Name,
    },
    /// The answer to [`ClientMessage::Inspect`]: both heads, a line each.
    Handshake {
        /// What the client sent.
        request: Arc<str>,
        /// What the server answered.
        response: Arc<str>,
    },
    /// The answer to `/users`.
    Users(Arc<[Name]>),
    /// The answer to `/help`.
    Help,
}

/// Whose copy of a private message it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The target's, whose name this is.
    You(Name),
    /// The sender's; this is the target's name.
    Other(Name),
}

impl Audience {
    /// The target's name.
    #[must_use]
    pub fn target(&self) -> &Name {
        match self {
            Self::You(name) | Self::Other(name) => name,
        }
    }
}

#[cfg(test)]
mod tests;

//! The chat protocol: what clients and server send, as types, and the dialects that turn these into text messages.
//!
//! docs/PROTOCOL.md describes the same as text. Whether a message is allowed is decided by the [rules](super::rules).

use serde::{Serialize, Serializer};
use std::sync::Arc;

mod error;
mod json;
mod post;
mod resume_token;
mod stored_message;
mod stream;
mod text;

pub use error::{ErrorReason, ProtocolError};
pub(crate) use json::{Object, to_html_safe_json};
pub use post::{Post, Receipt};
pub use resume_token::ResumeToken;
pub use stored_message::{ByteBudget, StoredMessage};
pub(crate) use text::is_mark;
pub use text::{date_time, is_deceptive, sanitize_name, sanitize_text};

/// A connection's number, given by the server. It is below 2^53, so that JavaScript can represent it.
pub type UserId = u64;

/// Milliseconds. A date counts them from 1970-01-01T00:00:00Z.
pub type Millis = u64;

/// A user's name as it is shown. Cheap to clone.
pub type Name = Arc<str>;

/// The longest `nonce`, in characters.
pub const MAX_NONCE_CHARS: usize = 64;

/// How messages are written: a subprotocol of the chat, chosen for each connection in its handshake (RFC 6455 1.9), or the
/// format of an HTTP stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Dialect {
    /// JSON objects for clients that assign what arrives to `innerHTML`: names and texts are HTML-escaped.
    #[default]
    Json,
    /// The same JSON objects with names and texts as they were typed.
    Chinwag,
    /// Lines of plain text, for people with `websocat` and for tiny devices.
    Text,
    /// Server-sent events: a stream.
    Sse,
    /// JSON objects, one a line: a stream.
    Ndjson,
    /// Lines of plain text: a stream.
    Lines,
}

impl Dialect {
    /// The subprotocols.
    pub const ALL: [Self; 3] = [Self::Json, Self::Chinwag, Self::Text];

    /// The formats of HTTP streams.
    pub const STREAMS: [Self; 3] = [Self::Sse, Self::Ndjson, Self::Lines];

    /// Whether this is the format of an HTTP stream.
    #[must_use]
    pub fn is_stream(self) -> bool {
        Self::STREAMS.contains(&self)
    }

    /// The subprotocol's name, as in `Sec-WebSocket-Protocol`, or the stream's media type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Chinwag => "chinwag.v1",
            Self::Text => "text",
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
            Self::Lines => "text/plain; charset=utf-8",
        }
    }

    /// The dialect with this name. Names are compared exactly (RFC 6455 4.2.2).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::STREAMS).find(|dialect| dialect.name() == name)
    }

    /// Parses one text message from a client.
    ///
    /// # Errors
    /// The [`ProtocolError`] to send back if the text is not a message of this dialect.
    pub fn decode(self, text: &str) -> Result<ClientMessage, ProtocolError> {
        match self {
            Self::Text => text::decode(text),
            Self::Sse | Self::Ndjson | Self::Lines => Err(ErrorReason::UnknownType.into()),
            Self::Json | Self::Chinwag => match json::decode(text)? {
                // Clients of the dialect `json` know MDN's objects only.
                ClientMessage::Inspect(..) | ClientMessage::Drop | ClientMessage::Ping | ClientMessage::Command(_)
                    if self == Self::Json =>
                {
                    Err(ErrorReason::UnknownType.into())
                }
                message => Ok(message),
            },
        }
    }

    /// The nonce of a client's message, if it can be read. The message itself may be invalid.
    #[must_use]
    pub fn nonce(self, text: &str) -> Option<Arc<str>> {
        matches!(self, Self::Json | Self::Chinwag).then(|| json::nonce(text))?
    }

    /// The message as the payload of one text message, or as one part of a stream; `None` if it does not exist in this
    /// dialect.
    #[must_use]
    pub fn encode(self, message: &ServerMessage) -> Option<String> {
        match (self, message) {
            (Self::Json, ServerMessage::UserList { users, ids: Some(_) }) => {
                to_html_safe_json(&ServerMessage::UserList { users: users.clone(), ids: None })
            }
            (Self::Json, _) => to_html_safe_json(message),
            (Self::Chinwag, _) => serde_json::to_string(message).ok(),
            (Self::Text, _) => text::encode(message),
            (Self::Sse | Self::Ndjson | Self::Lines, _) => stream::encode(self, message),
        }
    }
}

/// What a client sends. Only its form has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientMessage {
    /// Sign in with this name, or change the name. The token is that of the user's connection before this one.
    SetName(String, Option<ResumeToken>),
    /// Send a text to the room, or to one user. It has no name.
    Message(Post),
    /// Send me the handshake of this connection as the server saw it, and the bytes that arrived since the last time
    /// (dialect `chinwag.v1` only). Read these bytes before the next ones that arrive, as if they had arrived, too.
    Inspect(Vec<u8>),
    /// Cut this connection without a Close frame, to see what that looks like (dialect `chinwag.v1` only).
    Drop,
    /// Answer with [`ServerMessage::Pong`] (dialect `chinwag.v1` only): pages cannot send Ping frames.
    Ping,
    /// `/users`: list the users (dialect `text` only, like the variants below).
    ListUsers,
    /// `/help`: list the commands.
    Help,
    /// `/quit`: close the connection.
    Quit,
    /// Any other `/command`, without its slash: one for operators, or an unknown one (dialects `chinwag.v1` and `text`).
    Command(String),
}

/// Whom a private message is for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Target {
    /// The user who has this name now.
    Name(String),
    /// The user of this connection only, even if another user takes the name.
    Id(UserId),
}

/// What the server sends. Serialized, it is the object of the JSON dialects; variants that are skipped exist in the
/// dialect `text` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum ServerMessage {
    /// To a new connection: its number, and where the numbering of its room's messages is.
    Id {
        /// The number of the connection.
        id: UserId,
        /// The number of the room's last message; 0 if there is none.
        seq: u64,
        /// Names the numbering. A different name than before means that the numbers started again.
        log: Arc<str>,
        /// With it, the user's next connection gets the name back.
        resume: ResumeToken,
    },
    /// To one connection: it has this name, which its user did not choose.
    RejectUsername {
        /// The number of the connection.
        id: UserId,
        /// The name that it has now.
        name: Name,
    },
    /// To the room: all users with a name, the oldest connection first.
    UserList {
        /// Their names.
        users: Arc<[Name]>,
        /// The numbers of their connections, in the same order. In JSON this exists in the dialect `chinwag.v1` only.
        #[serde(skip_serializing_if = "Option::is_none")]
        ids: Option<Arc<[UserId]>>,
    },
    /// To the room: a user signed in or changed the name.
    Username {
        /// The new name.
        name: Name,
        /// The number of the user's connection.
        id: UserId,
        /// The number of the user's connection before this one, if the user came back with its [`ResumeToken`].
        #[serde(skip_serializing_if = "Option::is_none")]
        was: Option<UserId>,
        /// When.
        date: Millis,
    },
    /// To the room: a new message.
    Message(StoredMessage),
    /// To one connection: a message that was sent before it connected. In JSON it is the same object as `Message`.
    #[serde(rename = "message")]
    History(StoredMessage),
    /// To one connection: messages that it missed are not available any more.
    Gap {
        /// How many; `None` if the numbering started again, so that the count is unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        missed: Option<u64>,
    },
    /// To sender and target: a private message.
    #[serde(rename = "message")]
    Private {
        /// The sender's name.
        name: Name,
        /// The text, as it was typed.
        text: Arc<str>,
        /// The number of the sender's connection.
        id: UserId,
        /// When it was sent.
        date: Millis,
        /// The target's name.
        target: Name,
        /// The number of the target's connection.
        #[serde(rename = "targetId")]
        target_id: UserId,
        /// Whether this copy is for the target. The other one is for the sender.
        #[serde(skip)]
        is_received: bool,
        /// The client's identifier for this message, in the copy for the sender only.
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<Arc<str>>,
    },
    /// To the room: an operator deleted messages. To one connection: such a message, in the place that it had.
    Deleted {
        /// Their numbers.
        seq: Vec<u64>,
    },
    /// To everyone: words of an operator. To one connection: the answer to its [`ClientMessage::Command`].
    Notice {
        /// The text, which may have several lines.
        text: Arc<str>,
    },
    /// To one connection: what it sent was rejected.
    Error(ProtocolError),
    /// The answer to [`ClientMessage::Inspect`]: both heads, in JSON as arrays of lines.
    Handshake {
        /// What the client sent.
        #[serde(serialize_with = "serialize_lines")]
        request: Arc<str>,
        /// What the server answered.
        #[serde(serialize_with = "serialize_lines")]
        response: Arc<str>,
        /// What arrived since the last [`ClientMessage::Inspect`]. In JSON: hexadecimal.
        #[serde(serialize_with = "serialize_hex")]
        received: Vec<u8>,
    },
    /// The answer to [`ClientMessage::Ping`].
    Pong,
    /// To the room: a user with a name left. In JSON the new [`UserList`](Self::UserList) shows it.
    #[serde(skip)]
    Left(Name),
    /// The answer to `/users`: the names, as in [`UserList`](Self::UserList).
    #[serde(skip)]
    Users(Arc<[Name]>),
    /// The answer to `/help`.
    #[serde(skip)]
    Help,
}

fn serialize_lines<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(text.lines())
}

fn serialize_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&hex)
}

#[cfg(test)]
mod tests;

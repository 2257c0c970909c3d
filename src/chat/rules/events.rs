//! What goes into the chat machine, and what comes out of it.
//!
//! Owns the types between the rules and the world. Must not know what either side does with them.

use std::sync::Arc;

use super::room_name::RoomName;
use crate::chat::protocol::{Dialect, Millis, ServerMessage, StoredMessage, UserId};

/// The time, by two clocks: one that people set, and that may jump, and one that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Now {
    /// Milliseconds since any moment, by a clock that only goes on: for everything that has a pace.
    pub uptime: Millis,
    /// Milliseconds since 1970-01-01T00:00:00Z: what messages are stamped with, and nothing else.
    pub date: Millis,
}

impl Now {
    /// By both clocks.
    #[must_use]
    pub const fn new(uptime: Millis, date: Millis) -> Self {
        Self { uptime, date }
    }
}

/// A room's number: a small one, which another room gets when this one is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(u32);

impl RoomId {
    /// The room at the path `/`, which is never forgotten.
    pub const LOBBY: Self = Self(0);

    /// As a place in a table: there are never more than [`Rules::rooms`](super::Rules::rooms).
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// What a client that comes back has heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Since<'a> {
    /// The number of the last message.
    pub seq: u64,
    /// Of which numbering, if it says so: the `log` of its `id`.
    pub log: Option<&'a str>,
}

impl<'a> Since<'a> {
    /// The message of that number, in that numbering.
    #[must_use]
    pub const fn new(seq: u64, log: Option<&'a str>) -> Self {
        Self { seq, log }
    }
}

/// What an archive knows of a room, for [`Chat::restore`](super::Chat::restore).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomSnapshot {
    /// Names the numbering, and stays the same as long as it goes on: digits and lower-case letters.
    pub log: Arc<str>,
    /// The number of the last message; 0: there was none.
    pub last: u64,
    /// The last messages, in order and without a gap, the one numbered `last` at the end. More than the rules keep in
    /// memory need not be given.
    pub messages: Vec<StoredMessage>,
}

impl RoomSnapshot {
    /// A numbering of that name, its last number, and its last messages.
    #[must_use]
    pub fn new(log: impl Into<Arc<str>>, last: u64, messages: Vec<StoredMessage>) -> Self {
        Self { log: log.into(), last, messages }
    }
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Its handshake is done. Every other input about it comes later, or is ignored.
    Joined {
        /// Its number, never used before.
        id: UserId,
        /// The language it speaks.
        dialect: Dialect,
        /// The room that it enters.
        room: &'a RoomName,
        /// What it has heard already, if it comes back.
        since: Option<Since<'a>>,
    },
    /// It sent a text message.
    Text {
        /// Who.
        id: UserId,
        /// The whole message.
        text: &'a str,
    },
    /// It sent a binary message.
    Binary {
        /// Who.
        id: UserId,
    },
    /// It is gone, for whatever reason.
    Left {
        /// Who.
        id: UserId,
    },
    /// It has taken what it was told: if it is [behind](super::Chat::behind), it is told the next part.
    Ready {
        /// Who.
        id: UserId,
    },
    /// What the archive has found, the answer to [`Output::Recall`].
    Recalled {
        /// For whom.
        id: UserId,
        /// The last number that was asked for.
        up_to: u64,
        /// In order. What is missing before or between them is gone; what is behind them was too much for one part; if there
        /// are none, all of it is gone. `None`: the archive does not answer, and is asked again a while.
        found: Option<&'a [StoredMessage]>,
    },
    /// Nothing but time passed: wanted when [`Now::uptime`] is [`Chat::next_tick`](super::Chat::next_tick).
    Tick,
}

/// Something to be done, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Tell one connection.
    Send {
        /// Whom.
        to: UserId,
        /// What, in its dialect; nothing if [`Dialect::encode`] has no words for it.
        notice: ServerMessage,
    },
    /// From now on the connection is told what its room is told. Until then, it is only told what is meant for it alone.
    Enter {
        /// Who.
        who: UserId,
        /// The room.
        room: RoomId,
    },
    /// Tell every connection that has [entered](Self::Enter) the room, named or not, the sender included.
    Broadcast {
        /// The room.
        room: RoomId,
        /// What.
        notice: ServerMessage,
    },
    /// Keep this message. What anybody is told in or after this output must not leave before it is kept. Only where
    /// [`Rules::archive`](super::Rules::archive) says so.
    Store(StoredMessage),
    /// Look up in the archive what one connection is to be told next, and give it to [`Input::Recalled`]. Only where
    /// [`Rules::archive`](super::Rules::archive) says so.
    Recall {
        /// For whom.
        to: UserId,
        /// The room's key.
        room: Arc<str>,
        /// Messages behind this number.
        after: u64,
        /// The last one of them.
        up_to: u64,
        /// The first so many bytes of those that are there, as [`StoredMessage::wire_size`] counts, but at least one.
        bytes: usize,
    },
    /// Show one connection its own handshake, which is not the chat's to know.
    ShowHandshake {
        /// Whom.
        to: UserId,
    },
    /// Cut a connection without a Close frame. Its `Left` comes, as always.
    Drop {
        /// Whose.
        who: UserId,
    },
    /// Close the connection, after what was sent to it before. For the chat it has left: no output
    /// after this one is meant for it, broadcasts of its room included; its `Left` is not awaited.
    /// As the only answer to `Joined`: it was not let in.
    Close {
        /// Whom.
        to: UserId,
        /// The status code (RFC 6455 7.4).
        code: u16,
        /// The reason, at most 123 bytes (RFC 6455 5.5).
        reason: &'static str,
    },
}

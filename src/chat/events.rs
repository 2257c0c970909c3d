//! What goes into the chat machine, and what comes out of it.
//!
//! Owns the types between the rules and the world. Must not know what either side does with them.

use crate::protocol::{Dialect, Millis, Notice, UserId};

/// The time, by two clocks: one that people set, and that may jump, and one that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since any moment, by a clock that only goes on: for everything that has a pace.
    pub uptime: Millis,
    /// Milliseconds since 1970-01-01T00:00:00Z: what messages are stamped with, and nothing else.
    pub date: Millis,
}

/// A room's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(u32);

impl RoomId {
    /// The room that everybody enters.
    pub const LOBBY: Self = Self(0);
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
        notice: Notice,
    },
    /// Tell every connection of the room, named or not, the sender included.
    Broadcast {
        /// The room.
        room: RoomId,
        /// What.
        notice: Notice,
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
    Close {
        /// Whom.
        to: UserId,
        /// The status code (RFC 6455 7.4).
        code: u16,
        /// The reason, at most 123 bytes (RFC 6455 5.5).
        reason: &'static str,
    },
}

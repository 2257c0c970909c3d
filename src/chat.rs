//! The rules of the chat: a pure machine. Inputs go in with the time, outputs come out.
//!
//! Owns who is here, under which name, and what follows from what they say. Must not know sockets,
//! threads or clocks: the same inputs at the same times always give the same outputs.
//!
//! Law 1: nothing is ever addressed to a connection that has left or was closed.
//! Law 2: within a room no two users have names that compare equal (RFC 8266).
//! Law 3: after the last tick that [`Chat::next_tick`] asked for, the last user list that was sent
//! names exactly the named users of the room, in order of joining.

use crate::protocol::{Dialect, Millis, Notice, UserId};

mod rules;

pub use rules::{Rate, Rules};

/// A room's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(u32);

impl RoomId {
    /// The room that everybody enters.
    pub const LOBBY: Self = Self(0);
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Nothing but time passed: wanted at [`Chat::next_tick`].
    Tick,
}

/// Something to be done, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The chat.
#[derive(Debug)]
pub struct Chat {
    #[expect(dead_code)]
    rules: Rules,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// Takes one input and appends what is to be done to `out`.
    ///
    /// `now` should not go backwards; if it does, nothing is lost, only dates are as they are given.
    pub fn apply(&mut self, _now: Millis, _input: Input<'_>, _out: &mut Vec<Output>) {}

    /// When a [`Input::Tick`] is wanted, if at all: a user list waits. Ticks that come at other times do no harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        None
    }
}

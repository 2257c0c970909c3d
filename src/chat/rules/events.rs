//! What goes into the rules of the chat, and what comes out.

use super::{command::Restriction, names::Name, room_name::RoomName};
use crate::chat::protocol::{Dialect, Millis, Post, ProtocolError, Receipt, ServerMessage, StoredMessage, UserId};
use core::net::IpAddr;
use std::sync::Arc;

/// The time, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since any moment, by a monotonic clock: for everything that has a rate.
    pub uptime: Millis,
    /// Milliseconds since 1970-01-01T00:00:00Z, by the system's clock, which may jump: the date of messages, and nothing
    /// else.
    pub date: Millis,
}

/// A room's number, never used again for another room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RoomId(pub(crate) u64);

impl RoomId {
    /// The room at the path `/`, which always exists.
    pub const LOBBY: Self = Self(0);
}

/// The last message that a returning client received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since<'a> {
    /// Its number.
    pub seq: u64,
    /// The `log` of the last `id` message that the client received, if the client gives it. It names the numbering.
    pub log: Option<&'a str>,
}

/// A room as an archive has it, for [`Chat::restore`](super::Chat::restore).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// Names the numbering, and stays the same as long as the numbering goes on: digits and lower-case letters.
    pub log: Arc<str>,
    /// The number of the last message; 0 if there was none.
    pub last: u64,
    /// The last messages in order, without a gap, up to the number `last`. More than the rules keep in memory need not
    /// be given.
    pub messages: Vec<StoredMessage>,
}

/// A client that has connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ClientInfo {
    /// The connection's number, never used before.
    pub id: UserId,
    /// The dialect that was agreed on.
    pub dialect: Dialect,
    /// 128 random bits, which only this connection's user gets to know: see
    /// [`ResumeToken`](crate::chat::protocol::ResumeToken).
    pub secret: u128,
    /// Its address. Connections with the same one share [`Rules::address_rate`](super::Rules::address_rate); those without
    /// one do not.
    pub address: Option<IpAddr>,
    /// Whether limits per address do not apply to it.
    pub is_exempt: bool,
    /// Whether it is an operator's, who may send [commands](crate::chat::protocol::ClientMessage::Command).
    pub is_admin: bool,
}

impl ClientInfo {
    /// What limits per address count for it; `None`: they do not apply.
    pub(super) fn counted_address(self) -> Option<IpAddr> {
        self.address.filter(|_| !self.is_exempt)
    }
}

/// Messages that an archive must delete: it keeps their numbers, as [`StoredMessage::is_deleted`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erasure {
    /// Those with these numbers, in the room with this key.
    Numbers(Arc<str>, Vec<u64>),
    /// Those of this name, in all rooms. [`Erasure::is_of`] compares names.
    Name(Arc<str>),
}

impl Erasure {
    /// Whether a message of this name must be deleted, whatever its number is.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        matches!(self, Self::Name(key) if Name::new(name, usize::MAX).is_some_and(|name| name.key == *key))
    }

    /// Whether this message must be deleted.
    #[must_use]
    pub fn includes(&self, message: &StoredMessage) -> bool {
        match self {
            Self::Numbers(room, seqs) => message.room == *room && seqs.contains(&message.seq),
            Self::Name(_) => self.is_of(&message.name),
        }
    }
}

/// Something that happened, mostly to the connection with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Its handshake is complete, and it enters this room. If it returns, the last message that it received is known. Inputs for
    /// a connection that has not joined are ignored.
    Joined(ClientInfo, &'a RoomName, Option<Since<'a>>),
    /// It sent this text message.
    Text(UserId, &'a str),
    /// It sent a binary message.
    Binary(UserId),
    /// It is gone. `true`: it ended without a Close frame of the client, so that the user may come back.
    Left(UserId, bool),
    /// A message without a connection: a number that no connection has, the sender's address, the room, and the message. The
    /// room must be [restored](super::Chat::needs_snapshot) before. [`Output::Posted`] answers it.
    Post(UserId, Option<IpAddr>, &'a RoomName, &'a Post),
    /// It has taken everything that was sent to it. If it is [catching up](super::Chat::catching_up), the next part
    /// follows.
    Ready(UserId),
    /// It takes messages more slowly than its room sends them, and has been sent every message so far. If it is
    /// subscribed, it [catches up](super::Chat::catching_up) from here on.
    Behind(UserId),
    /// The archive's answer to [`Output::Load`]: the last number of the request, and the messages in order. Messages missing
    /// before or between them are gone; those after them did not fit. An empty list: all are gone. `None`: the archive does not
    /// answer, and is asked again for a while.
    Loaded(UserId, u64, Option<&'a [StoredMessage]>),
    /// An operator's command that comes from no connection, such as `kick ann`. [`Output::Answer`] answers it.
    Command(&'a str),
    /// These restrictions replace all others.
    Restrictions(&'a [Restriction]),
    /// The archive's answer to [`Output::Erase`]: the operator's connection, and the room's key and the number of each message
    /// that was deleted. `None`: the archive does not answer, and deletes them later.
    Erased(Option<UserId>, Option<&'a [(Arc<str>, u64)]>),
    /// Time passed: wanted when [`Now::uptime`] reaches [`Chat::next_tick`](super::Chat::next_tick).
    Tick,
}

/// Something to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send a message to one connection, if [`Dialect::encode`] knows it in the connection's dialect.
    Send(UserId, ServerMessage),
    /// Send the connection its room's broadcasts from now on.
    Subscribe(UserId),
    /// Send the connection no more broadcasts, after those before this.
    Unsubscribe(UserId),
    /// Send a message to every connection that is [subscribed](Self::Subscribe) to the room, the sender included, except to one
    /// connection for which a copy of its own follows at once.
    Broadcast(RoomId, ServerMessage, Option<UserId>),
    /// Store this message before any output that follows is sent. Only if [`Rules::archive`](super::Rules::archive) is
    /// set.
    Store(StoredMessage),
    /// Load messages from the archive for a connection that is catching up, and answer with [`Input::Loaded`]. Only if
    /// [`Rules::archive`](super::Rules::archive) is set.
    Load {
        /// The connection.
        id: UserId,
        /// The room's key.
        room: Arc<str>,
        /// Messages after this number.
        after: u64,
        /// The last one of them.
        up_to: u64,
        /// Load the first ones that take at most so many bytes, as [`StoredMessage::wire_size`] counts, but at least one.
        bytes: usize,
    },
    /// Delete messages from the archive, and answer with [`Input::Erased`] for this operator's connection. Only if
    /// [`Rules::archive`](super::Rules::archive) is set.
    Erase(Option<UserId>, Erasure),
    /// The answer to [`Input::Post`]: a receipt, which may be sent when all earlier outputs are done, or why the message was
    /// rejected.
    Posted(UserId, Result<Receipt, ProtocolError>),
    /// The answer to [`Input::Command`], for people. There may be several. `Err`: nothing was done.
    Answer(Result<String, String>),
    /// The [restrictions](super::Chat::restrictions) have changed.
    Restricted,
    /// An operator's command was executed: a line for the log, without the text of a notice.
    Executed(String),
    /// Send the connection its own handshake, which the rules do not know. It reads the bytes as if they had arrived.
    SendHandshake(UserId, Vec<u8>),
    /// Cut the connection without a Close frame. Its [`Input::Left`] follows as always.
    Cut(UserId),
    /// Close the connection after everything that was sent to it before, with a status code (RFC 6455 7.4) and a reason of at
    /// most 123 bytes (RFC 6455 5.5). For the rules it has left: no later output is for it, and its [`Input::Left`] is not
    /// needed. If this is the only output of [`Input::Joined`], the room rejected it.
    Close(UserId, u16, &'static str),
}

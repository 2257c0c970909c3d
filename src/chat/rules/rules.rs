//! The limits of the chat, each with a documented default.
//!
//! Owns the numbers. Knows nothing of who breaks them.

use crate::chat::protocol::Millis;

/// What the chat allows. Others are made from those there are:
///
/// ```
/// use chinwag::chat::rules::{Rate, Rules};
///
/// let mut rules = Rules::default();
/// rules.text_chars = 280;
/// rules.rate = Some(Rate::new(1, 20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// The longest name, in characters (Unicode scalar values). Default 32, as the
    /// protocol says; from [`Rules::LEAST_NAME_CHARS`] to [`Rules::MOST_NAME_CHARS`].
    pub name_chars: usize,
    /// The longest text of a message, in characters. Default 8000; longer ones are `too-long`.
    pub text_chars: usize,
    /// How fast one connection may send; `None` is as fast as it can. Default [`Rate::default`].
    pub rate: Option<Rate>,
    /// So many refused messages in a row end the connection (1008); `None` is never. Default 100.
    pub strikes: Option<u32>,
    /// User lists of one room are at least this far apart, in milliseconds: changes in between are
    /// merged into one list. Default 100; with 0, and no `list_bytes`, every change is sent at once.
    pub list_interval: Millis,
    /// User lists cost each member of the room no more than so many bytes a second, counted as the
    /// names and three bytes for each. Default 4096, at least 1; `None` is any number.
    ///
    /// Up to 32 times as many may be used up before that, as by a crowd that signs in at once. But the
    /// more is used up, the longer the pause: as long as those bytes take at eight times this rate. A
    /// few dozen users who come and go never notice.
    pub list_bytes: Option<u32>,
    /// Rooms at a time, the lobby and those that are empty but have a history included. Default 1000, at least 1.
    /// For one more, the room that is empty for the longest time is forgotten; if none is, who wants it is refused.
    pub rooms: usize,
    /// Connections in one room; `None` is any number. Default 4096.
    pub room_users: Option<usize>,
    /// The last messages that a newcomer is told unasked. Default 50.
    pub history_lines: usize,
    /// Messages of one room that are kept in memory. Default 500.
    pub room_messages: usize,
    /// Bytes of one room's history in memory, as [`StoredMessage::size`](crate::chat::protocol::StoredMessage::size) counts. Default 256 KiB.
    pub room_bytes: usize,
    /// Bytes of all rooms' histories in memory. Default 16 MiB. Beyond that the largest lose their oldest messages.
    pub history_bytes: usize,
    /// Bytes of history that one connection is told at once, as
    /// [`StoredMessage::wire_size`](crate::chat::protocol::StoredMessage::wire_size) counts: who missed more is told the rest when it has taken
    /// them. Default 64 KiB. It should be well below [`Config::max_send_buffer`](crate::Config::max_send_buffer).
    pub replay_bytes: usize,
    /// Messages that one who comes back is told, of those that only the archive has; the rest is a gap. Default 100 000.
    pub replay_messages: usize,
    /// Whether messages are kept elsewhere, too: then there are the outputs [`Store`](super::Output::Store) and
    /// [`Recall`](super::Output::Recall). Default false.
    pub archive: bool,
}

/// A token bucket: a message of a connection, whatever it says, costs one token for each KiB that it
/// begins, as it was received; at most a whole `burst`, lest no wait were long enough for it.
///
/// With too few tokens left, messages are refused (`too-fast`) and cost one each: who goes on regardless
/// and owes a whole `burst` is put out (1008); who waits is heard again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// Tokens that come back each second, at least 1. Default 10.
    pub per_second: u32,
    /// Tokens at the start, and at most, at least 1. Default 100.
    pub burst: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            name_chars: 32,
            text_chars: 8000,
            rate: Some(Rate::default()),
            strikes: Some(100),
            list_interval: 100,
            list_bytes: Some(4096),
            rooms: 1000,
            room_users: Some(4096),
            history_lines: 50,
            room_messages: 500,
            room_bytes: 256 * 1024,
            history_bytes: 16 * 1024 * 1024,
            replay_bytes: 64 * 1024,
            replay_messages: 100_000,
            archive: false,
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::new(10, 100)
    }
}

impl Rate {
    /// So many tokens a second, and so many at most.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

impl Rules {
    /// Room for `guest` and a number, the name of last resort.
    pub const LEAST_NAME_CHARS: usize = 16;

    /// The time that it takes to compare names grows with the square of their length.
    pub const MOST_NAME_CHARS: usize = 128;

    /// Without the limits that are there against hostile clients: for measuring on loopback.
    /// Names keep their bound, which is the protocol's, and user lists are still merged: they are `list_interval` apart.
    /// Rooms and their history keep theirs, for memory has an end.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            text_chars: usize::MAX,
            rate: None,
            strikes: None,
            list_bytes: None,
            room_users: None,
            ..Self::default()
        }
    }
}

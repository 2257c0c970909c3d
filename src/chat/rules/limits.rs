//! The limits of the chat, each with a documented default.

use crate::{chat::protocol::Millis, ws::config::settings};

settings! {
    /// What the chat allows. Change a copy of the defaults:
    ///
    /// ```
    /// use chinwag::chat::rules::{Rate, Rules};
    ///
    /// let mut rules = Rules::default();
    /// rules.text_chars = 280;
    /// rules.rate = Some(Rate { per_second: 1, burst: 20 });
    /// ```
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Rules {
        /// The longest text of a message, in characters. Default 8000; a longer one is `too-long`.
        pub text_chars: usize = 8000,
        /// How fast one connection may send; `None`: no limit. Default 10 a second, and 100 at once.
        pub rate: Option<Rate> = Some(Rate { per_second: 10, burst: 100 }),
        /// How fast all connections of one address may send together, as [`Input::Joined`](super::Input::Joined) names it;
        /// `None`: no limit. Default 100 a second, and 1000 at once: an office does not reach it.
        pub address_rate: Option<Rate> = Some(Rate { per_second: 100, burst: 1000 }),
        /// How fast all connections of one room may send messages to it and change names; `None`: no limit. Default 500 a
        /// second, and 2000 at once. So a flood of one room is at most about 600 KB a second for each member.
        pub room_rate: Option<Rate> = Some(Rate { per_second: 500, burst: 2000 }),
        /// This many rejected messages in a row end the connection (1008), not counting `too-fast`; `None`: no limit.
        /// Default 100.
        pub strikes: Option<u32> = Some(100),
        /// The least time between two user lists of a room, in milliseconds: changes in between are merged into one list.
        /// Default 100. With 0, and without `list_bytes`, every change is sent at once.
        pub list_interval: Millis = 100,
        /// Bytes a second that user lists cost each member of a room, counted as the names, the ids, and four bytes for each.
        /// Default 4096, at least 1; `None`: no limit.
        ///
        /// A burst may use 32 seconds' worth of bytes, for example when a crowd signs in at once. Within the burst, the pause
        /// after each list is an eighth of the time that the used bytes take at this rate. A few dozen users never notice.
        pub list_bytes: Option<u32> = Some(4096),
        /// Rooms at a time, including the lobby and empty rooms with a history. Default 1000, at least 1. For one more, the
        /// room that has been empty for the longest time is forgotten; if no room is empty, the new one is refused.
        pub rooms: usize = 1000,
        /// Connections in one room; `None`: no limit. Default 4096.
        pub room_users: Option<usize> = Some(4096),
        /// The number of last messages that a new connection receives. Default 50.
        pub history_lines: usize = 50,
        /// Messages of one room that are kept in memory. Default 500.
        pub room_messages: usize = 500,
        /// Bytes of one room's history in memory, as [`StoredMessage::size`](crate::chat::protocol::StoredMessage::size)
        /// counts. Default 256 KiB.
        pub room_bytes: usize = 256 * 1024,
        /// Bytes of all rooms' histories in memory. Default 16 MiB. Beyond that the largest lose their oldest messages.
        pub history_bytes: usize = 16 * 1024 * 1024,
        /// Bytes of history that one connection receives at once, as
        /// [`StoredMessage::wire_size`](crate::chat::protocol::StoredMessage::wire_size) counts. If it missed more, the next
        /// part follows when it has taken this one. Default 64 KiB. It should be well below
        /// [`Config::max_send_buffer`](crate::Config::max_send_buffer).
        pub replay_bytes: usize = 64 * 1024,
        /// The most messages that a connection receives if there is an archive, or all in memory if these are more; a gap stands
        /// for older ones. Default 100 000.
        pub replay_messages: usize = 100_000,
        /// How long a connection that is behind may take nothing at all, in milliseconds, before it is closed with 1013; `None`:
        /// no limit. Default 30 000. For [`ChatServer`](crate::chat::server::ChatServer), which knows the sockets.
        pub stall_timeout: Option<Millis> = Some(30_000),
        /// Whether there is an archive: then there are the outputs [`Store`](super::Output::Store) and
        /// [`Load`](super::Output::Load). Default false.
        pub archive: bool = false,
    }
}

/// A token bucket. Each message that is received costs one token for each KiB or part of a KiB, but at most `burst`: so it
/// can always be sent after some wait.
///
/// With too few tokens left, messages are rejected (`too-fast`). By the rate of a connection, they cost one token each, and a
/// connection that goes on until it is a whole `burst` in debt is closed (1008).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back each second, at least 1.
    pub per_second: u32,
    /// The initial and largest number of tokens, at least 1.
    pub burst: u32,
}

impl Rules {
    /// Without the limits that protect against hostile clients: for measurements on loopback. Names and histories stay
    /// bounded, and user lists are still `list_interval` apart.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            text_chars: usize::MAX,
            rate: None,
            address_rate: None,
            room_rate: None,
            strikes: None,
            list_bytes: None,
            room_users: None,
            ..Self::default()
        }
    }
}

//! What happens to a WebSocket, as the browser's object tells it.
//!
//! Owns the types only, and how an end is told.

use super::Error;
use crate::ws::connection::{DisconnectReason, Message};

/// What happens to a [`WebSocket`](super::WebSocket). `Close` comes last and exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake succeeded: from now on messages can be sent.
    Open,
    /// A whole message came.
    Message(Message),
    /// Something went wrong that ends the connection, before or after it was open. `Close` follows. Unlike a browser's,
    /// it says what.
    Error(Error),
    /// It is over.
    Close {
        /// The code of the Close frame that the server sent; 1005 when that had none, 1006 when there was no such frame.
        code: u16,
        /// Its reason: up to 123 bytes of text that nobody checked.
        reason: String,
        /// Whether both sides have sent a Close frame.
        was_clean: bool,
    },
}

/// How far a connection is. The numbers are the browser's: `socket.ready_state() as u8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// Not yet open.
    Connecting = 0,
    /// Messages go both ways.
    Open = 1,
    /// One side has begun to close it.
    Closing = 2,
    /// It is over, or never came to be.
    Closed = 3,
}

/// How a connection's end is told: what went wrong, if anything did, and the last event.
pub(super) fn end(reason: DisconnectReason) -> (Option<Error>, Event) {
    let error = match reason {
        DisconnectReason::ClosedByPeer { code, reason } => {
            return (None, Event::Close { code, reason, was_clean: true });
        }
        // The server did not answer our Close frame in time.
        DisconnectReason::ClosedLocally { .. } => None,
        DisconnectReason::ProtocolViolation { code, detail: what } => Some(Error::Failed { code, what }),
        DisconnectReason::SlowReader => Some(Error::Full),
        DisconnectReason::PingTimeout => Some(Error::Silent),
        DisconnectReason::ConnectionLost | DisconnectReason::Panicked => Some(Error::Lost),
    };
    (error, abnormal())
}

/// 1006: there was no Close frame (RFC 6455 7.1.5).
pub(super) fn abnormal() -> Event {
    Event::Close { code: 1006, reason: String::new(), was_clean: false }
}

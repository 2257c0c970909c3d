//! Why a connection ended, as a type.

use std::fmt;

/// Why a connection ended. It comes with [`Event::Disconnected`](crate::Event::Disconnected), once and last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The peer sent a Close frame first (RFC 6455 5.5.1).
    ByPeer {
        /// Its status code; 1005 when the frame had none.
        code: u16,
        /// Its reason, as sent: up to 123 bytes of text that nobody checked.
        reason: String,
    },
    /// This side sent a Close frame first: [`Peer::close`](crate::Peer::close), or a shutdown (1001).
    ByUs {
        /// The status code that was sent.
        code: u16,
    },
    /// The peer broke the protocol and was told so: 1002 for frames, 1007 for text that is no UTF-8, 1009 for too big, 1008 for a flood of
    /// Pings or of fragments that make no message.
    Failed {
        /// The status code that was sent.
        code: u16,
        /// What it did, in words.
        what: String,
    },
    /// More waited for this peer than [`Config::max_send_buffer`](crate::Config::max_send_buffer) allows. Close 1013 was sent.
    TooSlow,
    /// No answer to a Ping within [`Config::pong_timeout`](crate::Config::pong_timeout). Close 1013 was sent.
    Silent,
    /// The connection was cut without a Close frame; a browser would call it 1006.
    Lost,
    /// This connection's own thread panicked: a bug, reported in the log. Nobody else is concerned.
    Panicked,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer { code, reason } if reason.is_empty() => write!(f, "closed by the client, {code}"),
            Self::ByPeer { code, reason } => {
                write!(f, "closed by the client, {code} ({})", reason.escape_debug())
            }
            Self::ByUs { code } => write!(f, "closed by the server, {code}"),
            Self::Failed { code, what } => write!(f, "failed, {code} ({})", what.escape_debug()),
            Self::TooSlow => write!(f, "too slow, 1013"),
            Self::Silent => write!(f, "no answer to a ping, 1013"),
            Self::Lost => write!(f, "lost without a Close frame"),
            Self::Panicked => write!(f, "its thread panicked"),
        }
    }
}

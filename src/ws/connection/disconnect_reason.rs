//! Why a connection ended.

use crate::ws::error::Visible;
use std::fmt;

/// Why a connection ended. It comes with [`Event::Disconnected`](crate::Event::Disconnected), the last event of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The peer sent a Close frame first (RFC 6455 5.5.1).
    ClosedByPeer {
        /// The status code of that frame; 1005 if it had none.
        code: u16,
        /// The reason in that frame, up to 123 bytes of unchecked text.
        reason: String,
    },
    /// This side sent a Close frame first: [`Peer::close`](crate::Peer::close), or a shutdown (1001).
    ClosedLocally {
        /// The status code that was sent.
        code: u16,
    },
    /// The peer violated the protocol or a limit. Close was sent with 1002 (invalid frame), 1007 (text that is not UTF-8),
    /// 1009 (message too big), or 1008 (too many Pings, or too many fragments without a message).
    ProtocolViolation {
        /// The status code that was sent.
        code: u16,
        /// A description of the violation.
        detail: String,
    },
    /// The peer read too slowly: more than [`Config::max_send_buffer`](crate::Config::max_send_buffer) bytes were waiting for
    /// it. Close 1013 was sent. A peer that goes on writing without reading sees a reset instead.
    SlowReader,
    /// No answer to a Ping within [`Config::pong_timeout`](crate::Config::pong_timeout). Close 1013 was sent.
    PingTimeout,
    /// The connection ended without a Close frame. A browser reports this as 1006.
    ConnectionLost,
    /// The thread that served this connection panicked, which is a bug. Other connections are not affected.
    Panicked,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedByPeer { code, reason } if reason.is_empty() => write!(f, "closed by the peer, {code}"),
            Self::ClosedByPeer { code, reason } => {
                write!(f, "closed by the peer, {code} ({})", Visible(reason))
            }
            Self::ClosedLocally { code } => write!(f, "closed by this side, {code}"),
            Self::ProtocolViolation { code, detail } => {
                write!(f, "protocol violation, {code} ({})", Visible(detail))
            }
            Self::SlowReader => write!(f, "too slow, 1013"),
            Self::PingTimeout => write!(f, "no answer to a ping, 1013"),
            Self::ConnectionLost => write!(f, "lost without a Close frame"),
            Self::Panicked => write!(f, "its thread panicked"),
        }
    }
}

impl std::error::Error for DisconnectReason {}

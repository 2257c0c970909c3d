//! The errors of a client, with the sentences that people read.

use crate::ws::{connection::DisconnectReason, error::Visible};
use std::{fmt, io, time::Duration};

/// Why a connection failed.
#[non_exhaustive]
pub enum Error {
    /// The URL, a subprotocol or a header field is invalid, or the port is one to which browsers refuse to connect
    /// ([`is_blocked`](super::is_blocked)). The sentence says what is wrong. (In a browser: `SyntaxError`.)
    Setting(String),
    /// TLS is not possible: this build does not support it, no certificates are trusted, or the TLS handshake failed. The
    /// sentence says which.
    Tls(String),
    /// The certificate of the server with this name and port is not signed by a trusted authority. If it is the right
    /// certificate, trust it: `Builder::tls` with `tls::Connector::trusting`.
    Untrusted(String),
    /// The name could not be resolved, none of the addresses of the host accepted a connection, or the socket failed. This is
    /// the last error.
    Connect(io::Error),
    /// The handshake was not finished within this time.
    Timeout(Duration),
    /// The WebSocket was closed before it was open.
    Cancelled,
    /// The server responded with another status than 101: it refuses the request, or it is not a WebSocket server.
    /// Redirections are not followed, as in browsers.
    Refused {
        /// The HTTP status, such as 401 or 404.
        status: u16,
        /// The body of the response, at most its first 1 KiB. Of a redirection (3xx), its target.
        body: String,
    },
    /// The server's response is not a WebSocket handshake (RFC 6455 4.1). The sentence says why.
    Handshake(&'static str),
    /// The connection was open, and ended without a Close frame of the server.
    Ended(DisconnectReason),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(why) => f.write_str(why),
            Self::Tls(why) => write!(f, "{}", Visible(why)),
            Self::Untrusted(host) => write!(f, "the certificate of {host} is not signed by a trusted authority"),
            Self::Connect(source) => write!(f, "cannot connect: {source}"),
            Self::Timeout(time) => write!(f, "the server did not respond within {time:?}"),
            Self::Cancelled => write!(f, "closed before it was open"),
            Self::Refused { status, body } => {
                write!(f, "the server responded with {status} instead of 101")?;
                // One line, whatever the server sends.
                body.trim().lines().next().map_or(Ok(()), |line| write!(f, ": {}", Visible(line)))
            }
            Self::Handshake(why) => write!(f, "the response is not a WebSocket handshake: {why}"),
            Self::Ended(DisconnectReason::SlowReader) => write!(f, "the send buffer is full"),
            Self::Ended(reason) => write!(f, "the connection ended: {reason}"),
        }
    }
}

/// As [`Display`](fmt::Display), because `fn main() -> Result<(), …>` prints errors with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

//! The errors of a client, with the sentences that people read.

use crate::ws::error::Visible;
use std::{fmt, io, time::Duration};

/// Why a connection failed.
#[non_exhaustive]
pub enum Error {
    /// That is not the URL of a WebSocket. (In a browser: `SyntaxError`.)
    Url {
        /// The text that was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Browsers refuse to connect to this port ([`is_blocked`](super::is_blocked)). So does this client, unless
    /// [`Builder::allow_blocked_ports`](super::Builder::allow_blocked_ports) allows it.
    BlockedPort(u16),
    /// A subprotocol is not a token (RFC 9110 5.6.2), or it is repeated. (In a browser: `SyntaxError`.)
    Protocol(String),
    /// The header field with this name cannot be sent: its name or value is invalid, or the handshake sets it.
    Header(String),
    /// TLS is not possible: this build does not support it, no certificates are trusted, or the TLS handshake failed. The
    /// sentence says which.
    Tls(String),
    /// The certificate of the server with this name and port is not signed by a trusted authority. If it is the right
    /// certificate, trust it: `Builder::tls` with `tls::Connector::trusting`.
    Untrusted(String),
    /// The operating system refused a thread or a descriptor.
    Start(io::Error),
    /// The name could not be resolved.
    Resolve(io::Error),
    /// None of the addresses of the host accepted a connection, or the socket failed. This is the last error.
    Connect(io::Error),
    /// The connection was not made within this time, name resolution included.
    ConnectTimeout(Duration),
    /// The handshake was not finished within this time.
    HandshakeTimeout(Duration),
    /// The WebSocket was closed before it was open.
    Cancelled,
    /// The server responded with another status than 101: it refuses the request, or it is not a WebSocket server.
    /// Redirections are not followed, as in browsers.
    Refused {
        /// The HTTP status, such as 401 or 404.
        status: u16,
        /// The body of the response: at most its first 1 KiB.
        body: String,
        /// The target of a redirection (3xx).
        location: Option<String>,
    },
    /// The server's response is not a WebSocket handshake (RFC 6455 4.1). The sentence says why.
    Handshake(&'static str),
    /// The server violated the protocol. This status code was sent to it.
    Failed {
        /// 1002, 1007, 1008 or 1009.
        code: u16,
        /// The violation.
        what: String,
    },
    /// More bytes waited to be sent than [`Builder::max_send_buffer`](super::Builder::max_send_buffer) allows. Close 1013
    /// was sent.
    Full,
    /// The server did not answer a Ping. Close 1013 was sent.
    Silent,
    /// The connection ended without a Close frame.
    Lost,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It may contain a password.
            Self::Url { url, why } if url.contains('@') => write!(f, "not a WebSocket URL: {why}"),
            Self::Url { url, why } => write!(f, "{url:?} is not a WebSocket URL: {why}"),
            Self::BlockedPort(port) => {
                write!(f, "port {port} is blocked, as in browsers; blocked ports can be allowed")
            }
            Self::Protocol(name) => write!(f, "{name:?} is not a subprotocol: use a token such as chinwag.v1, once"),
            Self::Header(name) => write!(f, "the header field {name:?} cannot be sent"),
            Self::Tls(why) => write!(f, "{}", Visible(why)),
            Self::Untrusted(host) => write!(f, "the certificate of {host} is not signed by a trusted authority"),
            Self::Start(source) => write!(f, "cannot start a connection: {source}"),
            Self::Resolve(source) => write!(f, "the host was not found: {source}"),
            Self::Connect(source) => write!(f, "cannot connect: {source}"),
            Self::ConnectTimeout(time) => write!(f, "no connection within {time:?}"),
            Self::HandshakeTimeout(time) => write!(f, "no response to the handshake within {time:?}"),
            Self::Cancelled => write!(f, "closed before it was open"),
            Self::Refused { status, body, location } => {
                write!(f, "the server responded with {status} instead of 101")?;
                if let Some(location) = location {
                    write!(f, ", with Location {}", Visible(location))?;
                }
                // One line, whatever the server sends.
                body.trim().lines().next().map_or(Ok(()), |line| write!(f, ": {}", Visible(line)))
            }
            Self::Handshake(why) => write!(f, "the response is not a WebSocket handshake: {why}"),
            Self::Failed { code, what } => {
                write!(f, "the server violated the protocol, {code} ({})", Visible(what))
            }
            Self::Full => write!(f, "the send buffer is full"),
            Self::Silent => write!(f, "the server did not answer a Ping"),
            Self::Lost => write!(f, "the connection was lost"),
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

//! Why there is no request, and what is sent back then.
//!
//! Owns the sentences on bytes that are no request. Knows no sockets.

use std::{fmt, io};

use crate::ws::http::Response;

/// Why there is no request.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer closed without a byte: a port probe, a health check. Gets no answer.
    Closed,
    /// The peer closed in the middle of the head (400).
    Incomplete,
    /// The head was not there when its time was up (408).
    Deadline,
    /// The head is longer than [`Limits::max_head_size`](super::Limits::max_head_size) (431).
    TooLarge,
    /// More header fields than [`Limits::max_header_fields`](super::Limits::max_header_fields) (431).
    TooManyFields,
    /// The bytes are no HTTP request; the sentence says what is wrong with them (400).
    Malformed(&'static str),
    /// A version of HTTP other than 1.0 and 1.1 (505).
    Version,
    /// A TLS ClientHello on a port without TLS (400). It is answered in plain text, as most servers do: the message that
    /// TLS libraries have for that ("wrong version number", "record too long") is the one that people look up.
    Tls,
    /// The socket failed. Gets no answer.
    Io(io::Error),
}

impl HeadError {
    /// What to send before closing; `None`: nothing, nobody would read it.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        let status = match self {
            Self::Closed | Self::Io(_) => return None,
            Self::Incomplete | Self::Malformed(_) | Self::Tls => 400,
            Self::Deadline => 408,
            Self::TooLarge | Self::TooManyFields => 431,
            Self::Version => 505,
        };
        Some(Response::text(status, self.to_string()))
    }

    /// An interrupted call is no error: the caller reads again.
    pub(super) fn from_read(error: io::Error) -> Result<(), Self> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(Self::Deadline),
            _ => Err(Self::Io(error)),
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "The connection was closed without a request.",
            Self::Incomplete => "The request ended in the middle of its head.",
            Self::Deadline => "The request head did not arrive in time.",
            Self::TooLarge => "The request head is too large; long cookies are the usual reason.",
            Self::TooManyFields => "The request has too many header fields.",
            Self::Malformed(sentence) => sentence,
            Self::Version => "This server speaks HTTP/1.1.",
            Self::Tls => "This port speaks no TLS; use ws:// or http:// here.",
            Self::Io(error) => return write!(f, "The connection failed: {error}."),
        })
    }
}

impl std::error::Error for HeadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

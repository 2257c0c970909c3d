//! What can go wrong on the way to a server and with one, as a type.
//!
//! Owns the sentences that people read.

use std::{fmt, io, time::Duration};

/// Why there is no connection, or none any more, or why something was not done.
#[non_exhaustive]
pub enum Error {
    /// That is no URL of a WebSocket. (In a browser: `SyntaxError`.)
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Browsers do not connect to this port ([`is_blocked`](super::is_blocked)), and neither does this, unless
    /// [`Builder::allow_blocked_ports`](super::Builder::allow_blocked_ports) says so.
    BlockedPort(u16),
    /// A subprotocol that is no token (RFC 9110 5.6.2), or was named twice. (In a browser: `SyntaxError`.)
    Protocol(String),
    /// A header field that cannot be sent: no valid name or value, or one that belongs to the handshake.
    Header(String),
    /// `wss://`, but TLS is not part of this build, or nobody is known whom to trust, or there is no TLS with this server: a
    /// sentence.
    Tls(String),
    /// The server with that name and port shows a certificate for which nobody vouches who is trusted. If it is the right
    /// one, trust it: `Builder::tls` with `tls::Connector::trusting`.
    Untrusted(String),
    /// The operating system refused a thread or a descriptor.
    Start(io::Error),
    /// The name could not be resolved.
    Resolve(io::Error),
    /// None of the host's addresses could be connected to; this is what befell the last one.
    Connect(io::Error),
    /// There was no connection within that time, name resolution included.
    ConnectTimeout(Duration),
    /// The handshake was not over within that time.
    HandshakeTimeout(Duration),
    /// It was closed before it was open.
    Cancelled,
    /// The server answered, but with another status than 101: it does not want this, or is no WebSocket server.
    /// Redirections are not followed, as browsers do not either.
    Refused {
        /// The HTTP status, such as 401 or 404.
        status: u16,
        /// What it says in the body, or the beginning of that: at most 1 KiB.
        body: String,
        /// Where a redirection (3xx) leads.
        location: Option<String>,
    },
    /// What the server answered is no answer to a WebSocket handshake (RFC 6455 4.1); the sentence says why.
    Handshake(&'static str),
    /// The server broke the protocol, and was told so with this status code.
    Failed {
        /// The status code that was sent: 1002, 1007, 1008 or 1009.
        code: u16,
        /// What it did, in words.
        what: String,
    },
    /// More waited to be sent than [`Builder::max_buffered`](super::Builder::max_buffered) allows. Close 1013 was sent.
    Full,
    /// No answer to a Ping. Close 1013 was sent.
    Silent,
    /// The connection ended without a Close frame.
    Lost,
    /// [`WebSocket::close`](super::WebSocket::close) takes 1000 and 3000 to 4999. (In a browser: `InvalidAccessError`.)
    CloseCode(u16),
    /// A reason has room for 123 bytes; this one has so many. (In a browser: `SyntaxError`.)
    CloseReason(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } if url.contains('@') => write!(f, "not a WebSocket's URL: {}", self.why()),
            Self::Url { url, .. } => write!(f, "{url:?} is not a WebSocket's URL: {}", self.why()),
            Self::BlockedPort(port) => {
                write!(
                    f,
                    "browsers refuse to connect to port {port}, and so does this unless blocked ports are allowed"
                )
            }
            Self::Protocol(name) => write!(f, "{name:?} is no subprotocol: a token, such as chinwag.v1, named once"),
            Self::Header(name) => write!(f, "the header field {name:?} cannot be sent"),
            Self::Tls(why) => write!(f, "{}", why.escape_debug()),
            Self::Untrusted(host) => write!(f, "nobody who is trusted here vouches for the certificate of {host}"),
            Self::Start(source) => write!(f, "cannot start a connection: {source}"),
            Self::Resolve(source) => write!(f, "the host was not found: {source}"),
            Self::Connect(source) if source.kind() == io::ErrorKind::ConnectionRefused => {
                write!(f, "cannot connect: nothing listens there; is the server running?")
            }
            Self::Connect(source) => write!(f, "cannot connect: {source}"),
            Self::ConnectTimeout(time) => write!(f, "no connection within {time:?}"),
            Self::HandshakeTimeout(time) => write!(f, "no answer to the handshake within {time:?}"),
            Self::Cancelled => write!(f, "closed before it was open"),
            Self::Refused { status, body, location } => refused(f, *status, body, location.as_deref()),
            Self::Handshake(why) => write!(f, "that is no answer to a WebSocket handshake: {why}"),
            Self::Failed { code, what } => write!(f, "the server broke the protocol, {code} ({})", what.escape_debug()),
            Self::Full => write!(f, "too much waited to be sent"),
            Self::Silent => write!(f, "the server did not answer a Ping"),
            Self::Lost => write!(f, "the connection was lost"),
            Self::CloseCode(code) => write!(f, "{code} must not be sent: 1000 and 3000 to 4999 may"),
            Self::CloseReason(length) => write!(f, "a reason has room for 123 bytes, this one has {length}"),
        }
    }
}

impl Error {
    fn why(&self) -> &'static str {
        match self {
            Self::Url { why, .. } => why,
            _ => "",
        }
    }
}

/// One line, whatever the server wrote into its body.
fn refused(f: &mut fmt::Formatter<'_>, status: u16, body: &str, location: Option<&str>) -> fmt::Result {
    write!(f, "the server answered {status} instead of 101")?;
    if let Some(location) = location {
        write!(f, ", and names {}", location.escape_debug())?;
    }
    match body.trim().lines().next() {
        Some(line) => write!(f, ": {}", line.escape_debug()),
        None => Ok(()),
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start(source) | Self::Resolve(source) | Self::Connect(source) => Some(source),
            _ => None,
        }
    }
}

//! Why a server cannot start, and why a Close frame cannot be sent. What goes wrong on one connection is a
//! [`DisconnectReason`](crate::DisconnectReason), or an HTTP response.

use std::{fmt, io, net::SocketAddr};

/// Why a server could not be started.
#[non_exhaustive]
pub enum Error {
    /// The address has no port, or a host that cannot be found.
    Resolve(io::Error),
    /// Listening failed: the address is in use, is not one of this machine, or its port needs a privilege.
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server has no address to listen on.
    NoListener,
    /// The operating system refused a thread or a descriptor that the server itself needs.
    Start(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: {}", explain(source))
            }
            Self::Resolve(source) => write!(f, "no such address: {source}"),
            Self::NoListener => write!(f, "no address to listen on was given"),
            Self::Start(source) => write!(f, "cannot start: {source}"),
        }
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// Why a connection was not closed: its Close frame could not be sent like that.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseError {
    /// This status code must not be sent (RFC 6455 7.4). (In a browser: `InvalidAccessError`.)
    Code(u16),
    /// The reason has so many bytes, and a Close frame has room for 123 (RFC 6455 5.5). (In a browser: `SyntaxError`.)
    Reason(usize),
}

/// The longest reason, in bytes (RFC 6455 5.5).
pub(crate) const MAX_REASON: usize = 123;

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "the close code {code} is not allowed: use 1000, or 4000 to 4999"),
            Self::Reason(length) => write!(f, "a close reason has at most 123 bytes, and this one has {length}"),
        }
    }
}

impl fmt::Debug for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CloseError {}

/// What to do about a failed bind, in a sentence.
fn explain(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => "the port is taken; stop what uses it, or choose another port".into(),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right; choose a higher port, or grant CAP_NET_BIND_SERVICE".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; 0.0.0.0 or [::] means every address it has".into()
        }
        _ => source.to_string(),
    }
}

/// A peer's text, in one line: control characters and invisible ones are escaped.
pub(crate) struct Visible<'a>(pub(crate) &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\'' | '"' => write!(f, "{c}"),
            _ => write!(f, "{}", c.escape_debug()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_main_prints_is_for_people() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(Visible("server's \"x\" \x1b[2J\n\u{202e}").to_string(), r#"server's "x" \u{1b}[2J\n\u{202e}"#);
        let error = Error::Bind { address, source: io::ErrorKind::AddrInUse.into() };
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(format!("{error:?}").starts_with("cannot listen on 127.0.0.1:80: the port is taken; stop what"));
    }
}

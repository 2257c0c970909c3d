//! Why a server cannot start, and what else a program cannot do. What goes wrong on one connection is a
//! [`DisconnectReason`](crate::DisconnectReason), or an HTTP response.

use std::{fmt, io, net::SocketAddr};

/// Why a server cannot start, why a host name, an origin, a token, a network or a certificate cannot be used, or why a Close frame
/// cannot be sent. `Display` is a sentence that says what is wrong, and what to do or what would be valid. It begins with the name of
/// the file, if there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    kind: io::ErrorKind,
    sentence: String,
}

impl Error {
    /// Listening at that address failed with that error of the operating system. The sentence says what to do about it.
    #[must_use]
    pub fn bind(address: SocketAddr, source: &io::Error) -> Self {
        let explanation = match source.kind() {
            io::ErrorKind::AddrInUse => "the port is taken; stop what uses it, or choose another port",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a right; choose a higher port, or grant CAP_NET_BIND_SERVICE"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; 0.0.0.0 or [::] means every address it has"
            }
            _ => &source.to_string(),
        };
        Self { kind: source.kind(), sentence: format!("cannot listen on {address}: {explanation}") }
    }

    /// What a program can tell apart: an error of the operating system, such as `AddrInUse`, or `InvalidInput`.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// What the program gave cannot be used.
    pub(crate) fn invalid(sentence: impl Into<String>) -> Self {
        Self { kind: io::ErrorKind::InvalidInput, sentence: sentence.into() }
    }

    /// The operating system refused a thread or a descriptor that the server itself needs.
    pub(crate) fn start(source: io::Error) -> Self {
        Self { kind: source.kind(), sentence: format!("cannot start: {source}") }
    }

    /// Whether a Close frame may have that code (RFC 6455 7.4; in a browser otherwise `InvalidAccessError`).
    pub(crate) fn check_code(is_allowed: bool, code: u16) -> Result<(), Self> {
        let error = || Self::invalid(format!("the close code {code} is not allowed: use 1000, or 4000 to 4999"));
        if is_allowed { Ok(()) } else { Err(error()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// The longest reason of a Close frame, in bytes (RFC 6455 5.5).
pub(crate) const MAX_REASON: usize = 123;

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
        let error = Error::bind(address, &io::ErrorKind::AddrInUse.into());
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(format!("{error:?}").starts_with("cannot listen on 127.0.0.1:80: the port is taken; stop what"));
    }
}

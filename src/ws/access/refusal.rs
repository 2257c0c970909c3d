//! The sentences: why somebody may not come in, or a setting cannot be used.
//!
//! Owns the words and the status codes. Knows no rules.

use std::fmt;

/// A host name, origin or token that cannot be used; its `Display` is a sentence that says what would be right.
#[derive(Clone, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    pub(super) fn host(given: &str) -> Self {
        Self(format!("{given:?} is not a host name; give the name alone, such as chat.example, or * for any"))
    }

    pub(super) fn origin(given: &str) -> Self {
        Self(format!(
            "{given:?} is not an origin; give scheme and host, such as https://chat.example, or * for any, or null"
        ))
    }

    /// Does not repeat what was given: it may be nearly the secret.
    pub(super) fn token() -> Self {
        Self("the access token must be one line of visible ASCII characters, without spaces".to_owned())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Invalid {}

/// Why somebody may not come in; its `Display` is a sentence that names the flag that would change it. For a host or an
/// origin it names the method of [`Access`](super::Access), too: programs that embed the server have no flags. The others say
/// what the client has to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is for a host name that is not this server's (421).
    Host(String),
    /// A page of a foreign origin (403).
    Origin(String),
    /// An `Origin` that is none (403).
    BadOrigin,
    /// No `Origin`, and one is required (403).
    NoOrigin,
    /// No token, and one is required (401).
    NoToken,
    /// Not the token (401).
    WrongToken,
}

impl Refusal {
    /// The HTTP status that says so: 401, 403 or 421 (RFC 9110 15.5.2, 15.5.4, 15.5.20).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Host(_) => 421,
            Self::Origin(_) | Self::BadOrigin | Self::NoOrigin => 403,
            Self::NoToken | Self::WrongToken => 401,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(
                f,
                "This server does not answer to the name {name}; if it should, start it with --host {name} \
                 (in code: Access::allow_host)."
            ),
            Self::Origin(origin) => write!(
                f,
                "Pages from {origin} may not connect here; if they should, start the server with \
                 --origin {origin} (in code: Access::allow_origin)."
            ),
            Self::BadOrigin => f.write_str("Origin must be scheme://host[:port] or null."),
            Self::NoOrigin => {
                f.write_str("Origin is missing, and this server was started with --require-origin.")
            }
            Self::NoToken => f.write_str(
                "This server wants its access token (see --token-file): send Authorization: Bearer TOKEN, or add ?token=TOKEN to the URL.",
            ),
            Self::WrongToken => {
                f.write_str("That is not this server's access token (the one in its --token-file).")
            }
        }
    }
}

impl std::error::Error for Refusal {}

//! Why a request is refused, or a setting is invalid, in sentences for people.

use std::fmt;

/// A host name, an origin, a token or a certificate that cannot be used. `Display` is a sentence that says why, or what would
/// be valid. It begins with the name of the file, if there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Invalid(pub(in crate::ws) String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Display`](fmt::Display), because `fn main() -> Result<(), …>` prints errors with `Debug`.
impl fmt::Debug for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Invalid {}

/// Why a request is refused. `Display` is a sentence that names the flag which would allow the request.
///
/// For a host or an origin it also names the method of [`Access`](super::Access), because programs that embed the server
/// have no flags.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is for a host name that is not this server's (421).
    Host(String),
    /// The page is from a foreign origin (403).
    Origin(String),
    /// The `Origin` is malformed (403).
    BadOrigin,
    /// `Origin` is missing, and it is required (403).
    NoOrigin,
    /// The token is missing, and it is required (401).
    NoToken,
    /// The token is wrong (401).
    WrongToken,
    /// An operator has banned the address of the client (403).
    Banned,
}

impl Refusal {
    /// The HTTP status: 401, 403 or 421 (RFC 9110 15.5.2, 15.5.4, 15.5.20).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Host(_) => 421,
            Self::Origin(_) | Self::BadOrigin | Self::NoOrigin | Self::Banned => 403,
            Self::NoToken | Self::WrongToken => 401,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(
                f,
                "The host {name} is not allowed. To allow it, start the server with --host {name} \
                 (in code: Access::allow_host)."
            ),
            Self::Origin(origin) => write!(
                f,
                "Pages from {origin} are not allowed. To allow them, start the server with --origin {} \
                 (in code: Access::allow_origin).",
                shell_word(origin)
            ),
            Self::BadOrigin => f.write_str("Origin must be scheme://host[:port], null or a word."),
            Self::Banned => f.write_str("An operator of this server has banned your address."),
            Self::NoOrigin => f.write_str("Origin is missing, and this server was started with --require-origin."),
            Self::NoToken => f.write_str(
                "This server requires an access token (--token-file). Send Authorization: Bearer TOKEN, or add \
                 ?token=TOKEN to the URL.",
            ),
            Self::WrongToken => {
                f.write_str("The access token is wrong. The right one is in the server's --token-file.")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// One word of a command line, quoted if a shell would change it: the text comes from a client.
fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@%+=".contains(&byte);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

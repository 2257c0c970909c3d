//! TLS: the certificate a server shows, and the session that lives beside a connection's WebSocket state.
//!
//! Owns all that is rustls's. Knows no WebSocket, no HTTP and no threads, and never blocks on a socket: bytes in, bytes
//! out. There is only one place that chooses between this and a build without TLS: where `lib.rs` names this module.

mod acceptor;
mod addresses;
mod certificate;
mod connector;
mod der;
mod explain;
mod self_signed;
mod session;

pub use acceptor::Acceptor;
pub use addresses::addresses_of_this_machine;
pub use connector::Connector;
pub use self_signed::self_signed;

pub(crate) use session::Session;

use std::fmt;

/// Why a certificate cannot be used; its `Display` is a sentence that begins with the file's name, where there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// What a listener is that is not plain.
#[derive(Debug, Clone)]
pub(crate) enum Port {
    /// It speaks TLS.
    Secure(Acceptor),
    /// It speaks plain HTTP, and says only that all is at this other port, with `https`.
    Redirect(u16),
}

/// A fatal alert before any handshake, `internal_error` (RFC 8446 6.2): more cannot be said without a handshake.
const BUSY: &[u8] = &[0x15, 3, 3, 0, 2, 2, 80];

impl Port {
    /// For a newcomer, where TLS is spoken.
    pub(crate) fn session(&self) -> Option<Session> {
        match self {
            Self::Secure(acceptor) => acceptor.session(),
            Self::Redirect(_) => None,
        }
    }

    /// The port that a newcomer should have asked, and never hears more than that here.
    pub(crate) fn redirect(&self) -> Option<u16> {
        match self {
            Self::Secure(_) => None,
            Self::Redirect(port) => Some(*port),
        }
    }

    /// What a newcomer hears for whom there is no time for a handshake.
    pub(crate) fn busy(&self) -> Option<&'static [u8]> {
        match self {
            Self::Secure(_) => Some(BUSY),
            Self::Redirect(_) => None,
        }
    }
}

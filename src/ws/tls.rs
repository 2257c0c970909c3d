//! TLS with rustls: the certificates of servers and clients, and the sessions of connections. It does no network I/O.

mod acceptor;
mod connector;
mod pem;
mod self_signed;
mod session;
mod validity;

pub use acceptor::Acceptor;
pub use connector::Connector;
pub use self_signed::{addresses_of_this_machine, self_signed};

pub(crate) use session::Session;

pub use crate::ws::access::Invalid as Error;
pub use rustls;

use std::io;

/// The only protocol that is spoken over TLS (RFC 7301). There is no HTTP/2.
const HTTP_1_1: &[u8] = b"http/1.1";

/// A fatal alert before any handshake, `internal_error` (RFC 8446 6.2).
const INTERNAL_ERROR: &[u8] = &[0x15, 3, 3, 0, 2, 2, 80];

/// The mode of a listener that is not plain.
#[derive(Debug, Clone)]
pub(crate) enum ListenerMode {
    /// HTTP and WebSocket over TLS.
    Tls(Acceptor),
    /// Plain HTTP, where each response is a redirect to `https` at this port.
    RedirectToHttps(u16),
}

impl ListenerMode {
    /// A session for a new connection, if the listener speaks TLS.
    ///
    /// # Errors
    /// The session cannot be created. The log says why. The connection must not be used without TLS.
    pub(crate) fn session(&self) -> io::Result<Option<Session>> {
        match self {
            Self::Tls(acceptor) => acceptor.session().map(Some).ok_or_else(|| io::Error::other("no TLS session")),
            Self::RedirectToHttps(_) => Ok(None),
        }
    }

    /// The port to which all requests are redirected.
    pub(crate) fn https_port(&self) -> Option<u16> {
        match self {
            Self::Tls(_) => None,
            Self::RedirectToHttps(port) => Some(*port),
        }
    }

    /// The alert for a client that is rejected without a TLS handshake, because the server is busy. `None` without TLS.
    pub(crate) fn busy_alert(&self) -> Option<&'static [u8]> {
        match self {
            Self::Tls(_) => Some(INTERNAL_ERROR),
            Self::RedirectToHttps(_) => None,
        }
    }
}

//! TLS with rustls: the certificates of servers and clients, and the sessions of connections. It does no network I/O.

#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod self_signed;
#[cfg(feature = "tls")]
mod session;

#[cfg(feature = "tls")]
pub(crate) use connector::explain;
#[cfg(feature = "tls")]
pub use {
    crate::ws::access::Invalid as Error,
    acceptor::Acceptor,
    connector::Connector,
    rustls,
    self_signed::{addresses_of_this_machine, self_signed},
};

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read, Write},
};

/// The only protocol that is spoken over TLS (RFC 7301). There is no HTTP/2.
#[cfg(feature = "tls")]
const HTTP_1_1: &[u8] = b"http/1.1";

/// The session of a server or a client: ciphertext in, plaintext out, and the reverse. It has no socket and never blocks on
/// one, so that a connection can use it under its lock. A build without TLS has no type that implements it.
pub(crate) trait Session: fmt::Debug + Send {
    /// For how many seconds browsers should use `https` only (RFC 6797). Responses carry it as a header field.
    fn hsts(&self) -> Option<u32>;

    /// Does the whole TLS handshake. After it: sends what TLS has to send, or else reads once. Returns false at the end of
    /// the stream.
    ///
    /// # Errors
    /// The socket's errors. `InvalidData` if the peer is not trusted, or does not speak TLS; the alert has been sent.
    fn exchange(&mut self, socket: &mut dyn ReadWrite) -> io::Result<bool>;

    /// Reads plaintext into `buffer`, and takes as much ciphertext from `input` as that needs. Returns 0 after the peer's
    /// `close_notify`. Call [`Session::flush`] afterwards, whatever the result.
    ///
    /// # Errors
    /// `WouldBlock` if `input` is used up and has no complete record. `InvalidData` if it is not TLS or was tampered with.
    fn read(&mut self, input: &mut VecDeque<u8>, buffer: &mut [u8]) -> io::Result<usize>;

    /// Encrypts `bytes` and appends the ciphertext to `out`. After [`Session::close`] it does nothing.
    fn write(&mut self, bytes: &[u8], out: &mut dyn Write);

    /// Appends what TLS itself has to send: handshake messages, tickets, new keys, alerts.
    fn flush(&mut self, out: &mut dyn Write);

    /// Appends `close_notify` (RFC 8446 6.1), by which the peer distinguishes the end from a cut connection.
    fn close(&mut self, out: &mut dyn Write);
}

/// A socket.
pub(crate) trait ReadWrite: Read + Write {}

impl<S: Read + Write> ReadWrite for S {}

/// What a listener speaks. By default, plain HTTP and WebSocket.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListenerMode {
    /// HTTP and WebSocket over TLS.
    pub(crate) tls: Option<Acceptor>,
    /// Each response is a redirect to `https` at this port.
    pub(crate) https_port: Option<u16>,
}

impl ListenerMode {
    /// A session for a new connection, if the listener speaks TLS.
    ///
    /// # Errors
    /// The session cannot be created. The log says why. The connection must not be used without TLS.
    pub(crate) fn session(&self) -> io::Result<Option<Box<dyn Session>>> {
        self.tls.as_ref().map(Acceptor::session).transpose()
    }
}

/// A build without TLS has none.
#[cfg(not(feature = "tls"))]
#[derive(Debug, Clone)]
pub(crate) enum Acceptor {}

#[cfg(not(feature = "tls"))]
impl Acceptor {
    fn session(&self) -> io::Result<Box<dyn Session>> {
        match *self {}
    }
}

//! The slot of TLS in a connection. What fills it is in `tls`, which a build without that feature does not have.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;

/// The session of a server or a client: ciphertext in, plaintext out, and the reverse. It has no socket and never blocks on
/// one, so that a connection can use it under its lock.
pub(crate) trait Session: Debug + Send {
    /// Reads plaintext into `buffer`, and takes as much ciphertext from `input` as that needs, that of the handshake included.
    /// Returns 0 after the peer's `close_notify`. Call [`Session::flush`] afterwards, whatever the result.
    ///
    /// # Errors
    /// `WouldBlock` if `input` is used up and has no complete record. `InvalidData` if it is not TLS or was tampered with, or the
    /// peer is not trusted.
    fn read(&mut self, input: &mut VecDeque<u8>, buffer: &mut [u8]) -> io::Result<usize>;

    /// Whether the TLS handshake is not finished.
    fn is_handshaking(&self) -> bool;

    /// The certificates of the peer after the TLS handshake, its own first, in DER.
    fn certificates(&self) -> Vec<Vec<u8>>;

    /// Encrypts `bytes` and appends the ciphertext to `out`: after the handshake, if that is not finished. After
    /// [`Session::close`] it does nothing.
    fn write(&mut self, bytes: &[u8], out: &mut dyn Write);

    /// Appends what TLS itself has to send: handshake messages, tickets, new keys, alerts.
    fn flush(&mut self, out: &mut dyn Write);

    /// Appends `close_notify` (RFC 8446 6.1), by which the peer distinguishes the end from a cut connection.
    fn close(&mut self, out: &mut dyn Write);
}

/// What is spoken on a listening socket. Default: plain HTTP and WebSocket.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListenerMode {
    /// HTTP and WebSocket over TLS.
    pub(crate) tls: Option<Arc<dyn StartTls>>,
    /// For how many seconds browsers should use `https` only (RFC 6797). Responses carry it as a header field.
    pub(crate) hsts: Option<u32>,
    /// Plain HTTP, where each response is a redirect to `https` at this port.
    pub(crate) https_port: Option<u16>,
}

/// Starts the sessions of a TLS port.
pub(crate) trait StartTls: Debug + Send + Sync {
    /// A session for a new connection.
    ///
    /// # Errors
    /// It cannot be created. The log says why. The connection must not be used without TLS.
    fn session(&self) -> io::Result<Box<dyn Session>>;
}

impl ListenerMode {
    /// A session for a new connection, if the listener speaks TLS.
    ///
    /// # Errors
    /// As [`StartTls::session`].
    pub(crate) fn session(&self) -> io::Result<Option<Box<dyn Session>>> {
        self.tls.as_ref().map(|tls| tls.session()).transpose()
    }
}

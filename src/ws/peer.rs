//! A handle to one connected peer, for any thread.
//!
//! Owns who the peer is. Sending never blocks: what the socket does not take waits in the connection's outbox.

use crate::ws::connection::{Connection, DisconnectReason, Frames, Message};
use std::{
    fmt,
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
};

/// A number that no other peer of the same server ever has: it counts from
/// [`Builder::first_id`](crate::Builder::first_id), by default 1.
pub type PeerId = u64;

/// A connected peer. Cloning is cheap; all clones are the same peer, and compare equal.
///
/// It may be used from any thread, and after the peer is gone: then sending does nothing.
///
/// **To keep the handle of an [`Event::Message`](crate::Event::Message), keep its `clone()`.** That one handle stands for
/// the message, until it is dropped: a Close that comes later waits for it, for up to
/// [`Config::close_timeout`](crate::Config::close_timeout). Clones, and the handles of other events, delay nothing.
pub struct Peer {
    /// Nothing in between: whoever sends to thousands waits for memory at each step.
    connection: Arc<Connection>,
    /// It came with a message: when it is dropped, the message counts as dealt with.
    with_message: bool,
}

impl Peer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, with_message: false }
    }

    /// The connection is over: see [`Connection::end`].
    pub(crate) fn end(&self) -> DisconnectReason {
        self.connection.end()
    }

    /// Sends what waits.
    pub(crate) fn flush(&self) {
        self.connection.flush();
    }

    /// The handle that goes out with a message.
    pub(crate) fn with_message(&self) -> Self {
        Self { connection: Arc::clone(&self.connection), with_message: true }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.connection.far_end().id
    }

    /// Where its connection comes from. Behind a trusted proxy: the address that the proxy names, and port 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.connection.far_end().addr
    }

    /// The subprotocol that was agreed on in the handshake (RFC 6455 1.9).
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.connection.far_end().protocol.as_deref()
    }

    /// Sends a message, and never blocks: what the socket does not take at once waits, up to
    /// [`Config::max_send_buffer`](crate::Config::max_send_buffer) bytes; a peer for which more waits is dropped with 1013.
    ///
    /// False: the peer is gone, or a Close frame was sent to it; the message was not.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        let mut frames = Frames::new();
        frames.message(&message.into());
        self.send_frames(&frames)
    }

    /// Sends messages that were encoded before, perhaps for many peers: one write for all of them.
    ///
    /// Returns as [`Peer::send`] does.
    pub fn send_frames(&self, frames: &Frames) -> bool {
        self.send_bytes(frames.as_bytes())
    }

    /// Sends whole frames.
    pub(crate) fn send_bytes(&self, frames: &[u8]) -> bool {
        self.connection.send(frames)
    }

    /// Whether the operating system has taken everything that was sent. Who has much to send, and no hurry, waits for that.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.connection.is_idle()
    }

    /// Starts the closing handshake (RFC 6455 7.1.2) after all that was sent before: a Close frame with this status
    /// code (RFC 6455 7.4) and reason, of which the first 123 bytes are sent. No message of this peer comes any more;
    /// its [`Event::Disconnected`](crate::Event::Disconnected) does, after at most
    /// [`Config::close_timeout`](crate::Config::close_timeout). Does nothing if it is closing already.
    ///
    /// `code` is one of 1000 to 1003, 1007 to 1014, or 3000 to 4999. For others, which must not be sent, 1011 is.
    pub fn close(&self, code: u16, reason: &str) {
        self.connection.close(code, reason);
    }

    /// Cuts the connection, without a Close frame and whatever is still to be sent: a browser calls that 1006. For
    /// tests, and for peers that deserve no better.
    pub fn cut(&self) {
        self.connection.cut();
    }
}

impl Clone for Peer {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.connection))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.with_message {
            self.connection.dealt_with();
        }
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.connection, &other.connection)
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({}, {})", self.id(), self.addr())
    }
}

//! A handle to one connected peer, for any thread.

use crate::ws::{
    connection::{Connection, DisconnectReason, Frames, Message},
    error::CloseError,
};
use std::{
    fmt,
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The number of a connection. No other connection of this process has it, also not one of another server. The first one has
/// 1, or [`Builder::first_id`](crate::Builder::first_id).
pub type PeerId = u64;

/// One for the process: two servers may share a table of connections.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The id for a new connection.
pub(crate) fn next_id() -> PeerId {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// From now on no id is smaller than this.
pub(crate) fn skip_ids_below(id: PeerId) {
    NEXT_ID.fetch_max(id, Ordering::Relaxed);
}

/// A connected peer. Clones are cheap and equal: they stand for the same connection.
///
/// It may be used from any thread, and after the connection has ended: then sending does nothing.
#[derive(Clone)]
pub struct Peer {
    /// Stored inline: each extra pointer costs a cache miss per peer.
    connection: Arc<Connection>,
}

impl Peer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    /// As [`Connection::end`].
    pub(crate) fn end(&self) -> DisconnectReason {
        self.connection.end()
    }

    /// As [`Connection::flush_pending`].
    pub(crate) fn flush_pending(&self) {
        self.connection.flush_pending();
    }

    /// Returns false if the connection is closing.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// The number of this connection.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.connection.info().id
    }

    /// The client's address. Behind a trusted proxy: the address that the proxy names, and port 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.connection.info().addr
    }

    /// The subprotocol that was agreed on in the handshake (RFC 6455 1.9).
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.connection.info().protocol.as_deref()
    }

    /// Sends a message, and never blocks. Bytes that the socket does not take at once are buffered. A peer for which more than
    /// [`Config::max_send_buffer`](crate::Config::max_send_buffer) bytes are buffered is dropped with 1013.
    ///
    /// Returns false if the connection is closing or has ended; the message is not sent then.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        let mut frames = Frames::new();
        frames.message(&message.into());
        self.send_frames(&frames)
    }

    /// Sends messages that are encoded already, perhaps for many peers, with one write.
    ///
    /// Returns as [`Peer::send`] does.
    pub fn send_frames(&self, frames: &Frames) -> bool {
        self.connection.send(frames.bytes_for(self.connection.compression(), 0))
    }

    /// Bytes that were sent and that the operating system has not taken yet. To send a lot, wait until it is 0 now and then.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }

    /// Starts the closing handshake (RFC 6455 7.1.2): a Close frame with this status code (RFC 6455 7.4) and reason, after all
    /// messages that were sent before. No message of this peer follows. Its
    /// [`Event::Disconnected`](crate::Event::Disconnected) comes after at most
    /// [`Config::close_timeout`](crate::Config::close_timeout). Does nothing if the connection is closing already.
    ///
    /// # Errors
    /// [`CloseError::Code`] unless `code` is one of 1000 to 1003, 1007 to 1014, or 3000 to 4999; [`CloseError::Reason`] if the
    /// reason has more than 123 bytes. Then the connection is not closed.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), CloseError> {
        CloseError::check(code, reason)?;
        self.connection.close(code, reason);
        Ok(())
    }

    /// Ends the connection at once, without a Close frame; buffered bytes are lost. A browser reports this as 1006. For tests,
    /// and for peers that attack. A [`CloseGuard`](crate::server::CloseGuard) that is kept still delays
    /// [`Event::Disconnected`](crate::Event::Disconnected).
    pub fn cut(&self) {
        self.connection.cut();
    }
}

/// For the chat.
#[cfg(feature = "chat")]
impl Peer {
    /// Whether limits per address do not apply to the client.
    pub(crate) fn is_exempt(&self) -> bool {
        self.connection.config().is_exempt(self.addr().ip())
    }

    /// Sends the frames from byte `from` on. As [`Connection::send_counting`].
    pub(crate) fn send_counting(&self, frames: &Frames, from: usize, counted: usize) -> bool {
        self.connection.send_counting(frames.bytes_for(self.connection.compression(), from), counted)
    }

    /// As [`Connection::stalled_for`].
    pub(crate) fn stalled_for(&self) -> Option<std::time::Duration> {
        self.connection.stalled_for()
    }

    /// As [`Connection::drop_slow`].
    pub(crate) fn drop_slow(&self) {
        self.connection.drop_slow();
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

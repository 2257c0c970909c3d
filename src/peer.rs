//! A handle to one connected peer, for any thread.
//!
//! Owns who the peer is. Sending never blocks: what the socket does not take waits in the connection's outbox.

use crate::connection::{Connection, Frames, Message};
use std::{
    fmt,
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
};

/// A number that no other peer of the same server ever has: it counts from 1.
pub type PeerId = u64;

/// A connected peer. Cloning is cheap; all clones are the same peer, and compare equal.
///
/// It may be used from any thread, and after the peer is gone: then sending does nothing.
#[derive(Clone)]
pub struct Peer(Arc<Inner>);

struct Inner {
    id: PeerId,
    addr: SocketAddr,
    protocol: Option<Arc<str>>,
    connection: Arc<Connection>,
}

impl Peer {
    pub(crate) fn new(id: PeerId, addr: SocketAddr, protocol: Option<Arc<str>>, connection: Arc<Connection>) -> Self {
        Self(Arc::new(Inner { id, addr, protocol, connection }))
    }

    /// Its number.
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// Where its connection comes from.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    /// The subprotocol that was agreed on in the handshake (RFC 6455 1.9).
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol.as_deref()
    }

    /// Sends a message, and never blocks: what the socket does not take at once waits, up to
    /// [`Config::outbox`](crate::Config::outbox) bytes; a peer for which more waits is dropped with 1013.
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
        self.0.connection.send(frames)
    }

    /// Starts the closing handshake (RFC 6455 7.1.2) after all that was sent before: a Close frame with this status
    /// code (RFC 6455 7.4) and reason, of which the first 123 bytes are sent. No message of this peer comes any more;
    /// its [`Event::Disconnected`](crate::Event::Disconnected) does, after at most
    /// [`Config::close_timeout`](crate::Config::close_timeout). Does nothing if it is closing already.
    pub fn close(&self, code: u16, reason: &str) {
        self.0.connection.close(code, reason);
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({}, {})", self.0.id, self.0.addr)
    }
}

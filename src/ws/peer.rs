//! A handle to one connected peer, for any thread.

use crate::ws::connection::{Connection, ConnectionState, Frames, Message, Role};
use crate::ws::deflate::encoded_frames;
use crate::ws::error::{Error, MAX_REASON};
use crate::ws::{config::MAX_TIMEOUT, handshake_stream::wait_until_writable};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{any::Any, fmt, net::SocketAddr, sync::Arc};
use tungstenite::{Bytes, protocol::frame::Frame};

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

/// The reason, so short that it fits into a Close frame.
///
/// # Errors
/// A program may not send this code.
pub(crate) fn checked_close(code: u16, reason: &str) -> Result<&str, Error> {
    Error::check_code(matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999), code)?;
    let end = (0..=reason.len().min(MAX_REASON)).rfind(|end| reason.is_char_boundary(*end));
    Ok(&reason[..end.unwrap_or(0)])
}

/// The other side of a connection: a handle that sends, for any thread. Clones are cheap and equal: they stand for the same
/// connection. It may be used after the connection has ended: then sending does nothing.
///
/// Two threads write to one client while the server reads:
///
/// ```
/// use chinwag::{Event, Server, client, tungstenite};
/// use std::{net::TcpStream, thread};
///
/// let server = Server::bind("127.0.0.1:0")?;
/// let url = format!("ws://{}/ticks?fast", server.local_addrs()[0]);
/// let client = client::WebSocket::builder(&url).open()?;
/// let Ok(Event::Connected(peer, request)) = server.events().recv() else { panic!("a new connection is the first event") };
/// assert_eq!((peer.path(), request.uri().query(), peer.addr().ip()), ("/ticks", Some("fast"), [127, 0, 0, 1].into()));
///
/// thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| (0..100).for_each(|number| assert!(peer.send(number.to_string()))));
///     }
/// });
/// assert!((0..200).all(|_| client.recv().is_ok()));
///
/// peer.close(4000, "no more ticks").expect("a code that programs may use");
/// assert_eq!(client.recv().unwrap_err().to_string(), "closed by the peer, 4000 (no more ticks)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Peer {
    /// Stored inline: each extra pointer costs a cache miss per peer.
    pub(crate) connection: Arc<Connection>,
}

impl Peer {
    /// The number of this connection.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.connection.info.id
    }

    /// The address of the other side. Behind a trusted proxy: the client's address as the proxy names it, and port 0. A Unix
    /// socket has 127.0.0.1 and port 0 on a server, and 0.0.0.0 elsewhere.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.connection.info.addr.unwrap_or(SocketAddr::from(([0; 4], 0)))
    }

    /// The path of the request, without its query, and as it was sent: [`percent_decoded`](crate::http::percent_decoded) decodes it.
    /// Empty if another library did the handshake.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.connection.info.path
    }

    /// The value of this type that [`Builder::accept`](crate::Builder::accept) attached. It lives as long as a handle does.
    #[must_use]
    pub fn data<T: Any>(&self) -> Option<&T> {
        self.connection.info.data.as_deref()?.downcast_ref()
    }

    /// The subprotocol that was agreed on in the handshake (RFC 6455 1.9).
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.connection.info.protocol.as_deref()
    }

    /// Whether messages can be sent: the connection is neither closing nor has it ended.
    pub fn is_open(&self) -> bool {
        self.connection.lock().as_ref().is_some_and(|state| state.is_open())
    }

    /// Sends a message, and never blocks. Bytes that the socket does not take at once are buffered. A peer for which more than
    /// [`Config::max_send_buffer`](crate::Config::max_send_buffer) bytes of earlier messages are buffered is dropped with 1013.
    ///
    /// Returns false if the connection is closing or has ended, or is dropped now; the message is not sent then. Also false for a
    /// [stream](crate::http::Route::Stream), which has no messages: send it bytes with [`Frames::raw`] and [`Peer::send_frames`].
    pub fn send(&self, message: impl Into<Message>) -> bool {
        let mut frames = Frames::new();
        frames.message(&message.into());
        self.connection.info.keepalive.is_none() && self.send_frames(&frames)
    }

    /// Sends messages that are encoded already, perhaps for many peers, with one write.
    ///
    /// Returns false if the connection is closing or has ended, or is dropped now.
    pub fn send_frames(&self, frames: &Frames) -> bool {
        let bytes = frames.bytes_for(self.connection.info.deflate.as_ref(), 0);
        self.connection.send(self.connection.config.max_send_buffer, |state| match self.connection.role {
            Role::Server => state.send(bytes),
            // A client masks each frame (RFC 6455 5.3).
            Role::Client => encoded_frames(bytes).for_each(|(header, payload)| {
                let payload = Bytes::copy_from_slice(payload);
                state.write(tungstenite::Message::Frame(Frame::from_payload(header, payload)));
            }),
        })
    }

    /// Sends a Ping (RFC 6455 5.5.2). [`Peer::round_trip_time`] changes when the answer arrives. The library sends Pings of its
    /// own to silent peers, which are not measured.
    ///
    /// ```
    /// # use chinwag::{Server, client::WebSocket};
    /// # use std::{thread, time::Duration};
    /// # let server = Server::bind("127.0.0.1:0")?;
    /// # let _client = WebSocket::connect(&format!("ws://{}/", server.local_addrs()[0]), &[])?;
    /// # let chinwag::Event::Connected(peer, _) = server.events().recv()? else { panic!("no connection") };
    /// assert_eq!(peer.round_trip_time(), None);
    /// peer.ping();
    /// while peer.round_trip_time().is_none() {
    ///     thread::sleep(Duration::from_millis(1));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Returns as [`Peer::send`] does.
    pub fn ping(&self) -> bool {
        self.connection.info.keepalive.is_none() && self.connection.if_open(ConnectionState::ping)
    }

    /// The time from the last answered [`Peer::ping`] to its answer. `None` before the first answer, and after the end of the
    /// connection.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.connection.lock().as_ref()?.round_trip_time
    }

    /// Waits until at most `room` bytes are [buffered](Peer::buffered_amount). Returns false if the time has passed before, or if the
    /// connection is closing or has ended: then [`Peer::send`] returns false, too. That the peer has closed is noticed only by a
    /// thread that reads. To send a lot:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # fn send_all(peer: &chinwag::Peer, parts: &[Vec<u8>]) {
    /// for part in parts {
    ///     if !peer.wait_for_room(64 * 1024, Duration::from_secs(30)) || !peer.send(part.as_slice()) {
    ///         return; // it does not read, or the connection has ended
    ///     }
    /// }
    /// # }
    /// ```
    pub fn wait_for_room(&self, room: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout.min(MAX_TIMEOUT);
        let mut socket = None;
        while self.connection.if_open(|state| socket = Some(Arc::clone(&state.stream.socket))) {
            let has_room = self.buffered_amount() <= room;
            if has_room || socket.as_ref().is_some_and(|socket| wait_until_writable(socket, deadline).is_err()) {
                // Nothing is buffered after the end, either.
                return has_room && self.is_open();
            }
        }
        false
    }

    /// Bytes that were sent and that the operating system has not taken yet; 0 after the end of the connection.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.connection.lock().as_ref().map_or(0, |state| state.stream.unsent.len())
    }

    /// Starts the closing handshake (RFC 6455 7.1.2): a Close frame with this status code (RFC 6455 7.4) and reason, after all
    /// messages that were sent before. No message of this peer follows. Its
    /// [`Event::Disconnected`](crate::Event::Disconnected) comes after at most
    /// [`Config::close_timeout`](crate::Config::close_timeout). Does nothing if the connection is closing already.
    ///
    /// # Errors
    /// `code` is not one of 1000 to 1003, 1007 to 1014, or 3000 to 4999: those that IANA has assigned, of libraries (3000) and of
    /// programs (4000). Then the connection is not closed. A reason of more than 123 bytes is shortened, because it may contain
    /// what the peer sent.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), Error> {
        self.connection.close(code, checked_close(code, reason)?);
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
    /// Sends the frames from byte `from` on. As [`Peer::send_frames`], but more than
    /// [`Config::max_send_buffer`](crate::Config::max_send_buffer) bytes may wait: the chat has a log, from which a slow peer
    /// receives later what it cannot take now. Twice that and a batch is too much. Returns whether more than the limit waits.
    pub(crate) fn send_from(&self, frames: &Frames, from: usize, batch: usize) -> bool {
        let bytes = frames.bytes_for(self.connection.info.deflate.as_ref(), from);
        let most = self.connection.config.max_send_buffer;
        // A slow peer is noticed after a flush, and still gets what is for it alone.
        let is_open = self.connection.send(most.saturating_mul(2).saturating_add(batch), |state| state.send(bytes));
        is_open && self.buffered_amount() > most
    }

    /// From now on, keeps the bytes that arrive, decrypted. Those of `play` are read before the next ones, as if they had
    /// arrived. Returns what was kept since the last call.
    pub(crate) fn inspect(&self, play: &[u8]) -> Vec<u8> {
        self.connection.lock().as_mut().map(|state| state.stream.inspect(play)).unwrap_or_default()
    }

    /// How long the socket has taken none of the bytes that wait. `None`: no bytes wait.
    pub(crate) fn stalled_for(&self) -> Option<Duration> {
        let state = self.connection.lock();
        let stream = &state.as_ref().filter(|state| state.stream.is_stalled)?.stream;
        stream.progress_at.map(|at| at.elapsed())
    }

    /// Drops a peer that reads too slowly: Close 1013 after all queued bytes.
    pub(crate) fn drop_slow(&self) {
        self.connection.if_open(|state| self.connection.fail_slow(state));
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

#[cfg(all(test, feature = "chat"))]
mod tests;

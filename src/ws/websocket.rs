//! A WebSocket that one thread reads and writes in turn, as in other languages: [`WebSocket::recv`], [`Peer::send`].

use crate::ws::config::{Config, MAX_TIMEOUT};
use crate::ws::connection::{BufferedStream, Connection, PeerInfo, ReadResult, Reader, Role, WriteReactor};
use crate::ws::{DisconnectReason, Message, peer::Peer, peer::next_id};
use std::cell::{OnceCell, RefCell};
use std::time::{Duration, Instant};
use std::{fmt, io, ops::Deref, sync::Arc, thread};

/// An open WebSocket that waits for messages and has no events, on a server ([`Builder::serve`](crate::Builder::serve)) or in a client
/// ([`client::Builder::open`](crate::client::Builder::open)). It has the methods of [`Peer`] as well. The client with
/// events has a type of the same name: [`client::WebSocket`](crate::client::WebSocket).
///
/// ```
/// use chinwag::{Server, client};
///
/// let server = Server::builder().listen("127.0.0.1:0")?.serve(|ws| {
///     for message in &ws {
///         ws.send(message);
///     }
/// })?;
/// let ws = client::WebSocket::builder(&format!("ws://{}/", server.local_addrs()[0])).open()?;
/// ws.send("hello");
/// assert_eq!(ws.recv()?, "hello".into());
/// assert_eq!(ws.recv_timeout(std::time::Duration::from_millis(1))?, None); // nothing more has arrived
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Reading
/// One thread reads, so this type is not `Sync`; [`WebSocket::writer`] is for other threads. While nothing is read, TCP slows the other side down, and its
/// Pings and Close frames are not answered.
///
/// # The end
/// After the other side closed, failed or was lost, the loop ends, and [`WebSocket::recv`] returns the reason.
/// Dropping the WebSocket closes the connection with 1000, or with 1011 during a panic. That waits for the answer to the
/// Close frame, at most [`Config::close_timeout`](crate::Config::close_timeout).
pub struct WebSocket {
    peer: Peer,
    /// For one thread: `WebSocket` is not `Sync`.
    reader: RefCell<Reader>,
    reason: OnceCell<DisconnectReason>,
    on_end: Option<OnEnd>,
}

/// What the owner of a connection does when it has ended.
pub(crate) type OnEnd = Box<dyn FnOnce(DisconnectReason) + Send>;

impl WebSocket {
    pub(crate) fn new(peer: Peer, reader: Reader, on_end: Option<OnEnd>) -> Self {
        Self { peer, reader: RefCell::new(reader), reason: OnceCell::new(), on_end }
    }

    /// The WebSocket of a connection that no server owns.
    pub(crate) fn without_server(
        info: PeerInfo,
        role: Role,
        stream: Box<BufferedStream>,
        config: Config,
    ) -> io::Result<Self> {
        let info = PeerInfo { id: next_id(), addr: stream.socket.peer_addr().ok(), ..info };
        let (reactor, config) = (WriteReactor::of_process()?, Arc::new(config.sensible()));
        let (connection, reader) = Connection::new(info, role, stream, config, reactor);
        Ok(Self::new(Peer { connection }, reader, None))
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// The connection has ended, and why.
    pub fn recv(&self) -> Result<Message, DisconnectReason> {
        loop {
            if let Some(message) = self.recv_timeout(MAX_TIMEOUT)? {
                return Ok(message);
            }
        }
    }

    /// The next message if it has arrived. `None`: not yet. A game loop takes what has arrived, and never waits:
    ///
    /// ```
    /// # fn frame(ws: &chinwag::WebSocket) -> Result<(), chinwag::DisconnectReason> {
    /// while let Some(message) = ws.try_recv()? {
    ///     println!("{message:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn try_recv(&self) -> Result<Option<Message>, DisconnectReason> {
        self.recv_timeout(Duration::ZERO)
    }

    /// Waits for the next message, at most for that time. `None`: none has arrived.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Message>, DisconnectReason> {
        if let Some(reason) = self.reason.get() {
            return Err(reason.clone());
        }
        let result = self.reader.borrow_mut().next_until(Instant::now() + timeout.min(MAX_TIMEOUT));
        match result {
            ReadResult::Message(message) => Ok(Some(message)),
            ReadResult::NeedData => Ok(None),
            ReadResult::Closed(_) => Err(self.reason.get_or_init(|| self.peer.connection.end()).clone()),
        }
    }

    /// Waits for each message, until the connection ends. `for message in &ws` is the same.
    pub fn iter(&self) -> impl Iterator<Item = Message> {
        self
    }

    /// Why the connection ended. `None` until reading has found that out.
    #[must_use]
    pub fn reason(&self) -> Option<&DisconnectReason> {
        self.reason.get()
    }

    /// A handle that sends from other threads.
    #[must_use]
    pub fn writer(&self) -> Peer {
        self.peer.clone()
    }
}

impl Deref for WebSocket {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

/// `for message in &mut ws`. With `&ws` in its place, the loop can send as well.
impl Iterator for WebSocket {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.recv().ok()
    }
}

/// `for message in &ws`.
impl Iterator for &WebSocket {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.recv().ok()
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        let _ = self.peer.close(if thread::panicking() { 1011 } else { 1000 }, "");
        self.iter().for_each(drop);
        if let Some((on_end, reason)) = self.on_end.take().zip(self.reason.take()) {
            on_end(reason);
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebSocket({:?})", self.peer)
    }
}

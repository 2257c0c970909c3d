//! A client with the browser's WebSocket API, for threads instead of callbacks.
//!
//! ```no_run
//! use chinwag::client::{Event, WebSocket};
//!
//! let socket = WebSocket::connect("ws://localhost:6502/", &["text"])?;
//! for event in socket.events() {
//!     match event {
//!         Event::Open => {
//!             socket.send("hello, everybody");
//!         }
//!         Event::Message(message) => println!("{}", message.as_text().unwrap_or("bytes")),
//!         Event::Error(error) => eprintln!("{error}"),
//!         Event::Close { code, .. } => println!("closed, {code}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), chinwag::client::Error>(())
//! ```
//!
//! [`Builder::open`] and [`Builder::reconnecting`] are for programs that read in a loop instead: they return a
//! [`chinwag::WebSocket`](crate::WebSocket), not the type of this module.
//!
//! # JavaScript and Rust, side by side
//!
//! | in a browser | here |
//! |---|---|
//! | `new WebSocket(url)` | [`WebSocket::connect(url, &[])`](WebSocket::connect) |
//! | `new WebSocket(url, ["a", "b"])` | `WebSocket::connect(url, &["a", "b"])` |
//! | cookies, `Origin` | [`Builder::header`]; nothing by default |
//! | `socket.url` | [`socket.url()`](WebSocket::url) |
//! | `socket.readyState === WebSocket.OPEN` | [`socket.ready_state() == ReadyState::Open`](WebSocket::ready_state) |
//! | `socket.protocol` | [`socket.protocol()`](WebSocket::protocol), `None` for `""` |
//! | `socket.extensions` | [`socket.extensions()`](WebSocket::extensions), empty without `Builder::deflate` |
//! | `socket.bufferedAmount` | [`socket.buffered_amount()`](WebSocket::buffered_amount), with frame headers |
//! | `socket.binaryType` | not needed: [`Message::Binary`] holds bytes |
//! | `socket.send("text")`, `socket.send(bytes)` | [`socket.send("text")`](WebSocket::send), `socket.send(vec![1, 2])`; false instead of `InvalidStateError` |
//! | `socket.close(1000, "bye")` | [`socket.close(1000, "bye")?`](WebSocket::close); the same codes, the same 123 bytes |
//! | `socket.onopen = () => …` | [`Event::Open`] |
//! | `socket.onmessage = event => … event.data` | [`Event::Message(message)`](Event::Message) |
//! | `socket.onerror = () => …`, without a cause | [`Event::Error(error)`](Event::Error), with the cause |
//! | `socket.onclose = event => event.code, event.reason, event.wasClean` | [`Event::Close { code, reason, was_clean }`](Event::Close) |
//! | one thread, an event loop | [`socket.events()`](WebSocket::events): iterate on any thread, or use `crossbeam_channel::select!` with several sockets and a timer |
//! | garbage collection: Close 1001 | the last handle is dropped: Close 1001 |
//! | blocked ports | the same ports: [`is_blocked`]; [`Builder::allow_blocked_ports`] |
//! | Pings: answered, never sent | answered and sent: [`Config::ping_interval`](crate::Config::ping_interval) |
//! | an exception for an invalid URL or subprotocol | an [`Error`] from `connect` |
//!
//! # `wss://`
//! It needs the feature `tls`; without it, `connect` returns an error. By default, the certificates that this system trusts
//! are trusted. `Builder::tls` changes that.
//!
//! # Threads
//! Each WebSocket has a thread that connects, and then blocks in reads. One thread of the process sends what sockets did not
//! take at once. Handles can be cloned and used on any thread. Only waiting for events blocks. [`Builder::open`] has neither
//! events nor a thread.

mod backoff;
mod builder;
mod connect;
mod error;
mod handshake;
mod url;

pub(crate) use backoff::Backoff;
pub use builder::Builder;
pub use error::Error;
pub use url::is_blocked;

use crate::ws::connection::{DisconnectReason, Message};
use crate::ws::spawn::{lock, spawn};
use crate::ws::{error::MAX_REASON, peer::Peer, websocket};
use crossbeam_channel::{Receiver, Sender, bounded};
use log::{debug, trace};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// Bytes of the stack of a WebSocket's thread. Only the pages that are touched cost memory.
/// The name resolution of the system needs most.
const STACK_SIZE: usize = 2 * 1024 * 1024;

/// An event of a [`WebSocket`]. `Close` comes exactly once, as the last one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake succeeded. Messages can be sent from now on.
    Open,
    /// A whole message arrived.
    Message(Message),
    /// The connection failed, before or after it was open. `Close` follows. In contrast to browsers, the cause is named.
    Error(Error),
    /// The connection has ended.
    Close {
        /// The code of the server's Close frame: 1005 if the frame has none, 1006 if the frame is missing.
        code: u16,
        /// The reason in that frame: up to 123 bytes of text that nothing has checked.
        reason: String,
        /// Whether both sides have sent a Close frame.
        was_clean: bool,
    },
}

/// The state of a WebSocket. The numbers are those of browsers: `socket.ready_state() as u8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// Not yet open.
    Connecting = 0,
    /// Messages can be sent and received.
    Open = 1,
    /// One side has begun to close the connection.
    Closing = 2,
    /// The connection has ended, or it could not be opened.
    Closed = 3,
}

/// A client's WebSocket with events, as in a browser. Cloning is cheap; all clones are the same connection. The WebSocket that
/// waits for messages, which [`Builder::open`] returns, has a type of the same name: [`chinwag::WebSocket`](crate::WebSocket).
///
/// When the last one is dropped, the connection is closed with 1001, as when a browser leaves a page. Clones of the receiver
/// from [`WebSocket::events`] do not count.
#[derive(Debug, Clone)]
pub struct WebSocket(Arc<State>);

/// Shared by all clones. Its thread has no handle, so that it does not keep the connection open.
#[derive(Debug)]
struct State {
    url: String,
    events: Receiver<Event>,
    /// Set when the WebSocket is open.
    peer: OnceLock<Peer>,
    /// Where the events go, until the WebSocket is open or has failed. What takes the sender out sends the last events.
    connecting: Mutex<Option<Sender<Event>>>,
}

impl WebSocket {
    /// Begins to connect and returns at once, like the browser's constructor. [`Event::Open`] follows, or
    /// [`Event::Error`] and [`Event::Close`] if the connection failed.
    ///
    /// `url` begins with `ws://` or `wss://`. `http://` and `https://` mean the same. `protocols` are the subprotocols to
    /// offer, in order of preference (RFC 6455 1.9). The list may be empty.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn connect(url: &str, protocols: &[&str]) -> Result<Self, Error> {
        Self::builder(url).protocols(protocols.iter().copied()).connect()
    }

    /// Begins with the default settings for this URL.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    fn start(url: String, settings: Builder) -> Result<Self, Error> {
        // `Error` and `Close` always have room, so that `close` does not wait.
        let (sender, events) = bounded(settings.config.event_capacity.max(2));
        let connecting = Mutex::new(Some(sender));
        let state = Arc::new(State { url, events, peer: OnceLock::new(), connecting });
        let weak = Arc::downgrade(&state);
        let run = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| settings.open()));
            run(&weak, outcome.unwrap_or(Err(Error::Ended(DisconnectReason::Panicked))));
        };
        spawn("websocket", STACK_SIZE, Box::new(run)).map_err(Error::Connect)?;
        Ok(Self(state))
    }

    /// The events, in order. Iterating blocks until the next one, and ends after [`Event::Close`]. If there are several
    /// receivers, each event goes to one of them. The channel is bounded
    /// ([`Config::event_capacity`](crate::Config::event_capacity)): if you stop receiving, the server is slowed down.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.0.events
    }

    /// The URL in its normal form.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The state of the connection.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        let is_connecting = lock(&self.0.connecting).is_some();
        match self.peer() {
            None if is_connecting => ReadyState::Connecting,
            Some(peer) if peer.connection.is_open() => ReadyState::Open,
            Some(peer) if peer.connection.lock().is_some() => ReadyState::Closing,
            _ => ReadyState::Closed,
        }
    }

    /// The subprotocol that the server selected. `None` before the connection is open, or if none was offered.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.peer()?.protocol()
    }

    /// The extensions in use, as the server's response names them. Empty unless the feature `deflate` is used.
    #[must_use]
    pub fn extensions(&self) -> String {
        self.peer()
            .and_then(|peer| peer.connection.info.deflate.as_ref())
            .map_or_else(String::new, |agreement| agreement.response.to_string())
    }

    /// Bytes that [`WebSocket::send`] has queued and the operating system has not yet taken. Check it before you send a
    /// lot: beyond [`Config::max_send_buffer`](crate::Config::max_send_buffer) the connection fails.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.peer().map_or(0, Peer::buffered_amount)
    }

    /// Sends a message. It never blocks: what the socket does not take at once is queued.
    ///
    /// Returns false if the connection is not open, and the message was not sent. True does not mean that the server has
    /// received the message.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        self.peer().is_some_and(|peer| peer.send(message))
    }

    /// `None` before it is open.
    fn peer(&self) -> Option<&Peer> {
        self.0.peer.get()
    }

    /// Starts the closing handshake (RFC 6455 7.1.2), after all messages sent before. [`Event::Close`] follows when it is
    /// finished, at the latest after [`Config::close_timeout`](crate::Config::close_timeout). Before the connection is open,
    /// this cancels it with [`Error::Cancelled`]. A second call has no effect.
    ///
    /// # Errors
    /// As in browsers: the code is not 1000 or 3000 to 4999, or the reason has more than 123 bytes. Then the connection is not
    /// closed.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), crate::Error> {
        crate::Error::check_code(matches!(code, 1000 | 3000..=4999), code)?;
        if reason.len() > MAX_REASON {
            let length = reason.len();
            let sentence = format!("a close reason has at most {MAX_REASON} bytes, and this one has {length}");
            return Err(crate::Error::invalid(sentence));
        }
        self.0.close(code, reason);
        Ok(())
    }
}

/// The thread, once it knows how connecting ended.
fn run(state: &Weak<State>, outcome: Result<websocket::WebSocket, Error>) {
    // Otherwise it was closed meanwhile.
    let Some(state) = state.upgrade() else { return };
    let mut connecting = lock(&state.connecting);
    let Some(events) = connecting.take() else { return };
    let url = state.url.clone();
    let socket = match outcome {
        Ok(socket) => socket,
        Err(error) => return send_end(&events, &url, error),
    };
    let _ = state.peer.set(socket.writer());
    drop(connecting);
    drop(state);
    debug!("{url}: open, subprotocol {:?}", socket.protocol());
    let _ = events.send(Event::Open);
    // While the channel is full, nothing is read, so TCP slows the server down. When it has no receivers any more, messages
    // are dropped until the connection ends.
    for message in &socket {
        trace!("{url}: {message:?}");
        let _ = events.send(Event::Message(message));
    }
    let reason = socket.reason().cloned().unwrap_or(DisconnectReason::ConnectionLost);
    send_end(&events, &url, Error::Ended(reason));
}

impl State {
    /// Begins to close the connection, or cancels its opening. Then the thread still waits for the server, at most as long as
    /// the timeouts allow.
    fn close(&self, code: u16, reason: &str) {
        let connecting = lock(&self.connecting).take();
        match (connecting, self.peer.get()) {
            (Some(events), _) => send_end(&events, &self.url, Error::Cancelled),
            (None, Some(peer)) => _ = peer.close(code, reason),
            (None, None) => {}
        }
    }
}

/// Sends the last events: the error, if there is one, and `Close`.
fn send_end(events: &Sender<Event>, url: &str, end: Error) {
    debug!("{url}: closed: {end:?}");
    let (code, reason) = match end {
        Error::Ended(DisconnectReason::ClosedByPeer { code, reason }) => (code, reason),
        // The Close frame is missing (RFC 6455 7.1.5).
        end => {
            // Otherwise the server did not reply to our Close frame in time.
            if !matches!(end, Error::Ended(DisconnectReason::ClosedLocally { .. })) {
                let _ = events.send(Event::Error(end));
            }
            (1006, String::new())
        }
    };
    let _ = events.send(Event::Close { code, reason, was_clean: code != 1006 });
}

impl Drop for State {
    fn drop(&mut self) {
        self.close(1001, "");
    }
}

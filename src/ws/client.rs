//! The client: a WebSocket as browsers have it, for threads instead of callbacks.
//!
//! Owns the handle. The connection below is the server's own code in the other role. Knows no chat.
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
//!         Event::Message(message) => println!("{message:?}"),
//!         Event::Error(error) => eprintln!("{error}"),
//!         Event::Close { code, .. } => println!("closed, {code}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), chinwag::client::Error>(())
//! ```
//!
//! # JavaScript and Rust, side by side
//!
//! | in a browser | here |
//! |---|---|
//! | `new WebSocket(url)` | [`WebSocket::connect(url, &[])`](WebSocket::connect) |
//! | `new WebSocket(url, ["a", "b"])` | `WebSocket::connect(url, &["a", "b"])` |
//! | cookies, `Origin` | [`Builder::header`], [`Builder::origin`]; nothing by itself |
//! | `socket.url` | [`socket.url()`](WebSocket::url) |
//! | `socket.readyState === WebSocket.OPEN` | [`socket.ready_state() == ReadyState::Open`](WebSocket::ready_state) |
//! | `socket.protocol` | [`socket.protocol()`](WebSocket::protocol), `None` for `""` |
//! | `socket.extensions` | [`socket.extensions()`](WebSocket::extensions), always empty |
//! | `socket.bufferedAmount` | [`socket.buffered_amount()`](WebSocket::buffered_amount), frames' headers included |
//! | `socket.binaryType` | bytes are bytes: [`Message::Binary`] |
//! | `socket.send("text")`, `socket.send(bytes)` | [`socket.send("text")`](WebSocket::send), `socket.send(vec![1, 2])`; false instead of `InvalidStateError` |
//! | `socket.close(1000, "bye")` | [`socket.close(1000, "bye")?`](WebSocket::close); the same codes, the same 123 bytes |
//! | `socket.onopen = () => …` | [`Event::Open`] |
//! | `socket.onmessage = event => … event.data` | [`Event::Message(message)`](Event::Message) |
//! | `socket.onerror = () => …`, which is told nothing | [`Event::Error(error)`](Event::Error), with the cause |
//! | `socket.onclose = event => event.code, event.reason, event.wasClean` | [`Event::Close { code, reason, was_clean }`](Event::Close) |
//! | one thread, an event loop | [`socket.events()`](WebSocket::events): iterate, on any thread; or `crossbeam_channel::select!` over several sockets and a timer |
//! | collected as garbage: Close 1001 | the last handle dropped: Close 1001 |
//! | ports that are blocked | the same: [`is_blocked`]; [`Builder::allow_blocked_ports`] |
//! | Pings: answered, never sent | answered, and sent: [`Builder::ping`] |
//! | an exception for a wrong URL or subprotocol | an [`Error`] from `connect` |
//!
//! # `wss://`
//! With the feature `tls`, and with [`Builder`]'s `tls()`, which says whom to trust: by default those whom this system trusts.
//! Without the feature, `connect` says so.
//!
//! # Threads
//! One for each WebSocket, which blocks in reading, while it connects another one, which resolves the name and dials, and
//! one for the process, which sends what a socket did not take at once. Handles can be cloned and used from any thread while another waits for events: nothing here blocks but waiting
//! for events.

mod answer;
mod builder;
mod dial;
mod error;
mod event;
mod ports;
mod request;
mod run;
mod state;
mod url;

pub use builder::Builder;
pub use error::Error;
pub use event::{Event, ReadyState};
pub use ports::is_blocked;

use crate::{ws::connection::Message, ws::spawn::spawn};
use crossbeam_channel::{Receiver, bounded};
use run::Work;
use state::State;
use std::{fmt, sync::Arc};
use url::Target;

/// Stack of a WebSocket's thread, virtual: only what is touched costs memory.
const STACK: usize = 256 * 1024;

/// The longest reason of a Close frame, in bytes (RFC 6455 5.5).
const LONGEST_REASON: usize = 123;

/// A WebSocket, client side. Cloning is cheap; all clones are the same connection.
///
/// When the last one is dropped, the connection is closed with 1001, as when a browser's page goes away. Receivers that
/// were cloned from [`WebSocket::events`] do not count.
#[derive(Clone)]
pub struct WebSocket {
    handle: Arc<Handle>,
}

/// What all clones share.
struct Handle {
    state: Arc<State>,
    events: Receiver<Event>,
}

impl WebSocket {
    /// Begins to connect, and returns at once, as the browser's constructor does: [`Event::Open`] comes when it is
    /// open, or [`Event::Error`] and [`Event::Close`] when that failed.
    ///
    /// `url` begins with `ws://` or `wss://` (or `http://` or `https://`, which mean the same). `protocols` are the subprotocols that this
    /// client speaks, the most wanted first (RFC 6455 1.9); none is fine.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn connect(url: &str, protocols: &[&str]) -> Result<Self, Error> {
        Self::builder(url).protocols(protocols.iter().copied()).connect()
    }

    /// For everything that is not the default.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    fn start(target: Target, settings: Arc<Builder>) -> Result<Self, Error> {
        let (sender, events) = bounded(settings.config.event_capacity);
        let (state, cancelled) = State::new(target.to_url());
        let state = Arc::new(state);
        let work = Work { target, settings, state: Arc::clone(&state), cancelled, events: sender };
        spawn("websocket", STACK, Box::new(move || work.run())).map_err(Error::Start)?;
        Ok(Self { handle: Arc::new(Handle { state, events }) })
    }

    /// The events, in order; iterating waits for them and ends behind [`Event::Close`]. Each is received once, whoever
    /// receives it. The channel is bounded ([`Builder::max_events`]): who does not receive slows the server down.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.handle.events
    }

    /// Where it is connected to, in full.
    #[must_use]
    pub fn url(&self) -> &str {
        self.handle.state.url()
    }

    /// How far it is.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.handle.state.ready()
    }

    /// The subprotocol that the server chose; `None` before it is open, or when none was asked for.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.handle.state.protocol()
    }

    /// The extensions in use: none, for it offers none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        ""
    }

    /// Bytes that were given to [`WebSocket::send`] and not yet taken by the operating system. Who sends a lot looks
    /// at it: beyond [`Builder::max_buffered`] the connection is failed.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.handle.state.buffered()
    }

    /// Sends a message, and never blocks: what the socket does not take at once waits.
    ///
    /// False: it is not open (yet, or any more), and the message was not sent. True: it was given to this side's
    /// socket; whether it arrives, only an answer can tell.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        self.handle.state.send(message.into())
    }

    /// Starts the closing handshake (RFC 6455 7.1.2) after all that was sent before. [`Event::Close`] comes when it is
    /// done, after at most [`Builder::close_timeout`]. Does nothing if it is closing already; before it is open, it never
    /// will be: [`Error::Cancelled`] is among the events then.
    ///
    /// # Errors
    /// As in browsers: [`Error::CloseCode`] unless it is 1000 or one of 3000 to 4999, and [`Error::CloseReason`] for
    /// more than 123 bytes. Nothing is closed then.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), Error> {
        if !matches!(code, 1000 | 3000..=4999) {
            return Err(Error::CloseCode(code));
        }
        if reason.len() > LONGEST_REASON {
            return Err(Error::CloseReason(reason.len()));
        }
        self.handle.state.close(code, reason);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.state.close(1001, "");
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebSocket({:?}, {:?})", self.url(), self.ready_state())
    }
}

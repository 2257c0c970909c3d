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
//! | cookies, `Origin` | [`Builder::header`], [`Builder::origin`]; nothing by default |
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
//! | Pings: answered, never sent | answered and sent: [`Builder::ping`] |
//! | an exception for an invalid URL or subprotocol | an [`Error`] from `connect` |
//!
//! # `wss://`
//! It needs the feature `tls`; without it, `connect` returns an error. By default, the certificates that this system trusts
//! are trusted. `Builder::tls` changes that.
//!
//! # Threads
//! Each WebSocket has a thread that blocks in reads. A second thread exists while it resolves the name and connects. One
//! thread of the process sends what sockets did not take at once. Handles can be cloned and used on any thread. Only waiting
//! for events blocks.

mod builder;
mod dial;
mod error;
mod handshake;
mod open;
mod run;
mod state;
mod url;

pub use builder::Builder;
pub use error::Error;
pub use state::{Event, ReadyState};
pub use url::is_blocked;

#[cfg(feature = "tls")]
pub(crate) use run::shake_hands;

use crate::ws::{connection::Message, error::CloseError, spawn::spawn};
use crossbeam_channel::{Receiver, bounded};
use run::{ABNORMAL, Task};
use state::State;
use std::{fmt, sync::Arc};
use url::Target;

/// Bytes of the stack of a WebSocket's thread. Only the pages that are touched cost memory.
const STACK_SIZE: usize = 256 * 1024;

/// A client's WebSocket. Cloning is cheap; all clones are the same connection.
///
/// When the last one is dropped, the connection is closed with 1001, as when a browser leaves a page. Clones of the receiver
/// from [`WebSocket::events`] do not count.
#[derive(Clone)]
pub struct WebSocket {
    handle: Arc<Handle>,
}

/// Shared by all clones.
struct Handle {
    state: Arc<State>,
    events: Receiver<Event>,
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

    fn start(target: Target, settings: Builder) -> Result<Self, Error> {
        let (sender, events) = bounded(settings.config.event_capacity);
        let (cancel, cancelled) = bounded(0);
        let state = Arc::new(State::new(target.to_url(), cancel));
        let shared = Arc::clone(&state);
        let run = move || {
            let end = (Some(Error::Lost), ABNORMAL);
            Task { target, settings, state: shared, cancelled, events: sender, end }.run();
        };
        spawn("websocket", STACK_SIZE, Box::new(run)).map_err(Error::Start)?;
        Ok(Self { handle: Arc::new(Handle { state, events }) })
    }

    /// The events, in order. Iterating blocks until the next one, and ends after [`Event::Close`]. If there are several
    /// receivers, each event goes to one of them. The channel is bounded ([`Builder::event_capacity`]): if you stop
    /// receiving, the server is slowed down.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.handle.events
    }

    /// The URL in its normal form.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.handle.state.url
    }

    /// The state of the connection.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.handle.state.ready_state()
    }

    /// The subprotocol that the server selected. `None` before the connection is open, or if none was offered.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.handle.state.protocol.get()?.as_deref()
    }

    /// The extensions in use, as the server's response names them. Empty unless the feature `deflate` is used.
    #[must_use]
    pub fn extensions(&self) -> &str {
        self.handle.state.extensions.get().map_or("", String::as_str)
    }

    /// Bytes that [`WebSocket::send`] has queued and the operating system has not yet taken. Check it before you send a
    /// lot: beyond [`Builder::max_send_buffer`] the connection fails.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.handle.state.connection().map_or(0, |connection| connection.buffered_amount())
    }

    /// Sends a message. It never blocks: what the socket does not take at once is queued.
    ///
    /// Returns false if the connection is not open, and the message was not sent. True does not mean that the server has
    /// received the message.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        self.handle.state.connection().is_some_and(|connection| connection.send_message(message.into()))
    }

    /// Starts the closing handshake (RFC 6455 7.1.2), after all messages sent before. [`Event::Close`] follows when it is
    /// finished, at the latest after [`Builder::close_timeout`]. Before the connection is open, this cancels it with
    /// [`Error::Cancelled`]. A second call has no effect.
    ///
    /// # Errors
    /// As in browsers: [`CloseError::Code`] unless the code is 1000 or 3000 to 4999, and [`CloseError::Reason`] if the reason
    /// has more than 123 bytes. Then the connection is not closed.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), CloseError> {
        CloseError::check_with(matches!(code, 1000 | 3000..=4999), code, reason)?;
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

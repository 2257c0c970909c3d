//! A chat client that reconnects. It then catches up on missed messages and resends those that were not delivered.
//!
//! docs/PROTOCOL.md has the messages; the connection itself is a [`client::WebSocket`].
//!
//! ```no_run
//! use chinwag::chat::client::{ChatClient, Event};
//!
//! let chat = ChatClient::connect("ws://localhost:6502/", "ann")?;
//! chat.send("hello");
//! for event in chat.events() {
//!     match event {
//!         Event::Message(message) => println!("{}: {}", message.name, message.text),
//!         Event::Disconnected { reason, retry_in } => eprintln!("{reason}; trying again in {retry_in:?}"),
//!         Event::Closed { error: Some(error), .. } => eprintln!("{error}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), chinwag::client::Error>(())
//! ```

mod contacts;
mod session;
mod worker;

use crate::ws::client::{self, Backoff, WebSocket};
use crossbeam_channel::{Receiver, Sender, bounded};
use session::Session;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::{thread, time::Duration};
use worker::{Request, Worker};

/// How many requests and how many events are queued.
const QUEUE: usize = 64;

/// Messages of the server that wait for the client. Few, because each may be as large as [`MAX_MESSAGE_SIZE`].
const SOCKET_QUEUE: usize = 8;

/// How long to try to reconnect.
const RETRY_FOR: Duration = Duration::from_secs(60 * 60);

/// Bytes of the largest message of the server. The largest list of the users in a room has about 600 KiB.
const MAX_MESSAGE_SIZE: usize = 1024 * 1024;

/// What happens in the chat. `Closed` comes last and exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Connected, for the first time or again.
    Open,
    /// The name of this client, on each connection: the requested one, or a free one like it.
    Named(String),
    /// A user signed in, or changed the name to this one.
    Joined(String),
    /// The users in the room, in the order in which they joined.
    Users(Vec<String>),
    /// A message, including this client's own. After a reconnection, missed messages come first; none comes twice.
    Message(Message),
    /// The server refused something, and it is not resent.
    Refused {
        /// A stable word for programs, such as `too-long`.
        reason: String,
        /// The reason as a sentence.
        explanation: String,
        /// The text of the refused message, if the server names the message.
        text: Option<String>,
    },
    /// An operator deleted messages of the room.
    Deleted {
        /// Their numbers.
        seqs: Vec<u64>,
    },
    /// Words of an operator to everyone, or the answer to [`ChatClient::command`]. It may have several lines.
    Notice(String),
    /// Messages were missed that the server no longer has.
    Gap {
        /// Their number, if the server knows it.
        missed: Option<u64>,
    },
    /// The connection is lost, and the client will try to reconnect.
    Disconnected {
        /// The reason as a sentence.
        reason: String,
        /// The time until the next attempt.
        retry_in: Duration,
    },
    /// The client has stopped.
    Closed {
        /// Why; `None` after [`close`](ChatClient::close) or [`finish`](ChatClient::finish), or if the server closed the
        /// connection with 1000.
        error: Option<client::Error>,
        /// The texts of the messages that were not delivered, in order.
        undelivered: Vec<String>,
    },
}

/// A chat message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its number in the room. Private messages have none.
    pub seq: Option<u64>,
    /// The server's time, in milliseconds since 1970.
    pub date: u64,
    /// The sender's name.
    pub name: String,
    /// The text as it was typed: it may contain control characters.
    pub text: String,
    /// The receiver of a private message.
    pub target: Option<String>,
    /// Whether this client sent it.
    pub own: bool,
}

/// A user of the chat, across connections. Clones are cheap, and all of them are the same user.
///
/// ```no_run
/// use chinwag::{chat::client::{ChatClient, Event}, client::WebSocket};
/// use std::time::Duration;
///
/// let socket = WebSocket::builder("ws://localhost:6502/room/kitchen").header("Authorization", "Bearer swordfish");
/// let chat = ChatClient::connect_with(socket, "ann", Duration::from_secs(60))?;
/// chat.send("21 degrees");
/// chat.send_to("bob", "Is the window open?");
/// chat.rename("ann (away)");
/// chat.finish(); // close() does not wait until all of this is delivered
/// for event in chat.events() {
///     if let Event::Closed { undelivered, .. } = event {
///         println!("not delivered: {undelivered:?}");
///     }
/// }
/// # Ok::<(), chinwag::client::Error>(())
/// ```
///
/// Dropping the last clone closes the connection.
#[derive(Debug, Clone)]
pub struct ChatClient {
    requests: Sender<Request>,
    close: Sender<()>,
    events: Receiver<Event>,
    has_ended: Arc<AtomicBool>,
}

impl ChatClient {
    /// Starts to connect under this name, and returns at once.
    ///
    /// # Errors
    /// As [`client::Builder::connect`].
    pub fn connect(url: &str, name: &str) -> Result<Self, client::Error> {
        Self::connect_with(WebSocket::builder(url), name, RETRY_FOR)
    }

    /// As [`ChatClient::connect`], with a connection of your own settings. This sets the subprotocol `chinwag.v1`, and limits
    /// messages of the server to 1 MiB.
    ///
    /// `retry_for` is how long to try to reconnect after a connection is lost; [`ChatClient::connect`] has one hour. Zero:
    /// never. The first connection is tried once.
    ///
    /// # Errors
    /// As [`client::Builder::connect`].
    pub fn connect_with(socket: client::Builder, name: &str, retry_for: Duration) -> Result<Self, client::Error> {
        let mut builder = socket.protocols(["chinwag.v1"]);
        (builder.config.max_message_size, builder.config.event_capacity) = (MAX_MESSAGE_SIZE, SOCKET_QUEUE);
        let socket = builder.clone().connect()?;
        let (request_sender, requests) = bounded(QUEUE);
        let (event_sender, events) = bounded(QUEUE);
        let (close_sender, close) = bounded(1);
        let has_ended = Arc::<AtomicBool>::default();
        let worker = Worker {
            builder,
            session: Session::new(name),
            retry_for,
            backoff: Backoff::default(),
            lost_at: None,
            requests,
            close,
            events: event_sender,
            open_since: None,
            paused_until: None,
            was_too_fast: false,
            is_finishing: false,
            is_stopped: false,
            has_ended: Arc::clone(&has_ended),
        };
        let thread = thread::Builder::new().name("chat-client".into());
        thread.spawn(move || worker.run(socket)).map_err(client::Error::Connect)?;
        Ok(Self { requests: request_sender, close: close_sender, events, has_ended })
    }

    /// The events, in order. Iterating blocks, and ends after [`Event::Closed`]. While 64 events are queued, the client
    /// stops, so they must be received.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Sends a message to the room. The client keeps it until the server has numbered it and sent it back
    /// ([`Message::own`]), and resends it after a reconnection. The server drops duplicates.
    ///
    /// At most 8 messages are in flight, and 64 are queued. Then this blocks, so that a program that forwards lines
    /// is slowed to the pace of the chat. Do not send many messages on the thread that receives the events: this
    /// would wait for the client's thread, and that thread for the receiver of its events.
    ///
    /// Returns false once the client has stopped. A message for which this returned true is delivered, refused
    /// ([`Event::Refused`]), or among the undelivered ones of [`Event::Closed`].
    pub fn send(&self, text: impl Into<String>) -> bool {
        self.request(Request::Send(text.into(), None))
    }

    /// Sends a private message to one user. Private messages are not numbered, and not resent after a lost connection: then
    /// [`Event::Refused`] has the text.
    ///
    /// If private messages were exchanged with a user, its name stands for that user, also on the user's next connection. If
    /// the user left and another one took the name, the message is refused; the next one is for the new user.
    pub fn send_to(&self, target: &str, text: &str) -> bool {
        self.request(Request::Send(text.to_owned(), Some(target.to_owned())))
    }

    /// Asks for another name. [`Event::Named`] has the one that the server gives. After a reconnection, the client asks for this
    /// name again.
    pub fn rename(&self, name: &str) -> bool {
        self.request(Request::Rename(name.to_owned()))
    }

    /// Sends a command of an operator, such as `kick ann`. The client must have connected with the admin token.
    /// [`Event::Notice`] or [`Event::Refused`] answers.
    ///
    /// ```no_run
    /// # use chinwag::{chat::client::ChatClient, client::WebSocket};
    /// # let socket = WebSocket::builder("ws://localhost:6502/").header("Authorization", "Bearer hummingbird");
    /// # let chat = ChatClient::connect_with(socket, "operator", std::time::Duration::ZERO)?;
    /// chat.command("mute bob 10m"); // 10 minutes; without a time, until unmute
    /// # Ok::<(), chinwag::client::Error>(())
    /// ```
    pub fn command(&self, line: &str) -> bool {
        self.request(Request::Command(line.to_owned()))
    }

    /// Closes the connection once all messages are delivered, or the client gives up: it does not reconnect, or the server sends
    /// nothing for 30 seconds. Later messages are not sent.
    pub fn finish(&self) -> bool {
        self.request(Request::Finish)
    }

    /// Closes the connection now. Queued messages are not sent, and later events are dropped while
    /// [`events`](Self::events) is full.
    pub fn close(&self) {
        // Full means that close() was called before.
        let _ = self.close.try_send(());
    }

    fn request(&self, request: Request) -> bool {
        // The order matters: a request that was queued before the end is among the undelivered ones.
        self.requests.send(request).is_ok() && !self.has_ended.load(Ordering::SeqCst)
    }
}

//! A client of the chat that comes back: it connects again, asks for what it missed, and says again what nobody heard.
//!
//! Owns the handle and its events. docs/PROTOCOL.md has what is said; the connection is [`client`]'s.
//!
//! ```no_run
//! use chinwag::chat::client::{ChatClient, Event};
//!
//! let chat = ChatClient::connect("ws://localhost:6502/", "ann")?;
//! chat.say("hello, everybody");
//! for event in chat.events() {
//!     match event {
//!         Event::Said(said) => println!("{}: {}", said.name, said.text),
//!         Event::Lost { why, retry_in } => eprintln!("{why}; again in {retry_in:?}"),
//!         Event::Closed { code, .. } => eprintln!("closed, {code}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), chinwag::client::Error>(())
//! ```

mod pace;
mod retry;
mod run;
mod session;

use crate::ws::client::{self, WebSocket};
use crossbeam_channel::{Receiver, Sender, bounded};
use run::{Run, Wish};
use session::Session;
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    thread,
    time::Duration,
};

/// What is said and not yet taken up, and what is heard and not yet received.
const WAITING: usize = 64;

/// What happens in the chat. `Closed` comes last and exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Connected, for the first time or again.
    Open,
    /// The name that the server gave: the one asked for, or one like it that was free.
    Named(String),
    /// Somebody signed in, or changed the name to this one.
    Joined(String),
    /// Who is there, in order of joining.
    Users(Vec<String>),
    /// A message, one's own included. After a reconnection, those that were missed come first; none comes twice.
    Said(Said),
    /// Something was refused, and will not be said.
    Refused {
        /// A stable word, such as `too-long`.
        reason: String,
        /// A sentence for people.
        about: String,
        /// What was refused, if it was a message to the room.
        text: Option<String>,
    },
    /// Messages were missed that the server does not have any more; how many, if that is known.
    Gap {
        /// Their number.
        missed: Option<u64>,
    },
    /// The connection is lost. It will be tried again.
    Lost {
        /// A sentence for people.
        why: String,
        /// When.
        retry_in: Duration,
    },
    /// It is over.
    Closed {
        /// The server's status code, or 1006.
        code: u16,
        /// The server's reason: text that nobody checked.
        reason: String,
        /// What went wrong, unless it was closed in good order.
        error: Option<client::Error>,
        /// How many messages nobody has heard.
        unheard: usize,
    },
}

/// A message of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said {
    /// Its number in the room; private messages have none.
    pub seq: Option<u64>,
    /// The server's time, in milliseconds since 1970.
    pub date: u64,
    /// Who said it.
    pub name: String,
    /// What. As it was typed: it may hold control characters.
    pub text: String,
    /// To whom, if it was to one user only.
    pub target: Option<String>,
    /// Whether it is from this client.
    pub own: bool,
}

/// Settings of a chat client to be.
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before connect()"]
pub struct Builder {
    socket: client::Builder,
    name: String,
    patience: Duration,
}

impl Builder {
    /// How long to try to connect again, counted from the loss of a connection; zero: not at all. An hour. The first
    /// connection is tried once.
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// Begins to connect, and returns at once.
    ///
    /// # Errors
    /// As [`client::Builder::connect`].
    pub fn connect(self) -> Result<ChatClient, client::Error> {
        let socket = self.socket.clone().connect()?;
        let (wish, wishes) = bounded(WAITING);
        let (sender, events) = bounded(WAITING);
        let session = Session::new(&self.name, random_key());
        let (close, stop) = bounded(1);
        let run = Run {
            builder: self.socket,
            patience: self.patience,
            session,
            wishes,
            stop,
            stopped: false,
            events: sender,
        };
        thread::Builder::new()
            .name("chat-client".into())
            .spawn(move || run.all(socket))
            .map_err(client::Error::Start)?;
        Ok(ChatClient { wish, close, events })
    }
}

/// Somebody in a room of the chat, across connections. Cloning is cheap; all clones are the same user.
///
/// When the last one is dropped, the connection is closed.
#[derive(Clone)]
pub struct ChatClient {
    wish: Sender<Wish>,
    close: Sender<()>,
    events: Receiver<Event>,
}

impl ChatClient {
    /// Begins to connect as a user of that name, and returns at once.
    ///
    /// # Errors
    /// As [`client::Builder::connect`].
    pub fn connect(url: &str, name: &str) -> Result<Self, client::Error> {
        Self::builder(WebSocket::builder(url), name).connect()
    }

    /// For everything that is not the default. The subprotocol is set here: `chinwag.v1`.
    pub fn builder(socket: client::Builder, name: &str) -> Builder {
        let socket = socket.protocols(["chinwag.v1"]);
        Builder { socket, name: name.to_owned(), patience: Duration::from_secs(60 * 60) }
    }

    /// The events, in order; iterating waits for them and ends behind [`Event::Closed`]. They have to be received: when 64
    /// wait, nothing more happens.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Says something to the room. It is kept until the server has numbered it and sent it back ([`Said::own`]), and
    /// said again after a reconnection; the server says none twice.
    ///
    /// At most 8 messages are on their way at once, and 64 wait for that. Then this waits, too, however long that
    /// takes: so a program that only forwards lines is slowed to what the chat takes. (Who says a lot does not do so on
    /// the thread that receives the events: each would wait for the other.) False: it is over.
    pub fn say(&self, text: impl Into<String>) -> bool {
        self.wish.send(Wish::Say(text.into())).is_ok()
    }

    /// Says something to one user only, if connected: private messages are not numbered, and not said again.
    pub fn say_to(&self, target: &str, text: &str) -> bool {
        self.wish.send(Wish::SayTo(target.to_owned(), text.to_owned())).is_ok()
    }

    /// Asks for another name; the answer is [`Event::Named`].
    pub fn rename(&self, name: &str) -> bool {
        self.wish.send(Wish::Rename(name.to_owned())).is_ok()
    }

    /// Closes when everything that was said before has been heard, or is given up. Nothing can be said after this.
    pub fn finish(&self) -> bool {
        self.wish.send(Wish::Finish).is_ok()
    }

    /// Closes now. What waits to be said is not, and what comes after this is told only as far as there is room among the
    /// [`events`](Self::events).
    pub fn close(&self) {
        // Full: it was told already.
        let _ = self.close.try_send(());
    }
}

/// Distinguishes the nonces of this client from those of all others.
fn random_key() -> String {
    let [high, low] = [0, 0].map(|zero: u8| RandomState::new().hash_one(zero));
    format!("{high:016x}{low:016x}")
}

impl fmt::Debug for ChatClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatClient").finish_non_exhaustive()
    }
}

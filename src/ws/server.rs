//! The generic server: a listener, a thread per socket, one channel of events. It knows no chat.
//!
//! Owns what all connections share, and the way a server starts and stops.

mod accept;
mod builder;
mod entrance;
mod forwarded;
mod guests;
mod ledger;
mod life;
mod mappings;
mod opening;
mod pace;
mod patience;
mod relay;
mod seats;
#[cfg(feature = "tls")]
mod secure;
mod socket;
mod threads;
mod visits;

pub use builder::Builder;
pub(crate) use patience::{MOMENT, Patience};

use crate::{
    ws::config::Config,
    ws::connection::{DisconnectReason, Drain, Message},
    ws::error::Error,
    ws::handshake::Policy,
    ws::http::Request,
    ws::peer::Peer,
    ws::spawn::spawn,
};
use crossbeam_channel::{Receiver, Sender};
use entrance::Entrance;
use forwarded::Proxies;
use guests::Guests;
use ledger::Ledger;
use log::error;
use pace::Pace;
use relay::Relay;
use seats::Seats;
use std::{
    fmt,
    fs::File,
    net::{SocketAddr, ToSocketAddrs},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize},
    },
};
use threads::Threads;
use visits::Visits;

/// Answers to wrong access tokens that one address may wait for. Who sends more tokens hears 429, right or wrong.
const GUESSES: u32 = 8;

/// What happens to connections. Of each, `Connected` comes first and `Disconnected` last, both exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A handshake succeeded. The client gets its 101 when this is in the channel, not before: whoever connects because this
    /// client says that it is in comes later in the channel. While the channel is full, the client waits for that 101.
    /// It may be gone already.
    ///
    /// The request is what the client sent, without its secrets. Its fields share the memory that it
    /// came in: who keeps a clone of one of them keeps all of it, up to [`Config::max_head_size`] bytes; a copy of the text does not.
    Connected(Peer, Box<Request>),
    /// A whole message came. As long as this handle is not dropped (clones do not count), the message counts as not
    /// yet dealt with: a Close frame that came behind it is answered after that, so that an answer to the message still
    /// goes out; for at most [`Config::close_timeout`].
    ///
    /// **Do not keep this handle, keep a clone: `peers.insert(peer.id(), peer.clone())`.** Kept itself, it delays the
    /// end of its connection, whenever that is, by the whole of [`Config::close_timeout`]: 5 seconds.
    Message(Peer, Message),
    /// A connection ended. Nothing more of this peer will come.
    Disconnected(Peer, DisconnectReason),
}

/// A WebSocket server with one channel of events.
///
/// An echo server:
///
/// ```no_run
/// use chinwag::{Event, Server};
///
/// fn main() -> Result<(), chinwag::Error> {
///     let server = Server::bind("127.0.0.1:9000")?;
///     for event in server.events() {
///         if let Event::Message(peer, message) = event {
///             peer.send(message);
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// When it is dropped, it stops as after [`Shutdown::start`].
#[derive(Debug)]
pub struct Server {
    /// Not the shared part itself, which owns the sending end of the channel: the channel must end with the threads.
    shutdown: Shutdown,
    events: Receiver<Event>,
    addrs: Vec<SocketAddr>,
}

/// What the threads share.
struct Shared {
    config: Arc<Config>,
    policy: Policy,
    drain: Arc<Drain>,
    relay: Relay,
    seats: Arc<Seats>,
    /// For handshakes, and for requests that are none.
    openings: Threads,
    /// For WebSockets.
    lives: Threads,
    /// Who lives its first moments where its handshake was.
    visits: Visits,
    proxies: Proxies,
    guests: Guests,
    /// Wrong access tokens.
    guesses: Pace,
    /// WebSockets that were opened.
    opened: Pace,
    ledger: Ledger,
    next_id: AtomicU64,
    porters: Arc<AtomicUsize>,
    events: Sender<Event>,
    entrances: Vec<Entrance>,
}

impl Server {
    /// A server on one address, with all defaults: any path, no subprotocols, no pages, and [`Access::default`](crate::Access::default), which
    /// answers to IP addresses and `localhost` only.
    ///
    /// # Errors
    /// As [`Builder::listen`] and [`Builder::start`].
    pub fn bind(addr: impl ToSocketAddrs) -> Result<Self, Error> {
        Self::builder().listen(addr)?.start()
    }

    /// For everything that is not the default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The central channel. Iterating over it waits for events, and ends after a shutdown, when everybody has left.
    /// It is bounded ([`Config::event_capacity`]): who does not receive slows its clients down. Receive on one thread, or on
    /// several.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// The addresses it listens on, with the ports that the operating system chose for port 0.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// A handle that stops the server, for any thread.
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.shutdown.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.start();
    }
}

/// Stops a server. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Shutdown(Weak<Shared>);

impl Shutdown {
    /// No more newcomers; Close 1001 to everybody, who have [`Config::close_timeout`] to answer. Returns at once:
    /// [`Server::events`] ends when all are gone. Calling it again does nothing.
    pub fn start(&self) {
        let Some(shared) = self.0.upgrade() else { return };
        shared.guests.close();
        shared.entrances.iter().for_each(Entrance::stop);
    }
}

/// The thread of one listener.
fn listen(index: usize, shared: &Arc<Shared>) -> std::io::Result<()> {
    let listener = &shared.entrances[index].listener;
    entrance::prepare(listener)?;
    let (shared, reserve) = (Arc::clone(shared), accept::reserve());
    spawn(&format!("accept-{index}"), 64 * 1024, Box::new(move || accept_for_ever(index, &shared, reserve)))
}

/// A server that runs and lets nobody in is worse than none: after a panic, which is a bug, it goes on.
fn accept_for_ever(index: usize, shared: &Arc<Shared>, mut reserve: Option<File>) {
    let mut run = || accept::run(index, shared, &mut reserve);
    while catch_unwind(AssertUnwindSafe(&mut run)).is_err() {
        error!("the thread that accepts panicked, and goes on; please report this");
    }
}

impl Shared {
    /// False: there is no server any more.
    fn send(&self, event: Event) -> bool {
        self.events.send(event).is_ok()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("entrances", &self.entrances).finish_non_exhaustive()
    }
}

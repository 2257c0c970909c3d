//! The server: accepts connections, runs a thread for each, and sends their events to one channel.

mod accept;
mod builder;
mod connection_task;
mod handshake;
mod listener;
mod poller;
mod registry;
mod rejection_log;
mod thread_pool;
mod trusted_proxies;

pub use builder::Builder;
pub use registry::Numbers;

use crate::ws::connection::{DisconnectReason, Frames, Message, WriteReactor};
use crate::ws::http::{Request, Response};
use crate::ws::peer::{Peer, PeerId};
use crate::ws::tcp::{Inner, pair};
use crate::ws::{
    config::Config, error::Error, handshake::Policy, network::Network, queue::Producer, rate_limiter::AddressLimiter,
    spawn::spawn_supervised,
};
use accept::AcceptLoop;
use connection_task::Handler;
use crossbeam_channel::{Receiver, Sender, bounded};
use listener::no_address;
use poller::Poller;
use registry::ConnectionRegistry;
use rejection_log::RejectionLog;
use std::net::{self, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, Weak};
use std::{any::Any, time::Instant};
use thread_pool::ThreadPool;

/// Networks whose rates are remembered at once, in about 64 KiB. An IPv6 address counts as three networks.
const MAX_NETWORKS: usize = 1024;

/// What happens on connections. For each one, `Connected` comes first and `Disconnected` last, both exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A handshake succeeded. The 101 response is sent after this event is queued, so a client that connects because it saw
    /// this one come online is queued later. While the channel is full, the client waits for its response.
    ///
    /// The request is the client's. The value of `?token=` is masked, and fields with credentials are marked as sensitive. Its header fields share one allocation of up to
    /// [`Config::max_head_size`] bytes: to keep a field, copy its text instead of cloning it.
    Connected(Peer, Box<Request>),
    /// A complete message arrived.
    Message(Peer, Message),
    /// The peer sent a Close frame or violated the protocol, after at least one message. The reply, which is the last frame
    /// sent, waits until the [`CloseGuard`] is dropped, at most [`Config::close_timeout`]. So replies to the peer's messages
    /// precede it. Ignoring this event drops the guard. A program that replies later, or on several threads, keeps it until
    /// it has replied.
    Closing(Peer, CloseGuard),
    /// A request with [`Route::Ask`](crate::http::Route::Ask). It belongs to no connection: no other event follows.
    Request(Box<HttpRequest>),
    /// A connection ended. No event of this peer follows.
    Disconnected(Peer, DisconnectReason),
    /// What the program itself has sent with [`Handle::send`].
    Own(Box<dyn Any + Send>),
}

/// Delays the reply to a Close frame until it is dropped. It comes with [`Event::Closing`].
#[derive(Debug)]
pub struct CloseGuard {
    /// Dropping it wakes the thread of the connection.
    _guard: Producer<()>,
}

/// A request that waits for the program's response. The client waits for it at most
/// [`Config::handshake_timeout`]. Without a response, it gets 503.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpRequest {
    /// Its number, from the same numbers as those of peers.
    pub id: PeerId,
    /// The client's address, as [`Peer::addr`].
    pub addr: SocketAddr,
    /// Whether limits per address do not apply: to loopback, and [`Config::exempt_networks`].
    pub is_exempt: bool,
    /// The head, as in [`Event::Connected`].
    pub head: Box<Request>,
    /// The body, which may be empty.
    pub body: Vec<u8>,
    /// Sends the response.
    pub responder: Responder,
}

/// Sends the response to an [`HttpRequest`], from any thread.
#[derive(Debug)]
pub struct Responder(Producer<Response>);

impl Responder {
    /// Sends the response. If the client has waited too long, nothing is sent.
    pub fn respond(self, response: Response) {
        self.0.push(response);
    }
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
/// Dropping it stops it, as [`Handle::shut_down`] does.
#[derive(Debug)]
#[must_use = "dropping a server stops it"]
pub struct Server {
    /// Weak: the channel of events must end with the threads, which hold its sending end.
    handle: Handle,
    events: Receiver<Event>,
    addrs: Vec<SocketAddr>,
}

/// What the threads of a server share.
struct Shared {
    config: Arc<Config>,
    policy: Policy,
    /// Shutting the second one down ends the accept threads, which wait for the first one.
    stop: (Inner, Inner),
    proxies: Vec<Network>,
    registry: Arc<ConnectionRegistry>,
    threads: ThreadPool,
    reactor: &'static WriteReactor,
    poller: Poller,
    started_at: Instant,
    wrong_tokens: Mutex<AddressLimiter>,
    /// WebSockets that were opened.
    openings: Mutex<AddressLimiter>,
    /// Its clones count the threads that read a request before they reject it.
    polite_rejections: Arc<()>,
    rejections: RejectionLog,
    events: Sender<Event>,
    /// What serves a connection.
    handler: Handler,
}

impl Event {
    /// The path that the client requested, by which a program with several services tells them apart. Empty for
    /// [`Event::Own`].
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Connected(peer, _)
            | Self::Message(peer, _)
            | Self::Closing(peer, _)
            | Self::Disconnected(peer, _) => peer.path(),
            Self::Request(request) => request.head.uri().path(),
            Self::Own(_) => "",
        }
    }
}

impl Server {
    /// A server on one address with the defaults: any path, no subprotocols, no pages, and
    /// [`Access::default`](crate::Access::default), which accepts requests for IP addresses and `localhost` only.
    ///
    /// # Errors
    /// As [`Builder::listen`] and [`Builder::start`].
    pub fn bind(addr: impl ToSocketAddrs) -> Result<Self, Error> {
        Self::builder().listen(addr)?.start()
    }

    /// A server with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn start(builder: Builder, handler: Handler) -> Result<Self, Error> {
        if builder.listeners.is_empty() {
            return Err(no_address());
        }
        let config = builder.config.sensible();
        let (sender, events) = bounded(config.event_capacity);
        let shared = Arc::new(Shared {
            policy: *builder.policy,
            stop: pair().map_err(Error::start)?,
            proxies: builder.proxies,
            registry: Arc::default(),
            threads: ThreadPool::new(config.stack_size),
            reactor: WriteReactor::of_process().map_err(Error::start)?,
            poller: Poller::start(config.stack_size).map_err(Error::start)?,
            started_at: Instant::now(),
            wrong_tokens: Mutex::new(AddressLimiter::new(MAX_NETWORKS)),
            openings: Mutex::new(AddressLimiter::new(MAX_NETWORKS)),
            rejections: RejectionLog::default(),
            polite_rejections: Arc::default(),
            events: sender,
            handler,
            config: Arc::new(config),
        });
        let addrs = builder.listeners.iter().map(|listener| listener.addr).collect();
        // If an error follows, dropping the server stops what has been started.
        let server = Self { handle: Handle(Arc::downgrade(&shared)), events, addrs };
        for listener in builder.listeners {
            let mut accept_loop = AcceptLoop { listener, shared: Arc::clone(&shared), reserve: None };
            spawn_supervised("accept", 64 * 1024, Box::new(move || accept_loop.run())).map_err(Error::start)?;
        }
        Ok(server)
    }

    /// The channel of events. Iterating over it waits for events, and ends when the server is shut down and every connection
    /// has ended. It has room for [`Config::event_capacity`] events: if you stop receiving, your clients are slowed down.
    ///
    /// Several threads may receive. Each event goes to one of them, in the order of the channel, but two threads may then handle
    /// two messages of one peer at the same time, or `Disconnected` before a message. To keep the order, give the events of a
    /// peer to the same thread, for example by `peer.id() % threads`, or use [`Builder::serve`].
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Sends a message to all [`peers`](Server::peers), at any path. It is encoded once. Returns how many peers it was sent to: those
    /// whose connections are not closing.
    ///
    /// ```no_run
    /// # use chinwag::{Event, Server};
    /// let server = Server::bind("127.0.0.1:9000")?;
    /// for event in server.events() {
    ///     if let Event::Message(_, message) = event {
    ///         server.broadcast(&message);
    ///     }
    /// }
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    pub fn broadcast(&self, message: impl Into<Message>) -> usize {
        let mut frames = Frames::new();
        frames.message(&message.into());
        self.peers().iter().filter(|peer| peer.send_frames(&frames)).count()
    }

    /// All WebSockets, in no order. The [`Event::Connected`] of a new one may still be in the channel.
    /// [Streams](crate::http::Route::Stream) are not among them.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.handle.0.upgrade().map(|shared| shared.registry.peers()).unwrap_or_default()
    }

    /// Blocks until the server is shut down and every connection has ended. Events that nothing receives are dropped.
    pub fn wait(&self) {
        self.events.iter().for_each(drop);
    }

    /// The addresses of the listeners. Port 0 is replaced by the port that the operating system chose.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// A handle for other threads, which shuts the server down, sends events of the program's own, and reads numbers.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

/// A handle to a server, for any thread. Cloning is cheap, and it does not keep the server alive.
///
/// Another thread, or a handler of Ctrl-C, stops the loop over the events:
///
/// ```
/// use chinwag::{Event, Server, client::WebSocket};
///
/// let server = Server::bind("127.0.0.1:0")?;
/// let shutdown = server.handle();
/// // With the crate `ctrlc`: ctrlc::set_handler(move || shutdown.shut_down())?;
/// let socket = WebSocket::connect(&format!("ws://{}/", server.local_addrs()[0]), &[])?;
/// for event in server.events() {
///     match event {
///         Event::Connected(..) => shutdown.shut_down(),
///         Event::Disconnected(_, reason) => assert_eq!(reason.to_string(), "closed by this side, 1001"),
///         _ => {}
///     }
/// }
/// // All clients have received their Close frames, and the port is free.
/// # drop(socket);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Handle(Weak<Shared>);

impl Handle {
    /// Accepts no more connections, and sends Close 1001 ("the server is shutting down") to all clients, which have
    /// [`Config::close_timeout`] to reply. Returns
    /// at once; [`Server::events`] ends when the last connection has ended. Calling it again does nothing.
    pub fn shut_down(&self) {
        let Some(shared) = self.0.upgrade() else { return };
        shared.registry.shut_down();
        let _ = shared.stop.1.shutdown(net::Shutdown::Both);
    }

    /// Puts [`Event::Own`] into the channel of events, so that the thread that receives them takes it in its turn. Returns
    /// false if the channel stays full until the deadline, or the server has ended.
    ///
    /// ```
    /// # use chinwag::{Event, Server};
    /// # use std::{thread, time::{Duration, Instant}};
    /// struct Stop;
    ///
    /// let server = Server::bind("127.0.0.1:0")?;
    /// let handle = server.handle(); // for a thread that waits for Ctrl-C
    /// thread::spawn(move || handle.send(Box::new(Stop), Instant::now() + Duration::from_secs(5)));
    /// for event in server.events() {
    ///     if matches!(event, Event::Own(own) if own.is::<Stop>()) {
    ///         server.peers().iter().for_each(|peer| _ = peer.close(4001, "the auction is over"));
    ///         server.handle().shut_down();
    ///     }
    /// }
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    #[must_use = "the event is lost if the channel stays full"]
    pub fn send(&self, event: Box<dyn Any + Send>, deadline: Instant) -> bool {
        self.0.upgrade().is_some_and(|shared| shared.events.send_deadline(Event::Own(event), deadline).is_ok())
    }

    /// What the server counts. `None`: it has ended.
    #[must_use]
    pub fn numbers(&self) -> Option<Numbers> {
        let shared = self.0.upgrade()?;
        let (connections, handshakes) = shared.registry.counts();
        Some(Numbers { connections, handshakes, rejections: shared.rejections.counts() })
    }
}

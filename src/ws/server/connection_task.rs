//! The task of a connection on its thread: sends `Connected`, each message and `Disconnected` as events, even after a panic.

use super::{CloseGuard, Event, Shared, handshake::AcceptedHandshake, registry::Permit, rejection_log::Rejection};
use crate::ws::connection::{Connection, ConnectionEnd, DisconnectReason, Message, PeerInfo, ReadResult, Reader, Role};
use crate::ws::{
    handshake::Upgrade, http::Request, peer::Peer, queue::queue, rate_limiter::RateLimiter, tcp::RECEIVE_NOW,
    websocket::WebSocket,
};
use log::{debug, error, trace};
use rustix::io::Errno;
use std::time::{Duration, Instant};
use std::{sync::Arc, thread};
use tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;

/// Reads and messages of one connection per round of the poller, for fairness.
const MAX_READS_PER_ROUND: usize = 64;

/// A connection is busy while its messages come faster than one in these microseconds, after this many at once. The numbers were
/// found by measuring.
const BUSY_INTERVAL: u64 = 10_000;
const BUSY_MESSAGES: u64 = 8;

/// An open WebSocket.
///
/// The order of the fields matters: the socket is freed before `Disconnected` is sent, which may block.
pub(super) struct ConnectionTask {
    pub(super) reader: Reader,
    /// Whether a message was sent into the channel.
    has_sent_message: bool,
    /// Before the reply to a Close frame.
    delay: Duration,
    pub(super) sender: EventSender,
}

/// The part that sends events. Dropping it ends the connection and sends `Disconnected`.
pub(super) struct EventSender {
    pub(super) peer: Peer,
    shared: Arc<Shared>,
    permit: Option<Permit>,
}

impl AcceptedHandshake {
    /// The open connection. Its 101 response is queued.
    #[expect(clippy::boxed_local, reason = "its bytes would stay on the stack of a thread that waits")]
    pub(super) fn open(self: Box<Self>, permit: &Permit, shared: &Shared) -> (Peer, Reader, Box<Request>) {
        let Self { addr, request, upgrade, mut stream } = *self;
        let Upgrade { response, protocol, keepalive, data, deflate } = upgrade;
        let path = request.uri().path().into();
        let info = PeerInfo { id: permit.id, addr: Some(addr), protocol, path, data, deflate, keepalive };
        let (config, reactor) = (Arc::clone(&shared.config), shared.reactor);
        stream.queue(&response);
        let (connection, reader) = Connection::new(info, Role::Server, stream, config, reactor);
        if !permit.open(&connection) {
            // The server is shutting down, or the handshake was cut: then the Close frame is not sent.
            connection.close(1001, "the server is shutting down");
        }
        let peer = Peer { connection };
        let offered = request.headers().get(&SEC_WEBSOCKET_PROTOCOL);
        debug!("connection {} from {addr}: open, subprotocol {:?} of {offered:?}", peer.id(), peer.protocol());
        (peer, reader, request)
    }
}

impl ConnectionTask {
    /// Sends `Connected` into the channel before the 101 response to the client: if another client connects because it saw this
    /// one come online, its event comes later.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn start(accepted: Box<AcceptedHandshake>, permit: Permit, shared: &Arc<Shared>) -> Box<Self> {
        let delay = shared.policy.delay.map_or(Duration::ZERO, |delay| delay(&accepted.request));
        thread::sleep(delay);
        let (peer, reader, request) = accepted.open(&permit, shared);
        let sender = EventSender { peer, shared: Arc::clone(shared), permit: Some(permit) };
        let task = Box::new(Self { reader, has_sent_message: false, delay, sender });
        // Sending fails if the server was dropped, which closes this connection as well.
        let _ = task.sender.send(Event::Connected(task.sender.peer.clone(), request));
        task.sender.peer.connection.flush_pending();
        task
    }

    /// Receives messages until the end of the connection. While the channel of events is full this waits, and TCP slows the
    /// client down.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn run(mut self: Box<Self>) {
        let (begin, mut rate) = (Instant::now(), RateLimiter::default());
        loop {
            match self.reader.wait(None) {
                ReadResult::Message(message) => {
                    if !self.deliver(message) {
                        return;
                    }
                }
                ReadResult::NeedData => {}
                ReadResult::Closed(end) => return self.finish(end),
            }
            // While several connections are busy, one thread reads for all of them.
            if !rate.allow(begin.elapsed().as_micros() as u64, BUSY_INTERVAL, BUSY_MESSAGES) {
                let shared = Arc::clone(&self.sender.shared);
                match shared.poller.serve_while_busy(self) {
                    Some(task) => self = task,
                    None => return,
                }
            }
        }
    }

    /// Returns false if the server was dropped.
    fn deliver(&mut self, message: Message) -> bool {
        trace!("connection {}: {message:?}", self.sender.peer.id());
        self.has_sent_message = true;
        self.sender.send(Event::Message(self.sender.peer.clone(), message))
    }

    #[inline(never)] // Keeps its stack frame off the waiting thread.
    fn finish(&mut self, end: ConnectionEnd) {
        // Only these ends are answered with a Close frame.
        let must_reply = matches!(end, ConnectionEnd::Close | ConnectionEnd::Violation(_));
        if must_reply && self.has_sent_message && self.sender.peer.connection.is_open() {
            self.sender.wait_for_replies();
        }
        if matches!(end, ConnectionEnd::Close) {
            thread::sleep(self.delay);
        }
        self.reader.finish(end);
    }
}

/// For the poller.
impl ConnectionTask {
    /// Reads what has arrived, without waiting for more. Returns whether there may be more to read. `None`: the connection's own
    /// thread has to finish it.
    pub(super) fn read_available(&mut self) -> Option<bool> {
        for _ in 0..MAX_READS_PER_ROUND {
            match self.reader.read_received() {
                ReadResult::Message(message) => {
                    if !self.deliver(message) {
                        return None;
                    }
                }
                ReadResult::NeedData => match self.reader.receive(RECEIVE_NOW) {
                    Err(Errno::AGAIN) => return Some(false),
                    // The connection's own thread finds the end again.
                    Ok(0) => return None,
                    _ => {}
                },
                ReadResult::Closed(end) => {
                    self.reader.end = Some(end);
                    return None;
                }
            }
        }
        Some(true)
    }
}

impl EventSender {
    /// Returns false if the server was dropped.
    fn send(&self, event: Event) -> bool {
        self.shared.events.send(event).is_ok()
    }

    /// Waits until the events before the end are consumed, so that replies to them precede the Close frame.
    fn wait_for_replies(&self) {
        let deadline = Instant::now() + self.shared.config.close_timeout;
        let (guard, dropped) = queue(1);
        let closing = Event::Closing(self.peer.clone(), CloseGuard { _guard: guard });
        // If this fails, the event is dropped, and so is its guard.
        let _ = self.shared.events.send_deadline(closing, deadline);
        let _ = dropped.pop(deadline.saturating_duration_since(Instant::now()));
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        let end = self.peer.connection.end();
        let reason = if thread::panicking() { DisconnectReason::Panicked } else { end };
        // A program that receives `Disconnected` may expect a free place. But while the channel is full, this thread waits and
        // must count as a connection, or new connections would add more and more threads.
        if !self.shared.events.is_full() {
            self.permit = None;
        }
        // Sending fails if the server was dropped.
        let _ = self.send(Event::Disconnected(self.peer.clone(), reason.clone()));
        log_end(&self.shared, &self.peer, &reason);
    }
}

fn log_end(shared: &Shared, peer: &Peer, reason: &DisconnectReason) {
    let (id, addr) = (peer.id(), peer.addr());
    debug!("connection {id} from {addr}: {reason}");
    let kind = match reason {
        DisconnectReason::Panicked => {
            return error!("connection {id} from {addr}: its thread panicked; please report this");
        }
        DisconnectReason::SlowReader => Rejection::SlowReader,
        DisconnectReason::PingTimeout => Rejection::PingTimeout,
        DisconnectReason::ProtocolViolation { .. } => Rejection::ProtocolViolation,
        _ => return,
    };
    shared.rejections.log(kind, format_args!("dropped connection {id} from {addr}: {reason}"));
}

/// Serves an accepted connection to its end. Behind a pointer, so that programs without handlers do not contain its code.
pub(super) type Handler = Box<dyn Fn(Box<AcceptedHandshake>, Permit, &Arc<Shared>) + Send + Sync>;

/// The connection of a handler.
pub(super) fn open_websocket(accepted: Box<AcceptedHandshake>, permit: Permit, shared: &Arc<Shared>) -> WebSocket {
    let (peer, reader, _) = accepted.open(&permit, shared);
    peer.connection.flush_pending();
    let (shared, ended) = (Arc::clone(shared), peer.clone());
    let on_end = move |reason| {
        drop(permit);
        if thread::panicking() {
            error!("connection {} from {}: its handler panicked", ended.id(), ended.addr());
        }
        log_end(&shared, &ended, &reason);
    };
    WebSocket::new(peer, reader, Some(Box::new(on_end)))
}

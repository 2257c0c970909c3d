//! One connection after its handshake: the full-duplex socket.
//!
//! Owns what is shared between the thread that reads and all those that send: tungstenite's protocol state, the
//! outbox, and how it comes to an end. Knows no server and no chat.
//!
//! The rules:
//! 1. Only the [`Reader`] reads the socket, and it holds no lock while it waits.
//! 2. Whoever has something to say sends it at once, under the lock, and never blocks. What the socket does not take
//!    waits in the outbox, which the drain's thread empties when the socket is writable.
//! 3. The first cause of an end is the reason for it. A Close frame is the last thing that is sent; then comes the FIN,
//!    and what still arrives is read and thrown away, lest a reset destroys the Close frame on its way.
//! 4. Every end has a deadline.

#[cfg(test)]
mod client_tests;
mod controls;
mod drain;
mod frames;
mod live;
mod outbox;
mod pending;
mod reader;
mod reason;
mod wire;

pub(crate) use drain::Drain;
pub use frames::{Bytes, Frames, Message, Utf8Bytes};
pub(crate) use live::{Digest, Ending};
pub(crate) use reader::{Came, Reader, SPACE, Space};
pub use reason::DisconnectReason;

use crate::{ws::config::Config, ws::tls::Session};
use live::{Live, Settled};
use log::debug;
use pending::Pending;
use std::{
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
pub(crate) use tungstenite::protocol::Role;

/// What is known of the other end since the handshake.
#[derive(Debug)]
pub(crate) struct FarEnd {
    /// Ours for it, and no other's.
    pub(crate) id: u64,
    pub(crate) addr: SocketAddr,
    /// The subprotocol.
    pub(crate) protocol: Option<Arc<str>>,
}

impl FarEnd {
    /// For those who know the rest themselves.
    pub(crate) fn nameless(id: u64) -> Self {
        Self { id, addr: SocketAddr::from(([0; 4], 0)), protocol: None }
    }
}

/// What a connection is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) far_end: FarEnd,
    pub(crate) role: Role,
    pub(crate) stream: Arc<TcpStream>,
    /// With TLS.
    pub(crate) session: Option<Session>,
    /// What came behind the head of the request, or of the answer; with TLS that is in the session.
    pub(crate) input: Vec<u8>,
    pub(crate) config: Arc<Config>,
    pub(crate) drain: Arc<Drain>,
}

/// What is shared between the reader and all senders.
#[derive(Debug)]
pub(crate) struct Connection {
    far_end: FarEnd,
    config: Arc<Config>,
    drain: Arc<Drain>,
    pending: Pending,
    /// Gone as soon as the socket is, whoever still has a handle.
    live: Mutex<Option<Live>>,
}

impl Connection {
    /// A connection whose handshake is done, and the reader that its thread runs.
    #[inline(never)]
    pub(crate) fn new(parts: Parts) -> (Arc<Self>, Reader) {
        let Parts { far_end, role, stream, session, input, config, drain } = parts;
        let live = Mutex::new(Some(Live::new(role, Arc::clone(&stream), session, &config)));
        let connection = Arc::new(Self { far_end, config, drain, pending: Pending::default(), live });
        let reader = Reader::new(Arc::clone(&connection), stream, input);
        (connection, reader)
    }

    pub(crate) fn far_end(&self) -> &FarEnd {
        &self.far_end
    }

    /// Sends frames that are encoded already, as a server's may be. False: it is closing, and nothing was sent.
    pub(crate) fn send(self: &Arc<Self>, frames: &[u8]) -> bool {
        self.with_open(|live| live.send(frames))
    }

    /// Something that is sent before all else: with the first message, or by [`flush`](Connection::flush) at the latest.
    pub(crate) fn owe(&self, bytes: &[u8]) {
        if let Some(live) = self.lock().as_mut() {
            live.owe(bytes);
        }
    }

    /// Whether nothing waits to be sent. A connection that is over has nothing more to send.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().as_ref().is_none_or(|live| live.waiting() == 0)
    }

    /// Sends a message, whatever the role. False: it is closing, and nothing was sent.
    pub(crate) fn say(self: &Arc<Self>, message: Message) -> bool {
        self.with_open(|live| live.say(message.into_frame()))
    }

    /// Sends a Close frame, after all that waits. Does nothing when it is closing already.
    pub(crate) fn close(self: &Arc<Self>, code: u16, why: &str) {
        self.with_open(|live| {
            live.close(code, why);
            self.cut_later(live);
        });
    }

    /// False: it is closing, or over.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().as_ref().is_some_and(Live::is_open)
    }

    /// Bytes that the socket has not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().as_ref().map_or(0, Live::waiting)
    }

    /// Sends a Ping with an empty payload.
    fn ping(self: &Arc<Self>) {
        self.with_open(Live::ping);
    }

    /// The peer sends bytes without end that make no message.
    fn fragmented(self: &Arc<Self>) {
        let what = "fragments without end".to_owned();
        self.with_open(|live| live.fail(1008, "too many fragments", DisconnectReason::Failed { code: 1008, what }));
    }

    /// The peer is silent for too long: what waits and a Close frame are sent all the same, it may be just asleep.
    fn give_up(self: &Arc<Self>) {
        self.with_open(|live| live.fail(1013, "no answer to a ping", DisconnectReason::Silent));
    }

    /// Takes one message out of the bytes that arrived; answers Pings on the way.
    fn digest(self: &Arc<Self>, input: &mut &[u8]) -> Digest {
        let mut guard = self.lock();
        let Some(live) = guard.as_mut() else { return Digest::Over(Ending::Ours) };
        let digest = live.digest(input, &self.config);
        match digest {
            Digest::Message(_) => self.pending.add(),
            Digest::Hungry => self.settle(live),
            Digest::Over(_) => {}
        }
        digest
    }

    /// A message that was handed out has been dealt with.
    pub(crate) fn dealt_with(&self) {
        self.pending.remove();
    }

    /// The peer's side is at its end: once the messages that came before have been dealt with, so is ours.
    ///
    /// True: both have sent their Close frames, and nothing is left to wait for (RFC 6455 7.1.1: it is the server
    /// that ends the connection first; a client waits for that).
    fn conclude(self: &Arc<Self>, ending: Ending) -> bool {
        // Where a Close frame was sent already, nothing can be answered any more.
        if self.is_open() {
            self.pending.wait(Instant::now() + self.config.close_timeout);
        }
        let mut guard = self.lock();
        let Some(live) = guard.as_mut() else { return true };
        if let Ending::Lost(why) = &ending {
            debug!("connection {}: {why}", self.far_end.id);
        }
        let clean = live.conclude(ending);
        self.settle(live);
        clean && live.may_be_closed()
    }

    /// Sends what the socket takes, and sees to what follows from the rest.
    fn settle(self: &Arc<Self>, live: &mut Live) {
        let settled = live.settle();
        if settled == Settled::Done {
            return;
        }
        if live.is_open() && live.waiting() > self.config.max_send_buffer {
            live.fail(1013, "too slow", DisconnectReason::TooSlow);
            self.cut_later(live);
        }
        if settled == Settled::StalledFirst && self.drain.watch(live.stream(), self).is_err() {
            live.cut();
        }
    }

    /// The drain shall cut it when it has not ended in time.
    fn cut_later(self: &Arc<Self>, live: &mut Live) {
        let deadline = Instant::now() + self.config.close_timeout;
        live.deadline = Some(deadline);
        self.drain.cut_at(deadline, self);
    }

    /// Sends what waits, for the socket is writable again, or the 101 shall go now. Keeps no memory for it: perhaps nothing
    /// follows.
    pub(crate) fn flush(self: &Arc<Self>) {
        if let Some(live) = self.lock().as_mut() {
            self.settle(live);
            live.tidy();
        }
    }

    /// Ends it now, whatever is still under way: the reader wakes and sees the end.
    pub(crate) fn cut(&self) {
        self.pending.abandon();
        if let Some(live) = self.lock().as_ref() {
            live.cut();
        }
    }

    /// The reader is done: closes the socket, frees the memory, and says why it ended.
    pub(crate) fn end(&self) -> DisconnectReason {
        let Some(live) = self.lock().take() else { return DisconnectReason::Lost };
        if !live.has_sent_fin() {
            let _ = live.stream().shutdown(Shutdown::Both);
        }
        if live.is_watched() {
            self.drain.unwatch(live.stream(), self);
        }
        if let Some(deadline) = live.deadline {
            self.drain.forget(deadline, self);
        }
        live.into_reason()
    }

    /// False: it is closing, and nothing was done.
    fn with_open(self: &Arc<Self>, act: impl FnOnce(&mut Live)) -> bool {
        match self.lock().as_mut().filter(|live| live.is_open()) {
            Some(live) => {
                act(live);
                self.settle(live);
                true
            }
            None => false,
        }
    }

    /// A number for the drain's lists.
    fn key(&self) -> usize {
        // On 32 bits it repeats after four billion connections: an older one of the same number, if it is still there
        // and stalled, then waits for its next deadline.
        self.far_end.id as usize
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

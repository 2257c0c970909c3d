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

mod drain;
mod frames;
mod outbox;
mod pending;
mod reader;
mod reason;
mod wire;

pub(crate) use drain::Drain;
pub use frames::{Bytes, Frames, Message, Utf8Bytes};
pub(crate) use reader::Reader;
pub use reason::Reason;

use crate::config::Config;
use outbox::Outbox;
use pending::Pending;
use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tungstenite::{
    Error,
    protocol::{CloseFrame, Message as Frame, Role, WebSocketConfig, WebSocketContext, frame::coding::CloseCode},
};
use wire::Wire;

/// Bytes that tungstenite reads at a time from what we have read: small, for it is kept for the connection's life.
const PARSE_BUFFER: usize = 512;

/// What is shared between the reader and all senders.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    config: Arc<Config>,
    drain: Arc<Drain>,
    pending: Pending,
    live: Mutex<Option<Live>>,
}

/// What exists as long as the socket does.
#[derive(Debug)]
struct Live {
    stream: Arc<TcpStream>,
    context: WebSocketContext,
    outbox: Outbox,
    phase: Phase,
    /// Whether the drain watches the socket.
    stalled: bool,
    /// When the drain will cut it.
    deadline: Option<Instant>,
    reason: Option<Reason>,
}

/// How far the closing handshake (RFC 6455 7.1) has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    /// Messages go both ways.
    Open,
    /// Our Close frame is under way, theirs has not come.
    Closing,
    /// Nothing more will be said: the FIN follows the outbox.
    Finishing,
    /// The FIN is sent: what comes is thrown away until theirs does.
    Finished,
}

/// What the bytes that arrived amount to.
enum Digest {
    Message(Message),
    /// More bytes are needed.
    Hungry,
    /// Nothing that comes after this matters any more.
    Over(Ending),
}

/// How the peer's side came to its end.
enum Ending {
    /// A Close frame.
    Close(Option<CloseFrame>),
    /// Bytes that are no WebSocket.
    Failure(Error),
    /// It was ended from this side.
    Ours,
}

impl Connection {
    /// A connection whose handshake is done, and the reader that its thread runs. `input`: what came behind the
    /// request's head.
    #[inline(never)]
    pub(crate) fn new(
        id: u64,
        stream: Arc<TcpStream>,
        input: Vec<u8>,
        config: Arc<Config>,
        drain: Arc<Drain>,
    ) -> (Arc<Self>, Reader) {
        let limits = WebSocketConfig::default()
            .read_buffer_size(PARSE_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(config.message))
            .max_frame_size(Some(config.message));
        let live = Live {
            stream: Arc::clone(&stream),
            context: WebSocketContext::new(Role::Server, Some(limits)),
            outbox: Outbox::default(),
            phase: Phase::Open,
            stalled: false,
            deadline: None,
            reason: None,
        };
        let live = Mutex::new(Some(live));
        let connection = Arc::new(Self { id, config, drain, pending: Pending::new(), live });
        let reader = Reader::new(Arc::clone(&connection), stream, input);
        (connection, reader)
    }

    /// Sends frames that are encoded already. False: it is closing, and nothing was sent.
    pub(crate) fn send(self: &Arc<Self>, frames: &[u8]) -> bool {
        let mut live = self.lock();
        match live.as_mut().filter(|live| live.phase == Phase::Open) {
            Some(live) => {
                // A broken connection is the reader's to notice; until it does, bytes are lost, as on any network.
                let _ = live.outbox.send(&live.stream, frames);
                self.settle(live);
                true
            }
            None => false,
        }
    }

    /// Sends a Close frame, after all that waits. Does nothing when it is closing already.
    pub(crate) fn close(self: &Arc<Self>, code: u16, why: &str) {
        if let Some(live) = self.lock().as_mut().filter(|live| live.phase == Phase::Open) {
            say_close(live, code, why);
            live.phase = Phase::Closing;
            live.reason.get_or_insert(Reason::ByUs { code });
            self.cut_later(live);
            self.settle(live);
        }
    }

    /// Sends a Ping with an empty payload.
    fn ping(self: &Arc<Self>) {
        self.with_open(|live| {
            let mut wire = Wire { input: &mut &[][..], output: live.outbox.tail() };
            let _ = live.context.write(&mut wire, Frame::Ping(Bytes::new()));
        });
    }

    /// The peer is silent for too long: what waits and a Close frame are sent all the same, it may be just asleep.
    fn give_up(self: &Arc<Self>) {
        self.with_open(|live| fail(live, 1013, "no answer to a ping", Reason::Silent));
    }

    /// Takes one message out of the bytes that arrived; answers Pings on the way.
    fn digest(self: &Arc<Self>, input: &mut &[u8]) -> Digest {
        let mut guard = self.lock();
        let Some(live) = guard.as_mut().filter(|live| live.phase < Phase::Finishing) else {
            return Digest::Over(Ending::Ours);
        };
        loop {
            let mut wire = Wire { input, output: live.outbox.tail() };
            match live.context.read(&mut wire) {
                Ok(Frame::Text(text)) if live.phase == Phase::Open => return self.hand_out(Message::Text(text)),
                Ok(Frame::Binary(bytes)) if live.phase == Phase::Open => return self.hand_out(Message::Binary(bytes)),
                Ok(Frame::Close(frame)) => return Digest::Over(Ending::Close(frame)),
                Ok(_) => {}
                Err(Error::Io(_)) => break,
                Err(error) => return Digest::Over(Ending::Failure(error)),
            }
        }
        self.settle(live);
        Digest::Hungry
    }

    fn hand_out(&self, message: Message) -> Digest {
        self.pending.add();
        Digest::Message(message)
    }

    /// A message that was handed out has been dealt with.
    pub(crate) fn dealt_with(&self) {
        self.pending.remove();
    }

    /// The peer's side is at its end: once the messages that came before have been dealt with, so is ours.
    ///
    /// True: both have sent their Close frames, and nothing is left to wait for (RFC 6455 7.1.1: it is the server
    /// that ends the connection first).
    fn conclude(self: &Arc<Self>, ending: Ending) -> bool {
        self.pending.wait(Instant::now() + self.config.close_timeout);
        let mut guard = self.lock();
        let Some(live) = guard.as_mut() else { return true };
        let clean = matches!(ending, Ending::Close(_));
        match ending {
            Ending::Close(frame) => closed_by_peer(live, frame),
            Ending::Failure(error) => failed_by_peer(live, &error),
            Ending::Ours => {}
        }
        self.settle(live);
        clean && live.phase == Phase::Finished
    }

    /// The drain shall cut it when it has not ended in time.
    fn cut_later(self: &Arc<Self>, live: &mut Live) {
        let deadline = Instant::now() + self.config.close_timeout;
        live.deadline = Some(deadline);
        self.drain.cut_at(deadline, self);
    }

    /// Sends what the socket takes, and sees to what follows from the rest.
    fn settle(self: &Arc<Self>, live: &mut Live) {
        if live.outbox.flush(&live.stream).is_err() {
            return;
        }
        if live.outbox.is_empty() {
            if live.phase == Phase::Finishing {
                live.phase = Phase::Finished;
                let _ = live.stream.shutdown(Shutdown::Write);
            }
            return;
        }
        if live.outbox.len() > self.config.outbox && live.phase == Phase::Open {
            fail(live, 1013, "too slow", Reason::TooSlow);
            self.cut_later(live);
        }
        if !live.stalled {
            live.stalled = true;
            if self.drain.watch(&live.stream, self).is_err() {
                let _ = live.stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// The socket is writable again.
    fn flush(self: &Arc<Self>) {
        if let Some(live) = self.lock().as_mut() {
            self.settle(live);
        }
    }

    /// Ends it now, whatever is still under way: the reader wakes and sees the end.
    pub(crate) fn cut(&self) {
        if let Some(live) = self.lock().as_ref() {
            let _ = live.stream.shutdown(Shutdown::Both);
        }
    }

    /// The reader is done: closes the socket, frees the memory, and says why it ended.
    pub(crate) fn end(&self) -> Reason {
        let Some(live) = self.lock().take() else { return Reason::Lost };
        let _ = live.stream.shutdown(Shutdown::Both);
        if live.stalled {
            self.drain.unwatch(&live.stream, self);
        }
        if let Some(deadline) = live.deadline {
            self.drain.forget(deadline, self);
        }
        live.reason.unwrap_or(Reason::Lost)
    }

    fn with_open(self: &Arc<Self>, act: impl FnOnce(&mut Live)) {
        if let Some(live) = self.lock().as_mut().filter(|live| live.phase == Phase::Open) {
            act(live);
            self.settle(live);
        }
    }

    /// A number for the drain's lists.
    fn key(&self) -> usize {
        // On 32 bits it repeats after four billion connections.
        self.id as usize
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peer's Close frame came: tungstenite has queued the answer, if one is due.
fn closed_by_peer(live: &mut Live, frame: Option<CloseFrame>) {
    let (code, reason) = match frame {
        Some(frame) => (frame.code.into(), frame.reason.to_string()),
        None => (1005, String::new()),
    };
    live.reason.get_or_insert(Reason::ByPeer { code, reason });
    let mut wire = Wire { input: &mut &[][..], output: live.outbox.tail() };
    let _ = live.context.flush(&mut wire);
    live.phase = Phase::Finishing;
}

/// What came is no WebSocket: say so, and end.
fn failed_by_peer(live: &mut Live, error: &Error) {
    let (code, why) = match error {
        Error::Capacity(_) => (1009, "message too big"),
        Error::Utf8(_) => (1007, "invalid UTF-8"),
        _ => (1002, "protocol error"),
    };
    fail(live, code, why, Reason::Failed { code, what: error.to_string() });
}

/// Fails the connection (RFC 6455 7.1.7): a Close frame, then the FIN.
fn fail(live: &mut Live, code: u16, why: &str, reason: Reason) {
    live.reason.get_or_insert(reason);
    if live.phase == Phase::Open {
        say_close(live, code, why);
    }
    live.phase = Phase::Finishing;
}

fn say_close(live: &mut Live, code: u16, why: &str) {
    let frame = CloseFrame { code: CloseCode::from(code), reason: shorten(why).into() };
    let mut wire = Wire { input: &mut &[][..], output: live.outbox.tail() };
    let _ = live.context.close(&mut wire, Some(frame));
}

/// At most the 123 bytes that a Close frame has room for (RFC 6455 5.5).
fn shorten(why: &str) -> &str {
    let mut end = why.len().min(123);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    &why[..end]
}

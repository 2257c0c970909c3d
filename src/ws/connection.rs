//! A WebSocket connection after its handshake, shared between the thread that reads it and all threads that send on it.
//!
//! The rules:
//!
//! 1. Only the [`Reader`] reads the socket, and it holds no lock while it waits.
//! 2. A sender locks the state, encodes and sends at once. It never blocks: bytes that the socket does not take are
//!    buffered, and the [`WriteReactor`] sends them when the socket is writable again.
//! 3. The first cause of an end becomes the [`DisconnectReason`]; a client reports a Close frame that it received
//!    instead. A Close frame is the last frame sent. A server sends the FIN after it.
//!    Bytes that still arrive are read and discarded: unread bytes would cause a reset, which can destroy the Close frame.
//! 4. Closing always has a deadline, and a limit of discarded bytes.

mod buffered_stream;
mod disconnect_reason;
mod message;
mod reader;
mod state;
mod write_reactor;

pub(crate) use buffered_stream::BufferedStream;
pub use disconnect_reason::DisconnectReason;
pub use message::{Bytes, Frames, Message, Utf8Bytes};
pub(crate) use reader::Reader;
pub(crate) use state::{ConnectionEnd, ConnectionState, ReadResult};
pub(crate) use tungstenite::protocol::Role;
pub(crate) use write_reactor::WriteReactor;

use crate::ws::deflate::{Agreement, Unmarker};
use crate::ws::{config::Config, spawn::lock, tcp::Watched};
use state::Phase;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::{any::Any, time::Duration};
use tungstenite::protocol::frame::coding::Data;

/// What the handshake established about the peer.
#[derive(Debug, Default)]
pub(crate) struct PeerInfo {
    pub(crate) id: u64,
    /// `None` for a Unix socket.
    pub(crate) addr: Option<SocketAddr>,
    /// The subprotocol (RFC 6455 1.9).
    pub(crate) protocol: Option<Arc<str>>,
    /// Not the whole request: a connection keeps this as long as it lives.
    pub(crate) path: Box<str>,
    /// What the program attached.
    pub(crate) data: Option<Box<dyn Any + Send + Sync>>,
    /// The extension `permessage-deflate` (RFC 7692).
    pub(crate) deflate: Option<Agreement>,
    /// Not a WebSocket, but a stream of bytes to the peer, and what keeps it alive.
    pub(crate) keepalive: Option<&'static [u8]>,
}

/// One connection. [`Peer`](crate::Peer) is its handle for programs.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) info: PeerInfo,
    pub(crate) role: Role,
    pub(crate) config: Arc<Config>,
    reactor: &'static WriteReactor,
    /// `None` when the connection has ended, so that a handle that outlives the connection keeps neither the socket nor its buffers.
    state: Mutex<Option<Box<ConnectionState>>>,
}

impl Connection {
    /// The connection and its only reader.
    #[inline(never)] // Its stack frame, with the whole state, would stay below those of the first sends.
    #[allow(clippy::boxed_local, reason = "unboxed, it takes 5 KiB on the stack of an idle connection")]
    pub(crate) fn new(
        info: PeerInfo,
        role: Role,
        mut stream: Box<BufferedStream>,
        config: Arc<Config>,
        reactor: &'static WriteReactor,
    ) -> (Arc<Self>, Reader) {
        let socket = Arc::clone(&stream.socket);
        // A stream has no Pongs: the system ends it if the peer does not acknowledge what was sent, elsewhere than on Linux after
        // a time of its own.
        #[cfg(target_os = "linux")]
        if info.keepalive.is_some() && !config.ping_interval.is_zero() && !config.pong_timeout.is_zero() {
            let time = u32::try_from((config.ping_interval + config.pong_timeout).as_millis());
            // It fails only if the socket is gone, which the reader notices.
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, time.unwrap_or(u32::MAX));
        }
        stream.unmarker = info.deflate.is_some().then(Unmarker::default);
        let mut state = Box::new(ConnectionState::new(role, *stream, &config));
        state.keepalive = info.keepalive;
        let connection = Arc::new(Self { info, role, config, reactor, state: Mutex::new(Some(state)) });
        let reader = Reader::new(Arc::clone(&connection), socket);
        (connection, reader)
    }

    /// Sends queued bytes as far as the socket takes them.
    pub(crate) fn flush_pending(self: &Arc<Self>) {
        if let Some(state) = self.lock().as_mut() {
            state.is_watched &= Watched::STAYS;
            self.flush(state);
        }
    }

    /// Whether the socket took waiting bytes in this time. If so, the peer may not have received the last Ping yet.
    pub(crate) fn has_progressed_within(&self, time: Duration) -> bool {
        let progress_at = self.lock().as_ref().and_then(|state| state.stream.progress_at);
        progress_at.is_some_and(|at| at.elapsed() < time)
    }

    /// Sends a Close frame after all queued bytes. Does nothing if the connection is closing already. The caller has checked code
    /// and reason.
    pub(crate) fn close(self: &Arc<Self>, code: u16, reason: &str) {
        self.if_open(|state| {
            state.close(code, reason);
            self.reactor.cut_later(self);
        });
    }

    /// Returns false if the connection is closing or has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().as_ref().is_some_and(|state| state.is_open())
    }

    /// Ends the connection without a Close frame. The reader notices it.
    pub(crate) fn cut(&self) {
        if let Some(state) = self.lock().as_ref() {
            state.stream.cut();
        }
    }

    /// Closes the socket, frees the buffers, and returns the reason. For the thread of the reader.
    pub(crate) fn end(&self) -> DisconnectReason {
        let Some(state) = self.lock().take() else { return DisconnectReason::ConnectionLost };
        // After its FIN, only closing the socket is left to do. A client leaves the FIN to the server.
        if state.phase < Phase::Finished || self.role == Role::Client {
            let _ = state.stream.socket.shutdown(Shutdown::Both);
        }
        self.reactor.forget(&state.stream.socket, self);
        state.reason.unwrap_or(DisconnectReason::ConnectionLost)
    }

    /// As [`ConnectionState::receive`].
    fn receive(&self, bytes: &[u8]) -> bool {
        self.lock().as_mut().is_some_and(|state| state.receive(bytes))
    }

    /// Takes one message out of the received bytes, and replies to Pings among them. Also returns what a compressed message is
    /// after decompression.
    fn read(self: &Arc<Self>) -> (ReadResult, Option<Data>) {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut() else { return (ReadResult::Closed(ConnectionEnd::Lost), None) };
        let result = state.read(&self.config);
        if matches!(result, ReadResult::NeedData) {
            self.flush(state);
        }
        (result, state.stream.unmarker.as_ref().and_then(|unmarker| unmarker.compressed))
    }

    /// Reading has ended: sends the last frames of this side. Returns true if the socket can be closed at once:
    /// both sides have sent a Close frame, and it is the server that closes first (RFC 6455 7.1.1).
    fn conclude(self: &Arc<Self>, end: ConnectionEnd) -> bool {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut() else { return true };
        let clean = state.conclude(end);
        self.flush(state);
        // With TLS the peer's `close_notify` is left to wait for: a socket that is closed before it arrived sends a reset, which can
        // destroy what was sent last.
        clean && state.phase == Phase::Finished && state.stream.session.is_none()
    }

    /// Sends what the socket takes. The reactor sends the rest.
    fn flush(self: &Arc<Self>, state: &mut ConnectionState) {
        if state.flush() {
            return;
        }
        let watched = std::mem::replace(&mut state.is_watched, true);
        if !watched && self.reactor.watch(&state.stream.socket, self).is_err() {
            state.stream.cut();
        }
    }

    /// Drops a peer that reads too slowly: Close 1013 after all queued bytes.
    pub(crate) fn fail_slow(self: &Arc<Self>, state: &mut ConnectionState) {
        state.fail(1013, "too slow", DisconnectReason::SlowReader);
        self.reactor.cut_later(self);
    }

    /// Runs `action` and sends what it wrote. Returns false if the connection is closing; nothing is done then.
    pub(crate) fn if_open(self: &Arc<Self>, action: impl FnOnce(&mut ConnectionState)) -> bool {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut().filter(|state| state.is_open()) else { return false };
        action(state);
        self.flush(state);
        true
    }

    /// As [`Self::if_open`], for messages. If more than `most` bytes of earlier ones wait, the connection is closed with 1013
    /// instead. One message alone may be larger.
    pub(crate) fn send(self: &Arc<Self>, most: usize, action: impl FnOnce(&mut ConnectionState)) -> bool {
        let mut fits = true;
        self.if_open(|state| {
            let is_full = |state: &ConnectionState| state.stream.unsent.len() > most;
            fits = !is_full(state) || state.flush() || !is_full(state);
            if fits { action(state) } else { self.fail_slow(state) }
        }) && fits
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Box<ConnectionState>>> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests;

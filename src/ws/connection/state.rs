//! The state of a connection while its socket exists: tungstenite's protocol state, the buffers, and the closing handshake.
//!
//! Everything here runs under the connection's lock, and nothing here blocks.

use super::{buffered_stream::BufferedStream, disconnect_reason::DisconnectReason, message::Message};
use crate::ws::{config::Config, rate_limiter::RateLimiter};
use log::debug;
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Message as Frame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Error};

/// Bytes that tungstenite parses at a time. Small, because it keeps that buffer as long as the connection lives.
const PARSE_BUFFER: usize = 256;

/// Control frames may come at once for so many seconds' worth of [`Config::control_frames_per_second`].
const CONTROL_FRAME_BURST: u64 = 10;

/// A peer may send this many times the largest message, and some control frames, within a minute without completing a message.
/// Otherwise it could send empty fragments for ever.
const OVERHEAD_FACTOR: usize = 8;
const OVERHEAD_CONTROL_FRAMES: usize = 64 * 1024;
const OVERHEAD_PERIOD: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct ConnectionState<T = TcpStream> {
    pub(crate) stream: BufferedStream<T>,
    role: Role,
    context: WebSocketContext,
    opened_at: Instant,
    control_frames: RateLimiter,
    /// Bytes since the last complete message, and the time of the first of them.
    overhead: (usize, Instant),
    pub(super) phase: Phase,
    /// Whether the write reactor watches the socket.
    pub(super) is_watched: bool,
    pub(crate) reason: Option<DisconnectReason>,
    /// The time of the last measured Ping, in microseconds since `opened_at`, which is also its payload.
    awaited_pong: Option<u64>,
    pub(crate) round_trip_time: Option<Duration>,
    /// Not a WebSocket, but a stream of bytes to the peer, and what keeps it alive. It has no frames.
    pub(super) keepalive: Option<&'static [u8]>,
}

/// The progress of the closing handshake (RFC 6455 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Messages go both ways.
    Open,
    /// This side has sent a Close frame, and waits for the peer's.
    Closing,
    /// Nothing more will be queued. The FIN follows the send buffer.
    Finishing,
    /// The FIN was sent, or the server has to send it. Bytes that arrive are discarded.
    Finished,
}

/// What the received bytes contained.
#[derive(Debug)]
pub(crate) enum ReadResult {
    /// Binary, if it is compressed.
    Message(Message),
    NeedData,
    /// Nothing that follows matters.
    Closed(ConnectionEnd),
}

/// How reading came to its end.
#[derive(Debug)]
pub(crate) enum ConnectionEnd {
    /// The peer sent a Close frame.
    Close,
    /// The peer violated the protocol.
    Violation(Error),
    /// TLS or the socket ended or failed without a Close frame, or this side has ended the connection.
    Lost,
}

impl<T> ConnectionState<T> {
    pub(crate) fn new(role: Role, stream: BufferedStream<T>, config: &Config) -> Self {
        // A message that cannot be compressed becomes longer.
        let growth = if stream.unmarker.is_some() { config.max_message_size / 8 + 64 } else { 0 };
        let max_payload = config.max_message_size.saturating_add(growth);
        let limits = WebSocketConfig::default()
            .read_buffer_size(PARSE_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(max_payload))
            .max_frame_size(Some(max_payload));
        Self {
            stream,
            role,
            context: WebSocketContext::new(role, Some(limits)),
            opened_at: Instant::now(),
            control_frames: RateLimiter::default(),
            overhead: (0, Instant::now()),
            phase: Phase::Open,
            is_watched: false,
            reason: None,
            awaited_pong: None,
            round_trip_time: None,
            keepalive: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Encodes a frame as the role requires: a client masks each frame with a new mask (RFC 6455 5.3).
    pub(crate) fn write(&mut self, frame: Frame) {
        // It writes to the send buffer, which cannot fail.
        let _ = self.context.write(&mut self.stream, frame);
    }

    /// Starts the closing handshake. Code and reason must fit into a Close frame.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        self.write_close(code, reason);
        // A stream ends without an answer of the peer.
        self.phase = if self.keepalive.is_some() { Phase::Finishing } else { Phase::Closing };
        self.reason.get_or_insert(DisconnectReason::ClosedLocally { code });
    }

    /// Fails the connection (RFC 6455 7.1.7): a Close frame, then the FIN.
    pub(crate) fn fail(&mut self, code: u16, text: &str, reason: DisconnectReason) {
        self.reason.get_or_insert(reason);
        if self.phase == Phase::Open {
            self.write_close(code, text);
        }
        self.phase = Phase::Finishing;
    }

    /// Takes over bytes that arrived, for [`ConnectionState::read`]. Returns false if the connection is closing: no message will
    /// be taken out of them.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> bool {
        let (count, since) = &mut self.overhead;
        if *count == 0 || since.elapsed() > OVERHEAD_PERIOD {
            (*count, *since) = (0, Instant::now());
        }
        *count += bytes.len();
        if self.phase < Phase::Finishing {
            self.stream.received.extend(bytes);
        }
        self.is_open()
    }

    /// Takes one message out of the received bytes. Replies to Pings among them. Fails the connection if too many bytes lead to no
    /// message.
    pub(crate) fn read(&mut self, config: &Config) -> ReadResult {
        // Later, what arrives has no meaning.
        while self.phase < Phase::Finishing {
            let is_open = self.is_open();
            let frame = match self.keepalive {
                None => self.context.read(&mut self.stream),
                // What the peer of a stream sends has no meaning. Only its end has.
                Some(_) => match self.stream.read(&mut [0; 256]) {
                    Ok(_) => continue,
                    Err(error) => Err(Error::Io(error)),
                },
            };
            if matches!(frame, Ok(Frame::Text(_) | Frame::Binary(_))) {
                self.overhead.0 = 0;
            }
            match frame {
                Ok(Frame::Text(text)) if is_open => return ReadResult::Message(Message::Text(text)),
                Ok(Frame::Binary(bytes)) if is_open => return ReadResult::Message(Message::Binary(bytes)),
                Ok(frame @ (Frame::Ping(_) | Frame::Pong(_))) => {
                    self.take_pong(&frame);
                    self.count_control_frame(config.control_frames_per_second as u64);
                }
                Ok(Frame::Close(frame)) => return self.closed_by_peer(frame),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    let max = config.max_message_size.saturating_mul(OVERHEAD_FACTOR);
                    if !is_open || self.overhead.0 <= max.saturating_add(OVERHEAD_CONTROL_FRAMES) {
                        return ReadResult::NeedData;
                    }
                    let detail = "too many fragments without a message".to_owned();
                    self.fail(1008, "too many fragments", DisconnectReason::ProtocolViolation { code: 1008, detail });
                }
                Err(Error::Io(error)) => {
                    debug!("TLS ended: {error}");
                    return ReadResult::Closed(ConnectionEnd::Lost);
                }
                Err(error) => return ReadResult::Closed(ConnectionEnd::Violation(error)),
            }
        }
        ReadResult::Closed(ConnectionEnd::Lost)
    }

    /// Sends a Ping whose answer is measured.
    pub(crate) fn ping(&mut self) {
        let now = self.now();
        self.awaited_pong = Some(now);
        self.write(Frame::Ping(Bytes::copy_from_slice(&now.to_be_bytes())));
    }

    /// Measures the round trip if it is the answer to the last measured Ping.
    fn take_pong(&mut self, frame: &Frame) {
        let Frame::Pong(payload) = frame else { return };
        if let Some(sent) = self.awaited_pong.take_if(|sent| payload[..] == sent.to_be_bytes()) {
            self.round_trip_time = Some(Duration::from_micros(self.now() - sent));
        }
    }

    /// Microseconds since the connection was opened.
    fn now(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn count_control_frame(&mut self, per_second: u64) {
        let now = self.now();
        let interval = 1_000_000_u64.checked_div(per_second).unwrap_or(0);
        if !self.control_frames.allow(now, interval, per_second.saturating_mul(CONTROL_FRAME_BURST)) {
            // The reply to the last Ping goes first: nothing may follow a Close frame.
            let _ = self.context.flush(&mut self.stream);
            let detail = "too many control frames".to_owned();
            self.fail(1008, "too many pings", DisconnectReason::ProtocolViolation { code: 1008, detail });
        }
    }

    /// Ends this side after the peer has ended its own. Returns true if Close frames went both ways and the FIN is this
    /// side's to send; a client leaves it to the server (RFC 6455 7.1.1).
    pub(crate) fn conclude(&mut self, end: ConnectionEnd) -> bool {
        match end {
            ConnectionEnd::Lost => {
                self.reason.get_or_insert(DisconnectReason::ConnectionLost);
                self.phase = self.phase.max(Phase::Finishing);
            }
            ConnectionEnd::Violation(error) => self.fail_for(&error),
            ConnectionEnd::Close => {
                // tungstenite has the reply ready if one is due.
                let _ = self.context.flush(&mut self.stream);
                let is_server = self.role == Role::Server;
                self.phase = if is_server { Phase::Finishing } else { Phase::Finished };
                return is_server;
            }
        }
        false
    }

    /// The peer's Close frame came. [`ConnectionState::conclude`] sends the reply.
    fn closed_by_peer(&mut self, frame: Option<CloseFrame>) -> ReadResult {
        let no_code = (1005, String::new());
        let (code, reason) = frame.map_or(no_code, |frame| (frame.code.into(), frame.reason.to_string()));
        // A client reports the Close frame that it received, whichever side was first (RFC 6455 7.1.5).
        self.reason
            .take_if(|reason| self.role == Role::Client && matches!(reason, DisconnectReason::ClosedLocally { .. }));
        self.reason.get_or_insert(DisconnectReason::ClosedByPeer { code, reason });
        ReadResult::Closed(ConnectionEnd::Close)
    }

    fn fail_for(&mut self, error: &Error) {
        let (code, text) = match error {
            Error::Capacity(_) => (1009, "message too big"),
            Error::Utf8(_) => (1007, "invalid UTF-8"),
            Error::Io(_) => (1007, "invalid compressed data"),
            _ => (1002, "protocol error"),
        };
        self.fail(code, text, DisconnectReason::ProtocolViolation { code, detail: error.to_string() });
    }

    fn write_close(&mut self, code: u16, reason: &str) {
        if self.keepalive.is_none() {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            let _ = self.context.close(&mut self.stream, Some(frame));
        }
    }
}

/// What needs a socket.
impl ConnectionState {
    /// Sends encoded frames.
    pub(crate) fn send(&mut self, frames: &[u8]) {
        if self.stream.send(frames).is_err() {
            self.socket_failed();
        }
    }

    /// Sends a Ping, or what keeps a stream alive. Returns whether the peer has to answer.
    pub(super) fn send_ping(&mut self) -> bool {
        match self.keepalive {
            Some(bytes) => self.send(bytes),
            None => self.write(Frame::Ping(Bytes::new())),
        }
        self.keepalive.is_none()
    }

    /// Sends what the socket takes, and the FIN after the last byte. Returns whether nothing is left to send.
    pub(super) fn flush(&mut self) -> bool {
        if let Some(session) = &mut self.stream.session {
            match self.phase {
                Phase::Open | Phase::Closing => session.flush(&mut self.stream.unsent),
                // Only the first call has an effect.
                Phase::Finishing | Phase::Finished => session.close(&mut self.stream.unsent),
            }
        }
        let Ok(is_complete) = self.stream.flush_unsent() else {
            self.socket_failed();
            return true;
        };
        if is_complete && self.phase == Phase::Finishing {
            self.phase = Phase::Finished;
            let _ = self.stream.socket.shutdown(Shutdown::Write);
        }
        is_complete
    }

    /// The socket takes no more bytes, perhaps in the middle of a frame, so nothing can follow. The reader notices it.
    fn socket_failed(&mut self) {
        self.stream.cut();
        self.stream.discard_unsent();
        self.phase = Phase::Finished;
    }
}

#[cfg(test)]
mod tests;

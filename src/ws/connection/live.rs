//! What a connection is as long as its socket exists: tungstenite's protocol state, the TLS session if there is one, the
//! outbox, the phase.
//!
//! Owns the protocol from the first frame to the FIN. Everything here happens under the connection's lock, and
//! nothing here blocks. Knows no threads and no deadlines: what has to happen later is the connection's to arrange.

use super::{
    controls::Controls,
    frames::{Bytes, Message},
    outbox::Outbox,
    reason::DisconnectReason,
    wire::Wire,
};
use crate::{ws::config::Config, ws::tls::Session};
use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Instant,
};
use tungstenite::{
    Error,
    protocol::{CloseFrame, Message as Frame, Role, WebSocketConfig, WebSocketContext, frame::coding::CloseCode},
};

/// Bytes that tungstenite reads at a time from what we have read: small, for it is kept for the connection's life.
const PARSE_BUFFER: usize = 256;

#[derive(Debug)]
pub(super) struct Live {
    stream: Arc<TcpStream>,
    role: Role,
    context: WebSocketContext,
    /// With TLS. The outbox has ciphertext then, and so does what arrives.
    session: Option<Session>,
    outbox: Outbox,
    controls: Controls,
    phase: Phase,
    /// Whether the drain watches the socket.
    watched: bool,
    /// When the drain will cut it.
    pub(super) deadline: Option<Instant>,
    reason: Option<DisconnectReason>,
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
    /// The FIN is sent, or it is the server's to send: what comes is thrown away until theirs does.
    Finished,
}

/// What the bytes that arrived amount to.
pub(crate) enum Digest {
    Message(Message),
    /// More bytes are needed.
    Hungry,
    /// Nothing that comes after this matters any more.
    Over(Ending),
}

/// How the peer's side came to its end.
pub(crate) enum Ending {
    /// A Close frame.
    Close,
    /// Bytes that are no WebSocket.
    Failure(Error),
    /// TLS came to its end, in a way that leaves nothing to be said: `close_notify` without a Close frame, or an alert.
    Lost(io::Error),
    /// It was ended from this side.
    Ours,
}

/// What is left after sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing, or nobody to send it to.
    Done,
    /// Bytes that the socket does not take, for the first time: it has to be watched from now on.
    StalledFirst,
    /// The same, again.
    Stalled,
}

impl Live {
    pub(super) fn new(role: Role, stream: Arc<TcpStream>, session: Option<Session>, config: &Config) -> Self {
        let limits = WebSocketConfig::default()
            .read_buffer_size(PARSE_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(config.max_message_size))
            .max_frame_size(Some(config.max_message_size));
        Self {
            stream,
            role,
            context: WebSocketContext::new(role, Some(limits)),
            session,
            outbox: Outbox::default(),
            controls: Controls::new(Instant::now()),
            phase: Phase::Open,
            watched: false,
            deadline: None,
            reason: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Is there nothing left to wait for? With TLS, the peer's `close_notify` is: a socket that is closed before it came sends
    /// a reset, which can destroy ours and what was sent before it.
    pub(super) fn may_be_closed(&self) -> bool {
        self.phase == Phase::Finished && self.session.is_none()
    }

    /// Is closing the socket all that is left to do? A client leaves the FIN to the server.
    pub(super) fn has_sent_fin(&self) -> bool {
        self.phase == Phase::Finished && self.role == Role::Server
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watched
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Bytes that the socket has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    pub(super) fn into_reason(self) -> DisconnectReason {
        self.reason.unwrap_or(DisconnectReason::Lost)
    }

    /// Puts bytes behind what waits; they go with what is sent next, or when all is settled.
    pub(super) fn owe(&mut self, bytes: &[u8]) {
        match &mut self.session {
            Some(session) => session.write(bytes, self.outbox.tail()),
            None => self.outbox.tail().extend_from_slice(bytes),
        }
    }

    /// Keeps no memory for what was sent.
    pub(super) fn tidy(&mut self) {
        self.outbox.tidy();
    }

    /// Sends frames, after all that waits.
    pub(super) fn send(&mut self, frames: &[u8]) {
        if self.session.is_some() {
            // They go out when all is settled, with what else TLS has to say.
            self.owe(frames);
        } else if self.outbox.send(&self.stream, frames).is_err() {
            self.broken();
        }
    }

    /// Sends a message as its role does: a client masks it, each frame with a mask of its own (RFC 6455 5.3).
    pub(super) fn say(&mut self, message: Frame) {
        let (context, mut wire) = self.context_and_wire();
        let _ = context.write(&mut wire, message);
    }

    pub(super) fn ping(&mut self) {
        self.say(Frame::Ping(Bytes::new()));
    }

    /// Starts the closing handshake.
    pub(super) fn close(&mut self, code: u16, why: &str) {
        self.say_close(code, why);
        self.phase = Phase::Closing;
        self.reason.get_or_insert(DisconnectReason::ByUs { code });
    }

    /// Fails the connection (RFC 6455 7.1.7): a Close frame, then the FIN.
    pub(super) fn fail(&mut self, code: u16, why: &str, reason: DisconnectReason) {
        self.reason.get_or_insert(reason);
        if self.phase == Phase::Open {
            self.say_close(code, why);
        }
        self.phase = Phase::Finishing;
    }

    /// Takes one message out of the bytes that arrived; has Pings answered on the way.
    ///
    /// Not inlined: its frame is large, and shall be gone when the message is handed on (see `server/life.rs`).
    #[inline(never)]
    pub(super) fn digest(&mut self, input: &mut &[u8], config: &Config) -> Digest {
        while self.phase < Phase::Finishing {
            let session = self.session.as_mut();
            let mut wire = Wire { input: Some(input), output: self.outbox.tail(), session };
            match self.context.read(&mut wire) {
                Ok(Frame::Text(text)) if self.phase == Phase::Open => return Digest::Message(Message::Text(text)),
                Ok(Frame::Binary(bytes)) if self.phase == Phase::Open => {
                    return Digest::Message(Message::Binary(bytes));
                }
                Ok(Frame::Ping(_) | Frame::Pong(_)) => self.count_control(config.control_frames_per_second),
                Ok(Frame::Close(frame)) => return self.closing_by_peer(frame),
                Ok(_) => {}
                Err(Error::Io(why)) if why.kind() == io::ErrorKind::WouldBlock => return Digest::Hungry,
                Err(Error::Io(why)) => return Digest::Over(Ending::Lost(why)),
                Err(error) => return Digest::Over(Ending::Failure(error)),
            }
        }
        Digest::Over(Ending::Ours)
    }

    /// Pings without end: the answer to the last one goes first, for nothing may follow a Close frame.
    fn count_control(&mut self, per_second: usize) {
        if !self.controls.one_more(per_second, Instant::now()) {
            self.flush_context();
            let what = "a flood of control frames".to_owned();
            self.fail(1008, "too many pings", DisconnectReason::Failed { code: 1008, what });
        }
    }

    /// The peer's side is at its end, and so is ours. True: with Close frames from both, and the FIN is ours to send; a
    /// client leaves that to the server (RFC 6455 7.1.1).
    pub(super) fn conclude(&mut self, ending: Ending) -> bool {
        match ending {
            Ending::Ours => false,
            Ending::Lost(_) => {
                self.reason.get_or_insert(DisconnectReason::Lost);
                self.phase = Phase::Finishing;
                false
            }
            Ending::Failure(error) => {
                self.failed_by_peer(&error);
                false
            }
            Ending::Close => {
                self.flush_context();
                self.close_session();
                let first = self.role == Role::Server;
                self.phase = if first { Phase::Finishing } else { Phase::Finished };
                first
            }
        }
    }

    /// The peer's Close frame came: tungstenite has the answer ready, if one is due; it is sent by [`Live::conclude`].
    fn closing_by_peer(&mut self, frame: Option<CloseFrame>) -> Digest {
        let (code, reason) = match frame {
            Some(frame) => (frame.code.into(), frame.reason.to_string()),
            None => (1005, String::new()),
        };
        // What a client reports is the Close frame that came, whoever was first (RFC 6455 7.1.5).
        self.reason.take_if(|said| self.role == Role::Client && matches!(said, DisconnectReason::ByUs { .. }));
        self.reason.get_or_insert(DisconnectReason::ByPeer { code, reason });
        Digest::Over(Ending::Close)
    }

    /// What came is no WebSocket: say so, and end.
    fn failed_by_peer(&mut self, error: &Error) {
        let (code, why) = match error {
            Error::Capacity(_) => (1009, "message too big"),
            Error::Utf8(_) => (1007, "invalid UTF-8"),
            _ => (1002, "protocol error"),
        };
        self.fail(code, why, DisconnectReason::Failed { code, what: error.to_string() });
    }

    /// Sends what the socket takes; when all is sent and all is said, the FIN.
    pub(super) fn settle(&mut self) -> Settled {
        self.settle_session();
        if self.outbox.flush(&self.stream).is_err() {
            self.broken();
            return Settled::Done;
        }
        if !self.outbox.is_empty() {
            let first = !std::mem::replace(&mut self.watched, true);
            return if first { Settled::StalledFirst } else { Settled::Stalled };
        }
        if self.phase == Phase::Finishing {
            self.phase = Phase::Finished;
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Settled::Done
    }

    /// What TLS itself has to say goes behind the rest, and `close_notify` last of all.
    fn settle_session(&mut self) {
        match &mut self.session {
            Some(session) if self.phase < Phase::Finishing => session.flush(self.outbox.tail()),
            Some(_) if self.phase == Phase::Finishing => self.close_session(),
            _ => {}
        }
    }

    /// `close_notify`, once: nothing can be said behind it.
    fn close_session(&mut self) {
        if let Some(session) = &mut self.session {
            session.close(self.outbox.tail());
        }
    }

    /// The socket does not take bytes any more, perhaps in the middle of a frame: nothing can follow. The reader sees it.
    fn broken(&mut self) {
        self.cut();
        self.outbox = Outbox::default();
        self.phase = Phase::Finished;
    }

    /// Ends it now, whatever is still under way.
    pub(super) fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn say_close(&mut self, code: u16, why: &str) {
        let code = Some(CloseCode::from(code)).filter(|code| code.is_allowed()).unwrap_or(CloseCode::Error);
        let frame = CloseFrame { code, reason: shorten(why).into() };
        let (context, mut wire) = self.context_and_wire();
        let _ = context.close(&mut wire, Some(frame));
    }

    /// Moves what tungstenite has ready into the outbox.
    fn flush_context(&mut self) {
        let (context, mut wire) = self.context_and_wire();
        let _ = context.flush(&mut wire);
    }

    /// For calls that only write: into the outbox, which always has room, so that they cannot fail for want of it.
    fn context_and_wire(&mut self) -> (&mut WebSocketContext, Wire<'_, 'static>) {
        let wire = Wire { input: None, output: self.outbox.tail(), session: self.session.as_mut() };
        (&mut self.context, wire)
    }
}

/// At most the 123 bytes that a Close frame has room for (RFC 6455 5.5).
fn shorten(why: &str) -> &str {
    let mut end = why.len().min(123);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    &why[..end]
}

#[cfg(test)]
mod tests;

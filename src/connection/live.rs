//! What a connection is as long as its socket exists: tungstenite's protocol state, the outbox, the phase.
//!
//! Owns the protocol from the first frame to the FIN. Everything here happens under the connection's lock, and
//! nothing here blocks. Knows no threads and no deadlines: what has to happen later is the connection's to arrange.

use super::{
    controls::Controls,
    frames::{Bytes, Message},
    outbox::Outbox,
    reason::Reason,
    wire::Wire,
};
use crate::config::Config;
use std::{
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Instant,
};
use tungstenite::{
    Error,
    protocol::{CloseFrame, Message as Frame, Role, WebSocketConfig, WebSocketContext, frame::coding::CloseCode},
};

/// Bytes that tungstenite reads at a time from what we have read: small, for it is kept for the connection's life.
const PARSE_BUFFER: usize = 512;

#[derive(Debug)]
pub(super) struct Live {
    stream: Arc<TcpStream>,
    role: Role,
    context: WebSocketContext,
    outbox: Outbox,
    controls: Controls,
    phase: Phase,
    /// Whether the drain watches the socket.
    watched: bool,
    /// When the drain will cut it.
    pub(super) deadline: Option<Instant>,
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
    /// The FIN is sent, or it is the server's to send: what comes is thrown away until theirs does.
    Finished,
}

/// What the bytes that arrived amount to.
pub(super) enum Digest {
    Message(Message),
    /// More bytes are needed.
    Hungry,
    /// Nothing that comes after this matters any more.
    Over(Ending),
}

/// How the peer's side came to its end.
pub(super) enum Ending {
    /// A Close frame.
    Close,
    /// Bytes that are no WebSocket.
    Failure(Error),
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
    pub(super) fn new(role: Role, stream: Arc<TcpStream>, config: &Config) -> Self {
        let limits = WebSocketConfig::default()
            .read_buffer_size(PARSE_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(config.message))
            .max_frame_size(Some(config.message));
        Self {
            stream,
            role,
            context: WebSocketContext::new(role, Some(limits)),
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

    pub(super) fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
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

    pub(super) fn into_reason(self) -> Reason {
        self.reason.unwrap_or(Reason::Lost)
    }

    /// Sends frames, after all that waits.
    pub(super) fn send(&mut self, frames: &[u8]) {
        if self.outbox.send(&self.stream, frames).is_err() {
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
        self.reason.get_or_insert(Reason::ByUs { code });
    }

    /// Fails the connection (RFC 6455 7.1.7): a Close frame, then the FIN.
    pub(super) fn fail(&mut self, code: u16, why: &str, reason: Reason) {
        self.reason.get_or_insert(reason);
        if self.phase == Phase::Open {
            self.say_close(code, why);
        }
        self.phase = Phase::Finishing;
    }

    /// Takes one message out of the bytes that arrived; has Pings answered on the way.
    ///
    /// Not inlined: its frame is large, and shall be gone when the message is handed on (see `server/socket.rs`).
    #[inline(never)]
    pub(super) fn digest(&mut self, input: &mut &[u8], config: &Config) -> Digest {
        while self.phase < Phase::Finishing {
            let mut wire = Wire { input: Some(input), output: self.outbox.tail() };
            match self.context.read(&mut wire) {
                Ok(Frame::Text(text)) if self.phase == Phase::Open => return Digest::Message(Message::Text(text)),
                Ok(Frame::Binary(bytes)) if self.phase == Phase::Open => {
                    return Digest::Message(Message::Binary(bytes));
                }
                Ok(Frame::Ping(_) | Frame::Pong(_)) => self.count_control(config.controls),
                Ok(Frame::Close(frame)) => return self.closing_by_peer(frame),
                Ok(_) => {}
                Err(Error::Io(_)) => return Digest::Hungry,
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
            self.fail(1008, "too many pings", Reason::Failed { code: 1008, what });
        }
    }

    /// The peer's side is at its end, and so is ours. True: with Close frames from both, and the FIN is ours to send; a
    /// client leaves that to the server (RFC 6455 7.1.1).
    pub(super) fn conclude(&mut self, ending: Ending) -> bool {
        match ending {
            Ending::Ours => false,
            Ending::Failure(error) => {
                self.failed_by_peer(&error);
                false
            }
            Ending::Close => {
                self.flush_context();
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
        self.reason.take_if(|said| self.role == Role::Client && matches!(said, Reason::ByUs { .. }));
        self.reason.get_or_insert(Reason::ByPeer { code, reason });
        Digest::Over(Ending::Close)
    }

    /// What came is no WebSocket: say so, and end.
    fn failed_by_peer(&mut self, error: &Error) {
        let (code, why) = match error {
            Error::Capacity(_) => (1009, "message too big"),
            Error::Utf8(_) => (1007, "invalid UTF-8"),
            _ => (1002, "protocol error"),
        };
        self.fail(code, why, Reason::Failed { code, what: error.to_string() });
    }

    /// Sends what the socket takes; when all is sent and all is said, the FIN.
    pub(super) fn settle(&mut self) -> Settled {
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
        (&mut self.context, Wire { input: None, output: self.outbox.tail() })
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
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A connection, and the other end of its socket.
    fn pair() -> (Live, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (stream, _) = listener.accept().expect("a connection");
        (Live::new(Role::Server, Arc::new(stream), &Config::default()), peer)
    }

    /// A Close frame of a client, masked with zeros.
    fn close_frame(code: u16) -> Vec<u8> {
        [&[0x88, 0x82, 0, 0, 0, 0][..], &code.to_be_bytes()].concat()
    }

    #[test]
    fn the_first_close_is_the_reason_even_while_its_answer_waits() {
        let (mut live, _peer) = pair();
        let frame = close_frame(4000);
        assert!(matches!(live.digest(&mut &frame[..], &Config::default()), Digest::Over(Ending::Close)));
        live.close(1001, "going");
        assert!(live.conclude(Ending::Close));
        assert_eq!(live.into_reason(), Reason::ByPeer { code: 4000, reason: String::new() });
    }

    #[test]
    fn a_socket_that_fails_gets_nothing_more() {
        let (mut live, peer) = pair();
        live.cut();
        drop(peer);
        live.send(b"\x81\x02hi");
        live.send(b"\x81\x02hi");
        assert_eq!((live.settle(), live.is_open(), live.waiting()), (Settled::Done, false, 0));
    }

    #[test]
    fn codes_that_must_not_be_sent_are_not() {
        for (asked, sent) in [(1000, 1000_u16), (4999, 4999), (1005, 1011), (1006, 1011), (0, 1011), (5000, 1011)] {
            let (mut live, mut peer) = pair();
            live.close(asked, "");
            live.settle();
            let mut frame = [0; 4];
            peer.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a timeout");
            std::io::Read::read_exact(&mut peer, &mut frame).expect("a Close frame");
            assert_eq!(frame[2..], sent.to_be_bytes(), "{asked}");
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let long = format!("{}\u{e9}", "x".repeat(122));
        for (why, length) in [("", 0), ("bye", 3), (&"x".repeat(200), 123), (&long, 122)] {
            assert_eq!(shorten(why).len(), length);
        }
    }
}

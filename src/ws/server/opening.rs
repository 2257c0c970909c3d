//! What a newcomer asks for: a WebSocket, a page, or something that is refused.
//!
//! Owns the order of the rules, the reading of the request and the writing of an answer that is no upgrade, both with
//! deadlines. Knows no frames: what follows a handshake is a `Life`, which begins with the answer to it.

mod notes;
mod too_often;

use super::{
    Shared,
    ledger::Kind,
    seats::{Full, Seat},
};
use crate::{
    ws::config::Config,
    ws::handshake::{self, HeadError, Negotiated},
    ws::handshake_stream::{self, HandshakeStream},
    ws::http::{Request, Response},
    ws::tls::{Port, Session},
};
use log::debug;
use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long an answer that is no upgrade may take to be read by the client.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What a handshake leads to.
pub(super) struct Opened {
    /// Where the client is: behind a trusted proxy, what that says, and port 0.
    pub(super) addr: SocketAddr,
    pub(super) request: Box<Request>,
    pub(super) protocol: Option<Arc<str>>,
    /// The 101: [`Life::answer`](super::life::Life::answer) sends it.
    pub(super) answer: Vec<u8>,
    /// What came behind the request, unless it is in the session.
    pub(super) input: Vec<u8>,
    /// With TLS.
    pub(super) session: Option<Session>,
}

/// Reads the request, and answers what is no upgrade. `None`: that was it, and it is over.
// Its frame, and what the compiler puts into it, shall not lie below a WebSocket that stays on this thread.
#[inline(never)]
pub(super) fn open(
    id: u64,
    stream: &Arc<TcpStream>,
    addr: SocketAddr,
    port: Option<&Port>,
    seat: &mut Seat,
    shared: &Shared,
) -> Option<Box<Opened>> {
    let deadline = Instant::now() + shared.config.handshake_timeout;
    Newcomer { id, stream, addr, port, seat, shared, deadline }.open()
}

/// Somebody who has come, and what is known so far.
struct Newcomer<'a> {
    id: u64,
    stream: &'a Arc<TcpStream>,
    /// Where the client is. What a trusted proxy says of that, once its request has been read.
    addr: SocketAddr,
    port: Option<&'a Port>,
    seat: &'a mut Seat,
    shared: &'a Shared,
    /// For what it has to say.
    deadline: Instant,
}

/// The answer of a WebSocket, and its subprotocol.
type Upgrade = (Vec<u8>, Option<Arc<str>>);

impl<'a> Newcomer<'a> {
    fn open(mut self) -> Option<Box<Opened>> {
        let mut line = self.secure()?;
        let (mut request, input) = self.read(&mut line)?;
        match self.judge(&mut request) {
            Ok(upgrade) => Some(self.upgrade(line, request, input, upgrade)),
            Err(response) => {
                answer(&mut line, &response, request.method() == "HEAD");
                None
            }
        }
    }

    /// The TLS handshake, where TLS is spoken. `None`: it failed, or this is somebody who speaks none.
    fn secure(&self) -> Option<HandshakeStream<'a>> {
        let Some(session) = self.port.and_then(Port::session) else { return Some(HandshakeStream::plain(self.stream)) };
        if handshake_stream::peek(self.stream, self.deadline).is_some_and(|first| first.is_ascii_alphabetic()) {
            self.note(Kind::NoTls, format_args!("400 plain HTTP where TLS is spoken"));
            refuse_plain(self.stream, self.deadline);
            return None;
        }
        let line = HandshakeStream::secure(self.stream, session, self.deadline);
        line.inspect_err(|why| self.note_failure(why)).ok()
    }

    /// Reads the request, or refuses what is none.
    fn read(&self, line: &mut HandshakeStream<'_>) -> Option<(Box<Request>, Vec<u8>)> {
        match handshake::read_request(line, &self.shared.config, self.deadline) {
            Ok((request, input)) => Some((Box::new(request), input)),
            Err(why) => {
                self.refuse(line, &why);
                None
            }
        }
    }

    /// All rules, one after the other: of this port, of the proxies, of those who come too often, of the handshake.
    ///
    /// # Errors
    /// It is no handshake, or it is refused: the answer to that.
    fn judge(&mut self, request: &mut Request) -> Result<Upgrade, Response> {
        self.check_port(request)?;
        self.follow_proxy(request)?;
        let offers_token = handshake::offers_token(request);
        if offers_token {
            self.check_guesses()?;
        }
        match handshake::negotiate(request, &self.shared.policy) {
            Negotiated::Upgrade { response, protocol } => {
                self.check_openings()?;
                Ok((response, protocol))
            }
            Negotiated::Response(response) => {
                self.note_answer(request, &response);
                if offers_token && response.status == 401 {
                    self.wait_for_turn();
                }
                Err(response)
            }
        }
    }

    /// Where nothing is served in plain, everybody is sent to `https://`.
    fn check_port(&self, request: &Request) -> Result<(), Response> {
        let Some(https) = self.port.and_then(Port::redirect) else { return Ok(()) };
        let response = handshake::redirect(request, &self.shared.policy.access, https);
        self.note_answer(request, &response);
        Err(response)
    }

    /// Behind a trusted proxy, the address that it names counts from now on, and takes a seat of its own.
    fn follow_proxy(&mut self, request: &Request) -> Result<(), Response> {
        if !self.shared.proxies.trusts(self.addr.ip()) {
            return Ok(());
        }
        if let Some(ip) = self.shared.proxies.client_of(request) {
            self.addr = SocketAddr::new(ip, 0);
        }
        self.seat.sit_at(self.addr.ip(), &self.shared.config).map_err(|full: Full| {
            self.shared.ledger.note(full.into(), format_args!("turned {} away with 503: {full}", self.addr));
            handshake::server_full()
        })
    }

    fn upgrade(
        &self,
        mut line: HandshakeStream<'_>,
        request: Box<Request>,
        input: Vec<u8>,
        (answer, protocol): Upgrade,
    ) -> Box<Opened> {
        if protocol.is_none() {
            self.note_unknown_protocols(&request);
        }
        let (session, input) = line.hand_over(input);
        Box::new(Opened { addr: self.addr, request, protocol, answer, input, session })
    }

    /// No request came that could be understood.
    fn refuse(&self, line: &mut HandshakeStream<'_>, why: &HeadError) {
        let kind = match why {
            HeadError::Tls => Kind::Tls,
            HeadError::Deadline => Kind::Slow,
            _ => Kind::Refused,
        };
        match why.response() {
            Some(response) => {
                self.note(kind, format_args!("{} {why}", response.status));
                answer(line, &response, false);
            }
            None => debug!("{}: {why}", self.addr),
        }
    }
}

/// In plain text, for that is what this client understands.
fn refuse_plain(stream: &TcpStream, deadline: Instant) {
    let mut line = HandshakeStream::plain(stream);
    let _ = handshake::read_request(&mut line, &Config::default(), deadline);
    answer(&mut line, &Response::text(400, "This port speaks TLS; use https:// or wss:// here."), false);
}

/// There is no seat for this one: hears its request, for a moment, and answers 503.
pub(super) fn turn_away(stream: &TcpStream, port: Option<&Port>) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let line = match port.and_then(Port::session) {
        None => Ok(HandshakeStream::plain(stream)),
        Some(session) => HandshakeStream::secure(stream, session, deadline),
    };
    if let Ok(mut line) = line {
        let _ = handshake::read_request(&mut line, &Config::default(), deadline);
        answer(&mut line, &handshake::server_full(), false);
    }
}

/// A whole HTTP answer, and the end of the connection, which the client shall see after the answer.
fn answer(line: &mut HandshakeStream<'_>, response: &Response, head_only: bool) {
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let bytes = match line.session.as_ref().and_then(Session::hsts) {
        None => response.to_bytes(head_only),
        Some(seconds) => {
            let hsts = format!("max-age={seconds}");
            response.clone().with("Strict-Transport-Security", hsts).to_bytes(head_only)
        }
    };
    if line.write_until(&bytes, deadline).is_ok() {
        line.hang_up(deadline);
    }
}

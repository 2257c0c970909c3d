//! What a newcomer asks for: a WebSocket, a page, or something that is refused.
//!
//! Owns the reading of the request and the writing of the answer, both with deadlines. These are deep calls. None is
//! inlined, for a WebSocket stays on this thread if there is no other one for it (see `socket`).

use super::{
    Shared,
    ledger::Kind,
    seats::{Full, Seat},
};
use crate::{
    handshake::{self, Decision, HeadError, Limits},
    http::{Request, Response},
    line::{self, Line},
    tls::{Port, Session},
};
use log::{debug, error};
use std::{
    io,
    net::{SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
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
    /// What came behind the request, unless it is in the session.
    pub(super) input: Vec<u8>,
    /// With TLS.
    pub(super) session: Option<Session>,
}

/// Reads the request and answers it. `None`: it was no handshake.
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
    let mut line = secure(stream, addr, port, shared, deadline)?;
    let line = &mut line;
    let (mut request, input) = read(line, addr, shared, deadline)?;
    if let Some(https) = port.and_then(Port::redirect) {
        let response = handshake::redirect(&request, &shared.policy.access, https);
        note_answer(&request, &response, addr, shared);
        answer(line, &response, request.method() == "HEAD");
        return None;
    }
    let addr = match forwarded(addr, &request, seat, shared) {
        Ok(addr) => addr,
        Err(full) => {
            answer(line, &full, false);
            return None;
        }
    };
    let offers_token = handshake::offers_token(&request);
    if offers_token && shared.guesses.too_many(addr.ip(), shared.config.wrong_token_pause, Instant::now()) {
        shared.ledger.note(Kind::Tokens, format_args!("{addr}: 429, too many wrong access tokens"));
        answer(line, &handshake::too_many_tokens(), false);
        return None;
    }
    match decide(&mut request, addr, shared) {
        Decision::Upgrade { .. } if !may_open(addr, shared) => {
            answer(line, &handshake::full(), false);
            None
        }
        Decision::Upgrade { response, protocol } => {
            line.write_until(&response, deadline).ok()?;
            if protocol.is_none() {
                note_unknown_protocols(&request, addr);
            }
            let (session, input) = line.hand_over(input);
            Some(Box::new(Opened { addr, request, protocol, input, session }))
        }
        Decision::Answer(response) => {
            note_answer(&request, &response, addr, shared);
            if offers_token && response.status == 401 {
                seat.settle();
                shared.guests.sit_down(id, stream);
                shared.guests.wait(shared.guesses.one_more(addr.ip(), shared.config.wrong_token_pause, Instant::now()));
            }
            answer(line, &response, request.method() == "HEAD");
            None
        }
    }
}

/// The TLS handshake, where TLS is spoken. `None`: it failed, or this is somebody who speaks none.
#[inline(never)]
fn secure<'a>(
    stream: &'a TcpStream,
    addr: SocketAddr,
    port: Option<&Port>,
    shared: &Shared,
    deadline: Instant,
) -> Option<Line<'a>> {
    let Some(session) = port.and_then(Port::session) else { return Some(Line::plain(stream)) };
    if line::peek(stream, deadline).is_some_and(|first| first.is_ascii_alphabetic()) {
        shared.ledger.note(Kind::NoTls, format_args!("{addr}: 400 plain HTTP where TLS is spoken"));
        refuse_plain(stream, deadline);
        return None;
    }
    match Line::secure(stream, session, deadline) {
        Ok(line) => Some(line),
        Err(why) => {
            note_failure(addr, shared, &why);
            None
        }
    }
}

/// In plain text, for that is what this client understands.
#[inline(never)]
fn refuse_plain(stream: &TcpStream, deadline: Instant) {
    let mut line = Line::plain(stream);
    let _ = handshake::read_head(&mut line, &Limits::default(), deadline);
    answer(&mut line, &Response::text(400, "This port speaks TLS; use https:// or wss:// here."), false);
}

/// Half of the internet tries old versions and other tricks on each TLS port: that is counted, not shouted.
#[inline(never)]
fn note_failure(addr: SocketAddr, shared: &Shared, why: &io::Error) {
    let kind = match why.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Kind::Slow,
        _ => Kind::Handshake,
    };
    match kind {
        Kind::Slow => shared.ledger.note(kind, format_args!("{addr}: the TLS handshake was not done in time")),
        _ => shared.ledger.note(kind, format_args!("{addr}: the TLS handshake failed: {why}")),
    }
}

/// Reads the request, or refuses what is none.
#[inline(never)]
fn read(line: &mut Line<'_>, addr: SocketAddr, shared: &Shared, deadline: Instant) -> Option<(Box<Request>, Vec<u8>)> {
    let limits = Limits { bytes: shared.config.head, fields: shared.config.fields };
    match handshake::read_head(line, &limits, deadline) {
        Ok((request, input)) => Some((Box::new(request), input)),
        Err(why) => {
            refuse(line, addr, shared, &why);
            None
        }
    }
}

/// As many as may be open at once from one address may be opened in ten seconds: who closes and opens again and again
/// gains nothing by it.
fn may_open(addr: SocketAddr, shared: &Shared) -> bool {
    let (ip, most) = (addr.ip(), shared.config.connections_per_address);
    if most == 0 || ip.to_canonical().is_loopback() {
        return true;
    }
    let pause = Duration::from_secs(10) / u32::try_from(most).unwrap_or(u32::MAX);
    let now = Instant::now();
    if shared.opened.too_many(ip, pause, now) {
        shared.ledger.note(Kind::Address, format_args!("turned {addr} away with 503: it opens WebSockets too often"));
        return false;
    }
    shared.opened.one_more(ip, pause, now);
    true
}

/// Behind a trusted proxy, the address that it names, which takes a seat of its own.
#[inline(never)]
fn forwarded(addr: SocketAddr, request: &Request, seat: &mut Seat, shared: &Shared) -> Result<SocketAddr, Response> {
    if !shared.proxies.trusts(addr.ip()) {
        return Ok(addr);
    }
    let client = shared.proxies.client_of(request).map_or(addr, |ip| SocketAddr::new(ip, 0));
    seat.sit_at(client.ip(), &shared.config).map(|()| client).map_err(|full: Full| {
        shared.ledger.note(full.into(), format_args!("turned {client} away with 503: {full}"));
        handshake::full()
    })
}

/// The answer. The site is the user's own code: a panic in it is this request's alone.
fn decide(request: &mut Request, addr: SocketAddr, shared: &Shared) -> Decision {
    catch_unwind(AssertUnwindSafe(|| handshake::decide(request, &shared.policy))).unwrap_or_else(|_| {
        error!("{addr}: {} {:?}: the answer to it panicked", request.method(), request.uri().path());
        Decision::Answer(Response::text(500, "This server has a bug; its log says more."))
    })
}

/// Who is not let in is counted; the rest is for those who look closely.
#[inline(never)]
fn note_answer(request: &Request, response: &Response, addr: SocketAddr, shared: &Shared) {
    let (status, method, path) = (response.status, request.method(), request.uri().path());
    match status {
        401 | 403 | 421 => {
            let why = String::from_utf8_lossy(&response.body);
            shared.ledger.note(Kind::NotLetIn, format_args!("{addr}: {status} {}", why.trim_end().escape_debug()));
        }
        _ => debug!("{addr}: {method} {path:?} answered {status}"),
    }
}

/// A client that names only subprotocols we do not know gets none (RFC 6455 4.2.2); a browser then ends it.
#[inline(never)]
fn note_unknown_protocols(request: &Request, addr: SocketAddr) {
    for names in request.headers().get_all("Sec-WebSocket-Protocol") {
        debug!("{addr}: no subprotocol that is known here among {names:?}");
    }
}

/// No request came that could be understood.
#[inline(never)]
fn refuse(line: &mut Line<'_>, addr: SocketAddr, shared: &Shared, why: &HeadError) {
    let kind = match why {
        HeadError::Tls => Kind::Tls,
        HeadError::Deadline => Kind::Slow,
        _ => Kind::Refused,
    };
    match why.response() {
        Some(response) => {
            shared.ledger.note(kind, format_args!("{addr}: {} {why}", response.status));
            answer(line, &response, false);
        }
        None => debug!("{addr}: {why}"),
    }
}

/// There is no seat for this one: hears its request, for a moment, and answers 503.
pub(super) fn turn_away(stream: &TcpStream, port: Option<&Port>) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let line = match port.and_then(Port::session) {
        None => Ok(Line::plain(stream)),
        Some(session) => Line::secure(stream, session, deadline),
    };
    if let Ok(mut line) = line {
        let _ = handshake::read_head(&mut line, &Limits::default(), deadline);
        answer(&mut line, &handshake::full(), false);
    }
}

/// A whole HTTP answer, and the end of the connection, which the client shall see after the answer.
#[inline(never)]
fn answer(line: &mut Line<'_>, response: &Response, head_only: bool) {
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

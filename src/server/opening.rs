//! What a newcomer asks for: a WebSocket, a page, or something that is refused.
//!
//! Owns the reading of the request and the writing of the answer, both with deadlines. These are deep calls that run
//! once: none is inlined, so that their stack is not kept during the long wait that follows (see `socket`).

use super::{
    Shared,
    ledger::Kind,
    seats::{Full, Seat},
};
use crate::{
    handshake::{self, Decision, HeadError, Limits},
    http::{Request, Response},
};
use log::{debug, error};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
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
    /// What came behind the request.
    pub(super) input: Vec<u8>,
}

/// Reads the request and answers it. `None`: it was no handshake.
#[inline(never)]
pub(super) fn open(stream: &TcpStream, addr: SocketAddr, seat: &mut Seat, shared: &Shared) -> Option<Box<Opened>> {
    let _ = stream.set_nodelay(true);
    let deadline = Instant::now() + shared.config.handshake_timeout;
    let (mut request, input) = read(stream, addr, shared, deadline)?;
    let addr = match forwarded(addr, &request, seat, shared) {
        Ok(addr) => addr,
        Err(full) => {
            answer(stream, &full, false);
            return None;
        }
    };
    let offers_token = handshake::offers_token(&request);
    if offers_token && shared.guesses.too_many(addr.ip(), shared.config.wrong_token_pause, Instant::now()) {
        shared.ledger.note(Kind::Tokens, format_args!("{addr}: 429, too many wrong access tokens"));
        answer(stream, &handshake::too_many_tokens(), false);
        return None;
    }
    match decide(&mut request, addr, shared) {
        Decision::Upgrade { .. } if !may_open(addr, shared) => {
            answer(stream, &handshake::full(), false);
            None
        }
        Decision::Upgrade { response, protocol } => {
            write_until(stream, &response, deadline).ok()?;
            if protocol.is_none() {
                note_unknown_protocols(&request, addr);
            }
            Some(Box::new(Opened { addr, request, protocol, input }))
        }
        Decision::Answer(response) => {
            note_answer(&request, &response, addr, shared);
            if offers_token && response.status == 401 {
                seat.settle();
                shared.guests.wait(shared.guesses.one_more(addr.ip(), shared.config.wrong_token_pause, Instant::now()));
            }
            answer(stream, &response, request.method() == "HEAD");
            None
        }
    }
}

/// Reads the request, or refuses what is none.
#[inline(never)]
fn read(stream: &TcpStream, addr: SocketAddr, shared: &Shared, deadline: Instant) -> Option<(Box<Request>, Vec<u8>)> {
    let limits = Limits { bytes: shared.config.head, fields: shared.config.fields };
    match handshake::read_head(&mut &*stream, &limits, deadline) {
        Ok((request, input)) => Some((Box::new(request), input)),
        Err(why) => {
            refuse(stream, addr, shared, &why);
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
    if shared.openings.too_many(ip, pause, now) {
        shared.ledger.note(Kind::Address, format_args!("turned {addr} away with 503: it opens WebSockets too often"));
        return false;
    }
    shared.openings.one_more(ip, pause, now);
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
fn refuse(stream: &TcpStream, addr: SocketAddr, shared: &Shared, why: &HeadError) {
    let kind = match why {
        HeadError::Tls => Kind::Tls,
        HeadError::Deadline => Kind::Slow,
        _ => Kind::Refused,
    };
    match why.response() {
        Some(response) => {
            shared.ledger.note(kind, format_args!("{addr}: {} {why}", response.status));
            answer(stream, &response, false);
        }
        None => debug!("{addr}: {why}"),
    }
}

/// There is no seat for this one: hears its request, for a moment, and answers 503.
pub(super) fn turn_away(stream: &TcpStream) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let _ = handshake::read_head(&mut &*stream, &Limits::default(), deadline);
    answer(stream, &handshake::full(), false);
}

/// A whole HTTP answer, and the end of the connection, which the client shall see after the answer.
#[inline(never)]
fn answer(mut stream: &TcpStream, response: &Response, head_only: bool) {
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    if write_until(stream, &response.to_bytes(head_only), deadline).is_err() {
        return;
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut ignored = [0; 512];
    while set_timeout(deadline, |left| stream.set_read_timeout(left)).is_ok() {
        match stream.read(&mut ignored) {
            Ok(1..) => {}
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// As `write_all`, with a deadline for all of it.
fn write_until(mut stream: &TcpStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        set_timeout(deadline, |left| stream.set_write_timeout(left))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Sets what is left of the time as a timeout.
fn set_timeout(deadline: Instant, set: impl Fn(Option<Duration>) -> io::Result<()>) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    // The socket counts in microseconds, and 0 of them would mean for ever.
    set(Some(left.max(Duration::from_micros(1))))
}

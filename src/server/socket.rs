//! The thread of one socket: handshake, then messages until the end.
//!
//! Owns the order of a connection's life: `Connected` first, `Disconnected` once and last, a panic included.
//!
//! A thread keeps every page of its stack that it ever touched, and there may be thousands of threads. So the deep
//! parts, which run once, are functions that are not inlined: their frames are gone before the long wait begins.

use super::{Event, Shared, ledger::Kind, seats::Seat};
use crate::{
    connection::{Connection, Reader, Reason},
    handshake::{self, Decision, HeadError, Limits},
    http::{Request, Response},
    peer::Peer,
};
use log::{debug, error, trace};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long an answer that is no upgrade may take to be read by the client.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The thread.
pub(super) fn run(id: u64, stream: Arc<TcpStream>, addr: SocketAddr, mut seat: Seat, shared: &Arc<Shared>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let Some(opened) = open(&stream, addr, shared) else { return };
        seat.settle();
        live(id, stream, addr, opened, shared);
    }));
    shared.guests.leave(id);
    if outcome.is_err() {
        report_panic(id, addr);
    }
}

/// From the end of the handshake to the end.
#[inline(never)]
fn live(id: u64, stream: Arc<TcpStream>, addr: SocketAddr, opened: Box<Opened>, shared: &Arc<Shared>) {
    let Opened { request, protocol, input } = *opened;
    let (connection, reader) =
        Connection::new(id, stream, input, Arc::clone(&shared.config), Arc::clone(&shared.drain));
    if !shared.guests.open(id, &connection) {
        connection.close(1001, "the server is shutting down");
    }
    debug!("connection {id} from {addr}: open, subprotocol {protocol:?}");
    let peer = Peer::new(id, addr, protocol, Arc::clone(&connection));
    let outcome = catch_unwind(AssertUnwindSafe(|| pump(&peer, request, reader, shared)));
    let mut reason = connection.end();
    if outcome.is_err() {
        report_panic(id, addr);
        reason = Reason::Panicked;
    }
    debug!("connection {id} from {addr}: {reason}");
    count(shared, &peer, &reason);
    shared.guests.leave(id);
    // The channel is gone when the server is: then nobody wants to know.
    let _ = shared.send(Event::Disconnected(peer, reason));
}

#[inline(never)]
fn report_panic(id: u64, addr: SocketAddr) {
    error!("connection {id} from {addr}: its thread panicked; please report this");
}

/// Messages, from the socket into the central channel. When the channel is full this waits, thus does not read, thus
/// TCP slows the client down.
#[inline(never)]
fn pump(peer: &Peer, request: Box<Request>, mut reader: Reader, shared: &Shared) {
    if !shared.send(Event::Connected(peer.clone(), request)) {
        return;
    }
    while let Some(message) = reader.next() {
        trace!("connection {}: {message:?}", peer.id());
        if !shared.send(Event::Message(peer.with_message(), message)) {
            return;
        }
    }
}

fn count(shared: &Shared, peer: &Peer, reason: &Reason) {
    let kind = match reason {
        Reason::TooSlow => Kind::TooSlow,
        Reason::Silent => Kind::Silent,
        Reason::Failed { .. } => Kind::Failed,
        _ => return,
    };
    shared.ledger.note(kind, format_args!("dropped connection {} from {}: {reason}", peer.id(), peer.addr()));
}

/// What a handshake leads to.
struct Opened {
    request: Box<Request>,
    protocol: Option<Arc<str>>,
    input: Vec<u8>,
}

/// The handshake. `None`: it was no handshake, and has been answered.
#[inline(never)]
fn open(stream: &TcpStream, addr: SocketAddr, shared: &Shared) -> Option<Box<Opened>> {
    let _ = stream.set_nodelay(true);
    let deadline = Instant::now() + shared.config.handshake_timeout;
    let limits = Limits { bytes: shared.config.head, fields: shared.config.fields };
    let (mut request, input) = match handshake::read_head(&mut &*stream, &limits, deadline) {
        Ok(head) => head,
        Err(why) => {
            refuse(stream, addr, shared, &why);
            return None;
        }
    };
    match decide(&mut request, addr, shared) {
        Decision::Upgrade { response, protocol } => {
            write_until(stream, &response, deadline).ok()?;
            if protocol.is_none() {
                note_unknown_protocols(&request, addr);
            }
            Some(Box::new(Opened { request: Box::new(request), protocol, input }))
        }
        Decision::Answer(response) => {
            debug!("{addr}: {} {:?} answered {}", request.method(), request.uri().path(), response.status);
            answer(stream, &response, request.method() == "HEAD");
            None
        }
    }
}

/// The answer. The site is the user's own code: a panic in it is this request's alone.
fn decide(request: &mut Request, addr: SocketAddr, shared: &Shared) -> Decision {
    catch_unwind(AssertUnwindSafe(|| handshake::decide(request, &shared.policy))).unwrap_or_else(|_| {
        error!("{addr}: {} {:?}: the answer to it panicked", request.method(), request.uri().path());
        Decision::Answer(Response::text(500, "This server has a bug; its log says more."))
    })
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
    match why.response() {
        Some(response) => {
            shared.ledger.note(Kind::Refused, format_args!("{addr}: {} {why}", response.status));
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
    set(Some(left))
}

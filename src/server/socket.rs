//! The thread of one socket: its opening, then messages until the end.
//!
//! Owns the order of a connection's life: `Connected` first, `Disconnected` once and last, a panic included.
//!
//! A thread keeps every page of its stack that it ever touched, and there may be thousands of threads. So the deep
//! parts, which run once, are functions that are not inlined: their frames are gone before the long wait begins.

use super::{
    Event, Shared,
    ledger::Kind,
    opening::{self, Opened},
    seats::Seat,
};
use crate::{
    connection::{Connection, Reader, Reason, Role},
    http::Request,
    peer::Peer,
    tls::Port,
};
use log::{debug, error, trace};
use std::{
    net::{SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The thread.
pub(super) fn run(
    id: u64,
    stream: Arc<TcpStream>,
    addr: SocketAddr,
    port: Option<&Port>,
    mut seat: Seat,
    shared: &Arc<Shared>,
) {
    let opened = catch_unwind(AssertUnwindSafe(|| opening::open(id, &stream, addr, port, &mut seat, shared)));
    match opened {
        Ok(Some(opened)) if opened.session.is_some() => stay_elsewhere(id, stream, addr, opened, seat, shared),
        Ok(Some(opened)) => stay(id, stream, addr, opened, seat, shared),
        Ok(None) => shared.guests.leave(id),
        Err(_) => {
            shared.guests.leave(id);
            report_panic(id, addr);
        }
    }
}

/// The handshake of TLS is deep, and leaves twice as much behind as all the rest: on its stack, and in what the allocator
/// keeps for its thread. So the connection lives on another thread, and this one is there for the next handshake.
#[inline(never)]
fn stay_elsewhere(
    id: u64,
    stream: Arc<TcpStream>,
    addr: SocketAddr,
    opened: Box<Opened>,
    seat: Seat,
    shared: &Arc<Shared>,
) {
    let thread_shared = Arc::clone(shared);
    if let Err(why) = shared.threads.run_afresh(move || stay(id, stream, addr, opened, seat, &thread_shared)) {
        shared.guests.leave(id);
        shared.ledger.note(Kind::Exhausted, format_args!("dropped {addr}: no thread: {why}"));
    }
}

/// A WebSocket, to its end.
fn stay(id: u64, stream: Arc<TcpStream>, addr: SocketAddr, opened: Box<Opened>, mut seat: Seat, shared: &Arc<Shared>) {
    seat.settle();
    let outcome = catch_unwind(AssertUnwindSafe(|| live(id, stream, opened, shared)));
    shared.guests.leave(id);
    if outcome.is_err() {
        report_panic(id, addr);
    }
}

/// From the end of the handshake to the end.
#[expect(clippy::boxed_local, reason = "unboxed by the caller, it would lie in the caller's frame as well")]
#[inline(never)]
fn live(id: u64, stream: Arc<TcpStream>, opened: Box<Opened>, shared: &Arc<Shared>) {
    let Opened { addr, request, protocol, input, session } = *opened;
    let (connection, reader) = Connection::new(
        id,
        Role::Server,
        stream,
        session,
        input,
        Arc::clone(&shared.config),
        Arc::clone(&shared.drain),
    );
    if !shared.guests.open(id, &connection) {
        connection.close(1001, "the server is shutting down");
    }
    let peer = Peer::new(id, addr, protocol, Arc::clone(&connection));
    report_open(&peer);
    let outcome = catch_unwind(AssertUnwindSafe(|| pump(&peer, request, reader, shared)));
    let mut reason = connection.end();
    if outcome.is_err() {
        report_panic(id, addr);
        reason = Reason::Panicked;
    }
    report_end(shared, &peer, &reason);
    shared.guests.leave(id);
    // The channel is gone when the server is: then nobody wants to know.
    let _ = shared.send(Event::Disconnected(peer, reason));
}

#[inline(never)]
fn report_open(peer: &Peer) {
    debug!("connection {} from {}: open, subprotocol {:?}", peer.id(), peer.addr(), peer.protocol());
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

#[inline(never)]
fn report_end(shared: &Shared, peer: &Peer, reason: &Reason) {
    debug!("connection {} from {}: {reason}", peer.id(), peer.addr());
    let kind = match reason {
        Reason::TooSlow => Kind::TooSlow,
        Reason::Silent => Kind::Silent,
        Reason::Failed { .. } => Kind::Failed,
        _ => return,
    };
    shared.ledger.note(kind, format_args!("dropped connection {} from {}: {reason}", peer.id(), peer.addr()));
}

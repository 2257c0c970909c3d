//! The thread of a socket: first one for its opening, then another one for the rest.
//!
//! Owns which thread does what. A thread keeps every page of its stack that it ever touched, and whatever its allocator
//! has put aside for it. The handshake is deep (that of TLS most of all) and leaves much behind; waiting for messages is
//! not, and does not. So handshakes are done on few threads, again and again, and a WebSocket lives on another one:
//! measured; ARCHITECTURE.md says how much.
//! One that is gone again soon never moves (see `visits`).

use super::{
    Shared,
    ledger::Kind,
    life::Life,
    opening::{self, Opened},
    seats::Seat,
    threads::NoThread,
};
use crate::ws::tls::Port;
use log::error;
use std::{
    net::{SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The thread of the opening.
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
        Ok(Some(opened)) => stay(id, stream, opened, seat, shared),
        Ok(None) => shared.guests.leave(id),
        Err(_) => panicked(id, addr, shared),
    }
}

/// It is a WebSocket now, and moves to where it lives, if it is not gone soon; it stays here, if there is no thread to move to.
fn stay(id: u64, stream: Arc<TcpStream>, opened: Box<Opened>, mut seat: Seat, shared: &Arc<Shared>) {
    seat.settle();
    let addr = opened.addr;
    let begun = catch_unwind(AssertUnwindSafe(|| Life::begin(id, stream, opened, seat, shared)));
    let Ok(life) = begun else { return panicked(id, addr, shared) };
    let Some(life) = life.answer() else { return };
    let Some(life) = shared.visits.host(life, Life::visit) else { return };
    if let Err(NoThread { why, work }) = shared.lives.run(move || life.run()) {
        shared.ledger.note(Kind::Exhausted, format_args!("no thread for {addr} but that of its handshake: {why}"));
        work();
    }
}

#[inline(never)]
fn panicked(id: u64, addr: SocketAddr, shared: &Shared) {
    shared.guests.leave(id);
    error!("connection {id} from {addr}: its thread panicked; please report this");
}

//! The listener's thread: accepts, finds a seat, starts a thread for each socket.
//!
//! Owns the loop that must neither end nor spin, whatever the operating system runs out of.

use super::{Shared, ledger::Kind, seats::Full, socket};
use crate::handshake;
use log::{debug, warn};
use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use std::{
    fs::File,
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

/// How long to wait for somebody to leave before trying again, when there is nothing left to accept with. At most 50
/// tries a second cost next to nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// Newcomers without a seat who are given the time to say what they want, so that they can read their 503.
const PORTERS: usize = 16;

/// The thread of one listener. It ends when the doors are closed.
pub(super) fn run(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut reserve = File::open("/dev/null").ok();
    loop {
        let accepted = listener.accept();
        if shared.guests.closed() {
            return;
        }
        match accepted {
            Ok((stream, addr)) => welcome(stream, addr, shared),
            Err(why) if is_exhaustion(&why) => {
                shared.ledger.note(Kind::Exhausted, format_args!("cannot accept: {why}"));
                turn_away_with(&mut reserve, listener);
                shared.seats.wait_for_one(PAUSE);
            }
            // The newcomer is gone already, or a signal came: the next one, please.
            Err(why)
                if matches!(
                    why.raw_os_error().map(Errno::from_raw_os_error),
                    Some(Errno::CONNABORTED | Errno::INTR)
                ) =>
            {
                debug!("accept: {why}");
            }
            Err(why) => {
                warn!("cannot accept: {why}");
                shared.seats.wait_for_one(PAUSE);
            }
        }
    }
}

/// A thread of its own for the newcomer, or a 503.
fn welcome(stream: TcpStream, addr: SocketAddr, shared: &Arc<Shared>) {
    let seat = match shared.seats.take(addr.ip(), &shared.config) {
        Ok(seat) => seat,
        Err(full) => {
            shared.ledger.note(kind(full), format_args!("turned {addr} away with 503: {}", sentence(full)));
            return turn_away_politely(stream, shared);
        }
    };
    let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
    let stream = Arc::new(stream);
    if !shared.guests.knock(id, &stream) {
        return;
    }
    let thread_shared = Arc::clone(shared);
    let thread_stream = Arc::clone(&stream);
    let spawned = thread::Builder::new()
        .name(format!("socket-{id}"))
        .stack_size(shared.config.stack)
        .spawn(move || socket::run(id, thread_stream, addr, seat, &thread_shared));
    if let Err(why) = spawned {
        shared.guests.leave(id);
        shared.ledger.note(Kind::Exhausted, format_args!("turned {addr} away with 503: no thread: {why}"));
        turn_away(&stream);
    }
}

/// No seat: hears the request before it answers 503, unless too many are being heard already.
fn turn_away_politely(stream: TcpStream, shared: &Arc<Shared>) {
    if shared.porters.fetch_add(1, Ordering::Relaxed) < PORTERS {
        let stream = Arc::new(stream);
        let (thread_stream, thread_shared) = (Arc::clone(&stream), Arc::clone(shared));
        let work = move || {
            socket::turn_away(&thread_stream);
            thread_shared.porters.fetch_sub(1, Ordering::Relaxed);
        };
        if thread::Builder::new().name("porter".into()).stack_size(shared.config.stack).spawn(work).is_ok() {
            return;
        }
        turn_away(&stream);
    } else {
        turn_away(&stream);
    }
    shared.porters.fetch_sub(1, Ordering::Relaxed);
}

/// Out of descriptors: the one kept in reserve lets the newcomer have a word instead of silence.
fn turn_away_with(reserve: &mut Option<File>, listener: &TcpListener) {
    drop(reserve.take());
    // The newcomer is there, or else accept would not have failed; if it left meanwhile, this waits for the next one.
    if let Ok((stream, _)) = listener.accept() {
        turn_away(&stream);
    }
    *reserve = File::open("/dev/null").ok();
}

/// A 503, as far as that goes without waiting. The request that is there is read: unread, it would turn the end of
/// the connection into a reset, which destroys the answer.
fn turn_away(stream: &TcpStream) {
    let _ = recv(stream, &mut [0; 1024][..], RecvFlags::DONTWAIT);
    let _ = send(stream, &handshake::full().to_bytes(false), SendFlags::DONTWAIT);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = recv(stream, &mut [0; 1024][..], RecvFlags::DONTWAIT);
}

fn is_exhaustion(why: &io::Error) -> bool {
    let errno = why.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

fn kind(full: Full) -> Kind {
    match full {
        Full::Connections => Kind::Connections,
        Full::Address => Kind::Address,
        Full::Handshakes => Kind::Handshakes,
    }
}

fn sentence(full: Full) -> &'static str {
    match full {
        Full::Connections => "too many connections",
        Full::Address => "too many connections from its address",
        Full::Handshakes => "too many handshakes in progress",
    }
}

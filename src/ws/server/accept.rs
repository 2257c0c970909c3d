//! The listener's thread: accepts, finds a seat, has a thread greet each socket.
//!
//! Owns the loop that must neither end nor spin, whatever the operating system runs out of.

use super::{
    Shared,
    entrance::Entrance,
    ledger::Kind,
    opening,
    seats::{Full, Seat},
    socket,
    threads::NoThread,
};
use crate::{ws::handshake, ws::spawn::spawn, ws::tcp::send_now, ws::tls::Port};
use log::debug;
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    fs::File,
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long to wait for somebody to leave before trying again, when there is nothing left to accept with. At most 50
/// tries a second cost next to nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a handshake may take without being cut when others wait for its place.
const UNHURRIED: Duration = Duration::from_secs(1);

/// Newcomers without a seat who are given the time to say what they want, so that they can read their 503.
const PORTERS: usize = 16;

/// A descriptor to be given up when there are no others.
pub(super) fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// The thread of one listener. It ends when the doors are closed.
pub(super) fn run(index: usize, shared: &Arc<Shared>, reserve: &mut Option<File>) {
    let listener = &shared.entrances[index].listener;
    loop {
        let accepted = listener.accept();
        if shared.guests.closed() {
            return;
        }
        match accepted {
            Ok((stream, addr)) => welcome(stream, addr, index, shared),
            Err(why) if is_exhaustion(&why) => accept_with(reserve, index, &why, shared),
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
                shared.ledger.note(Kind::Exhausted, format_args!("cannot accept: {why}"));
                shared.seats.wait_for_one(PAUSE);
            }
        }
    }
}

/// A thread of its own for the newcomer, or a 503.
fn welcome(stream: TcpStream, addr: SocketAddr, index: usize, shared: &Arc<Shared>) {
    let port = shared.entrances[index].port.as_ref();
    let seat = match find_seat(addr, shared) {
        Ok(seat) => seat,
        Err(full) => {
            shared.ledger.note(full.into(), format_args!("turned {addr} away with 503: {full}"));
            return turn_away_politely(stream, port, shared);
        }
    };
    let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
    let stream = Arc::new(stream);
    if !shared.guests.knock(id, &stream) {
        return;
    }
    let thread_shared = Arc::clone(shared);
    let thread_stream = Arc::clone(&stream);
    let started = shared.openings.run(move || {
        let port = thread_shared.entrances[index].port.as_ref();
        socket::run(id, thread_stream, addr, port, seat, &thread_shared);
    });
    if let Err(NoThread { why, work }) = started {
        drop(work);
        shared.guests.leave(id);
        shared.ledger.note(Kind::Exhausted, format_args!("turned {addr} away with 503: no thread: {why}"));
        turn_away_within(&stream, port, PAUSE);
        drop(stream);
        shared.seats.wait_for_one(PAUSE);
    }
}

/// A seat; with too many handshakes in progress, that of the slowest one.
fn find_seat(addr: SocketAddr, shared: &Shared) -> Result<Seat, Full> {
    // Whom a proxy speaks for is known when its request has been read.
    let address = Some(addr.ip()).filter(|ip| !shared.proxies.trusts(*ip));
    match shared.seats.take(address, &shared.config) {
        Err(Full::Handshakes) if shared.guests.cut_slowest(UNHURRIED) => {
            shared.ledger.note(Kind::Slow, format_args!("cut the slowest handshake, to make room for {addr}"));
            shared.seats.wait_for_one(PAUSE);
            shared.seats.take(address, &shared.config)
        }
        found => found,
    }
}

/// No seat: hears the request before it answers 503, unless too many are being heard already.
fn turn_away_politely(stream: TcpStream, port: Option<&Port>, shared: &Arc<Shared>) {
    if shared.porters.fetch_add(1, Ordering::Relaxed) < PORTERS {
        let stream = Arc::new(stream);
        // Not all that is shared: nobody waits for the porters when the server ends.
        let (thread_stream, porters) = (Arc::clone(&stream), Arc::clone(&shared.porters));
        let thread_port = port.cloned();
        let work = Box::new(move || {
            // A panic, which is a bug, shall not cost a porter for ever.
            let _ = catch_unwind(AssertUnwindSafe(|| opening::turn_away(&thread_stream, thread_port.as_ref())));
            porters.fetch_sub(1, Ordering::Relaxed);
        });
        if spawn("porter", shared.config.stack_size, work).is_ok() {
            return;
        }
        turn_away(&stream, port);
    } else {
        turn_away(&stream, port);
    }
    shared.porters.fetch_sub(1, Ordering::Relaxed);
}

/// Out of descriptors, which the operating system says before anybody has come. With the one kept in reserve, this
/// waits for the next newcomer: who is let in if somebody else has left by then, or hears a 503 instead of silence.
fn accept_with(reserve: &mut Option<File>, index: usize, why: &io::Error, shared: &Arc<Shared>) {
    let Entrance { listener, port } = &shared.entrances[index];
    drop(reserve.take());
    let accepted = listener.accept();
    *reserve = self::reserve();
    match accepted {
        Ok((stream, addr)) if reserve.is_some() => return welcome(stream, addr, index, shared),
        Ok((stream, addr)) => {
            shared.ledger.note(Kind::Exhausted, format_args!("turned {addr} away with 503: {why}"));
            turn_away_within(&stream, port.as_ref(), PAUSE);
        }
        Err(again) if shared.guests.closed() => debug!("{again}"),
        Err(again) => shared.ledger.note(Kind::Exhausted, format_args!("cannot accept: {again}")),
    }
    if reserve.is_none() {
        *reserve = self::reserve();
    }
    shared.seats.wait_for_one(PAUSE);
}

/// As [`turn_away`], with a moment's time for the request to come.
fn turn_away_within(stream: &TcpStream, port: Option<&Port>, most: Duration) {
    let came = stream.set_read_timeout(Some(most)).and_then(|()| stream.peek(&mut [0]));
    debug!("its request: {came:?}");
    turn_away(stream, port);
}

/// A 503, as far as that goes without waiting. The request that is there is read: unread, it would turn the end of
/// the connection into a reset, which destroys the answer.
fn turn_away(stream: &TcpStream, port: Option<&Port>) {
    let _ = recv(stream, &mut [0; 1024][..], RecvFlags::DONTWAIT);
    let _ = match port.and_then(Port::busy) {
        None => send_now(stream, &handshake::server_full().to_bytes(false)),
        Some(alert) => send_now(stream, alert),
    };
    let _ = stream.shutdown(Shutdown::Write);
    let _ = recv(stream, &mut [0; 1024][..], RecvFlags::DONTWAIT);
}

fn is_exhaustion(why: &io::Error) -> bool {
    let errno = why.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

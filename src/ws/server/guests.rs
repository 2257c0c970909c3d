//! Everybody who is in, so that a shutdown reaches them.
//!
//! Owns the list, and the word whether newcomers are still let in.

use crate::ws::connection::Connection;
use std::{
    collections::HashMap,
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How far one has come.
#[derive(Debug)]
enum Guest {
    /// In its handshake, since then.
    Knocking(Arc<TcpStream>, Instant),
    /// Its request was heard, and it has to wait for the answer: it takes no place from those in their handshakes.
    Waiting(Arc<TcpStream>),
    /// A WebSocket.
    Open(Arc<Connection>),
}

#[derive(Debug, Default)]
pub(super) struct Guests {
    list: Mutex<List>,
    closing: Condvar,
}

#[derive(Debug, Default)]
struct List {
    closed: bool,
    guests: HashMap<u64, Guest>,
}

impl Guests {
    /// A newcomer. False: the doors are closed.
    pub(super) fn knock(&self, id: u64, stream: &Arc<TcpStream>) -> bool {
        self.put(id, Guest::Knocking(Arc::clone(stream), Instant::now()))
    }

    /// It is not in its handshake any more, and waits for its answer.
    pub(super) fn sit_down(&self, id: u64, stream: &Arc<TcpStream>) {
        self.put(id, Guest::Waiting(Arc::clone(stream)));
    }

    /// Its handshake is done. False: the doors were closed meanwhile.
    #[inline(never)]
    pub(super) fn open(&self, id: u64, connection: &Arc<Connection>) -> bool {
        self.put(id, Guest::Open(Arc::clone(connection)))
    }

    /// It is gone.
    #[inline(never)]
    pub(super) fn leave(&self, id: u64) {
        self.list().guests.remove(&id);
    }

    /// Are the doors closed?
    pub(super) fn closed(&self) -> bool {
        self.list().closed
    }

    /// Waits for that long, or until the doors are closed.
    pub(super) fn wait(&self, time: Duration) {
        drop(self.closing.wait_timeout_while(self.list(), time, |list| !list.closed));
    }

    /// Cuts whoever is in its handshake for the longest, if that is longer than `most`. False: nobody is.
    ///
    /// Many handshakes that go nowhere shall not keep out those that do: a handshake takes a client a round trip or two.
    /// Who was cut is not found again: whatever its thread is still at, the next one to be cut is another one.
    pub(super) fn cut_slowest(&self, most: Duration) -> bool {
        let mut list = self.list();
        let knocking = list.guests.iter().filter_map(|(id, guest)| match guest {
            Guest::Knocking(_, since) => Some((*since, *id)),
            Guest::Waiting(_) | Guest::Open(_) => None,
        });
        let slowest = knocking.min().filter(|(since, _)| since.elapsed() > most);
        match slowest.and_then(|(_, id)| list.guests.remove(&id)) {
            Some(Guest::Knocking(stream, _)) => stream.shutdown(Shutdown::Both).is_ok(),
            _ => false,
        }
    }

    /// Closes the doors: Close 1001 to everyone who is in, the end for those in their handshake.
    pub(super) fn close(&self) {
        let mut list = self.list();
        list.closed = true;
        let guests: Vec<Guest> = list.guests.drain().map(|(_, guest)| guest).collect();
        drop(list);
        self.closing.notify_all();
        for guest in guests {
            match guest {
                Guest::Knocking(stream, _) | Guest::Waiting(stream) => drop(stream.shutdown(Shutdown::Both)),
                Guest::Open(connection) => connection.close(1001, "the server is shutting down"),
            }
        }
    }

    fn put(&self, id: u64, guest: Guest) -> bool {
        let mut list = self.list();
        if !list.closed {
            list.guests.insert(id, guest);
        }
        !list.closed
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

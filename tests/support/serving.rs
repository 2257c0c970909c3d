//! A `Server` in this process, with its events one by one, or as an echo server on a thread.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use chinwag::{CloseGuard, Config, DisconnectReason, Event, Handle, Message, Peer, Server};

use super::DEADLINE;

/// A server with this configuration on a free port.
pub fn serve(config: Config) -> Server {
    let builder = Server::builder().config(config).listen("127.0.0.1:0").expect("a free port");
    builder.start().expect("enough threads and descriptors")
}

/// A server's address.
pub fn addr(server: &Server) -> SocketAddr {
    server.local_addrs()[0]
}

/// The next event.
#[track_caller]
pub fn next(server: &Server) -> Event {
    loop {
        match server.events().recv_timeout(DEADLINE).expect("an event before the deadline") {
            // As in a program that does not use it.
            Event::Closing(..) => {}
            event => return event,
        }
    }
}

/// The next event, which must be `Connected`.
#[track_caller]
pub fn connected(server: &Server) -> Peer {
    match next(server) {
        Event::Connected(peer, _) => peer,
        other => panic!("expected Connected, got {other:?}"),
    }
}

/// The next event, which must be a text message.
#[track_caller]
pub fn text(server: &Server) -> (Peer, String) {
    match next(server) {
        Event::Message(peer, Message::Text(text)) => (peer, text.as_str().to_owned()),
        other => panic!("expected a text, got {other:?}"),
    }
}

/// The next event, which must be `Closing` with this peer.
#[track_caller]
pub fn closing(server: &Server, peer: &Peer) -> CloseGuard {
    match server.events().recv_timeout(DEADLINE).expect("an event before the deadline") {
        Event::Closing(from, guard) if from == *peer => guard,
        other => panic!("expected Closing of {peer:?}, got {other:?}"),
    }
}

/// The next event, which must be `Disconnected`.
#[track_caller]
pub fn disconnected(server: &Server) -> (Peer, DisconnectReason) {
    match next(server) {
        Event::Disconnected(peer, reason) => (peer, reason),
        other => panic!("expected Disconnected, got {other:?}"),
    }
}

/// An echo server on its own thread.
#[derive(Debug)]
pub struct Echo {
    pub addr: SocketAddr,
    shutdown: Handle,
    ids: Arc<Mutex<Vec<u64>>>,
    ended: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Vec<(u64, DisconnectReason)>>>,
}

impl Echo {
    /// Starts it.
    pub fn start(config: Config) -> Echo {
        Echo::of(serve(config))
    }

    /// Makes an echo server of `server`.
    pub fn of(server: Server) -> Echo {
        let (addr, shutdown) = (addr(&server), server.handle());
        let (ids, ended) = (Arc::<Mutex<Vec<u64>>>::default(), Arc::<AtomicUsize>::default());
        let (all, count) = (Arc::clone(&ids), Arc::clone(&ended));
        let thread = Some(std::thread::spawn(move || echo(&server, &all, &count)));
        Echo { addr, shutdown, ids, ended, thread }
    }

    /// The ids of the first `count` connections, in the order in which they were opened.
    pub fn ids(&self, count: usize) -> Vec<u64> {
        let ids = || self.ids.lock().expect("no panic").clone();
        super::wait_until(DEADLINE, "the connections are reported", || ids().len() >= count);
        ids()
    }

    /// The number of connections that have ended.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::Acquire)
    }

    /// Shuts it down. Returns the connections in the order in which they ended, with their reasons.
    pub fn stop(mut self) -> Vec<(u64, DisconnectReason)> {
        self.shutdown.shut_down();
        let thread = self.thread.take().expect("it is stopped once");
        thread.join().expect("the echo server does not panic")
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.shutdown.shut_down();
    }
}

fn echo(server: &Server, ids: &Mutex<Vec<u64>>, ended: &AtomicUsize) -> Vec<(u64, DisconnectReason)> {
    let mut ends = Vec::new();
    for event in server.events() {
        match event {
            Event::Connected(peer, _) => ids.lock().expect("no panic").push(peer.id()),
            Event::Message(peer, message) => drop(peer.send(message)),
            Event::Disconnected(peer, reason) => ends.push((peer.id(), reason)),
            _ => {}
        }
        ended.store(ends.len(), Ordering::Release);
    }
    ends
}

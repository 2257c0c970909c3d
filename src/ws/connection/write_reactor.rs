//! One thread that flushes sockets when they become writable again, and cuts connections at their deadlines.

use super::Connection;
use crate::ws::id_map::IdMap;
use crate::ws::spawn::{PAUSE, lock, spawn_supervised};
use crate::ws::tcp::Watched;
use log::error;
use mio::{Events, Poll, Registry, Token, Waker};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use std::{io, net::TcpStream, thread};

/// The token of the waker. mio reserves the largest one.
const WAKE: Token = Token(usize::MAX - 1);

const STACK_SIZE: usize = 0x1_0000;

/// What the thread has to do. It sleeps in the operating system meanwhile.
#[derive(Debug)]
pub(crate) struct WriteReactor {
    registry: Registry,
    waker: Waker,
    watched: Watched,
    /// Connections with a deadline, or with bytes that the socket did not take. On 32 bits, their ids repeat after four billion: then
    /// the newer one takes the place of the older one, to which nothing that waits is sent.
    entries: Mutex<IdMap<usize, Entry>>,
}

#[derive(Debug)]
struct Entry {
    connection: Weak<Connection>,
    deadline: Option<Instant>,
}

impl WriteReactor {
    /// The reactor of all connections of the process. Its thread starts with the first of them.
    ///
    /// # Errors
    /// The operating system has no descriptor or no thread left.
    pub(crate) fn of_process() -> io::Result<&'static Self> {
        static PROCESS: Mutex<Option<&'static WriteReactor>> = Mutex::new(None);
        let mut process = lock(&PROCESS);
        if process.is_none() {
            *process = Some(Self::start()?);
        }
        process.ok_or_else(|| io::ErrorKind::Other.into())
    }

    pub(super) fn start() -> io::Result<&'static Self> {
        let mut poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let reactor: &Self =
            Box::leak(Box::new(Self { registry, waker, watched: Default::default(), entries: Mutex::default() }));
        let mut events = Events::with_capacity(256);
        let run = move || {
            loop {
                reactor.run_round(&mut poll, &mut events);
            }
        };
        spawn_supervised("write-reactor", STACK_SIZE, Box::new(run))?;
        Ok(reactor)
    }

    /// Flushes the connection whenever its socket becomes writable, until [`WriteReactor::forget`].
    pub(super) fn watch(&self, socket: &TcpStream, connection: &Arc<Connection>) -> io::Result<()> {
        self.insert(connection, None);
        self.watched.add(&self.registry, socket, Token(connection.info.id as usize))
    }

    /// Cuts the connection after its [`Config::close_timeout`](crate::Config::close_timeout), unless [`WriteReactor::forget`]
    /// comes first.
    pub(super) fn cut_later(&self, connection: &Arc<Connection>) {
        self.insert(connection, Some(Instant::now() + connection.config.close_timeout));
        // It cannot fail while the reactor exists.
        let _ = self.waker.wake();
    }

    /// Adds the connection, or sets its deadline.
    fn insert(&self, connection: &Arc<Connection>, deadline: Option<Instant>) {
        let (mut entries, key) = (lock(&self.entries), connection.info.id as usize);
        let deadline = deadline.or_else(|| entries.get(key)?.deadline);
        entries.insert(key, Entry { connection: Arc::downgrade(connection), deadline });
    }

    pub(super) fn forget(&self, socket: &TcpStream, connection: &Connection) {
        lock(&self.entries).remove(connection.info.id as usize);
        self.watched.remove(&self.registry, socket, Token(connection.info.id as usize));
    }

    /// A round of the thread: cuts connections at their deadlines, waits, and flushes those that can be written to.
    fn run_round(&self, poll: &mut Poll, events: &mut Events) {
        let (due, next) = self.take_due();
        due.iter().for_each(|connection| connection.cut());
        drop(due);
        // A millisecond more: the operating system counts whole ones, and waking too early would spin.
        match poll.poll(events, next.map(|wait| wait + Duration::from_millis(1))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                error!("cannot wait for sockets to become writable: {error}");
                thread::sleep(PAUSE);
            }
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() != WAKE) {
            let connection = lock(&self.entries).get(event.token().0).and_then(|entry| entry.connection.upgrade());
            if let Some(connection) = connection {
                connection.flush_pending();
            }
        }
    }

    /// The connections whose deadline has passed, and the time until the next deadline.
    fn take_due(&self) -> (Vec<Arc<Connection>>, Option<Duration>) {
        let (now, mut due, mut next) = (Instant::now(), Vec::new(), None::<Instant>);
        for entry in lock(&self.entries).values_mut() {
            if entry.deadline.take_if(|deadline| *deadline <= now).is_some() {
                due.extend(entry.connection.upgrade());
            }
            next = next.into_iter().chain(entry.deadline).min();
        }
        (due, next.map(|next| next.saturating_duration_since(now)))
    }
}

#[cfg(test)]
mod tests;

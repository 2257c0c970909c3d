//! The one thread that waits for others: for stalled sockets to become writable, and for deadlines to pass.
//!
//! Owns that thread and its two lists. It sleeps in the operating system until there is something to do; it never
//! polls. It is told of a socket once, when the socket first refuses bytes, and of a deadline when a connection has
//! begun to close.

use super::Connection;
use crate::ws::spawn::spawn;
use log::error;
use mio::{Events, Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::TcpStream,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// The token of the waker. mio keeps the largest one to itself; connections have those from 1 on.
const WAKE: Token = Token(usize::MAX - 1);

/// After a failure, which would come again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// A handle to the thread. When the last one is dropped, the thread ends.
#[derive(Debug)]
pub(crate) struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    waker: Waker,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    stalled: HashMap<usize, Weak<Connection>>,
    deadlines: BTreeMap<(Instant, usize), Weak<Connection>>,
    stop: bool,
}

impl Drain {
    /// Starts the thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had.
    pub(crate) fn start() -> io::Result<Arc<Self>> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let shared = Arc::new(Shared { registry, waker, book: Mutex::default() });
        let thread_shared = Arc::clone(&shared);
        spawn("chinwag-drain", 64 * 1024, Box::new(move || run(poll, &thread_shared)))?;
        Ok(Arc::new(Self { shared }))
    }

    /// The process's own, for connections that belong to no server, and a number that no other of them has. Its thread
    /// starts with the first one and ends with the last.
    ///
    /// # Errors
    /// As [`Drain::start`].
    pub(crate) fn of_process() -> io::Result<(Arc<Self>, u64)> {
        static PROCESS: Mutex<(Weak<Drain>, u64)> = Mutex::new((Weak::new(), 0));
        let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        let drain = process.0.upgrade().map_or_else(Self::start, Ok)?;
        *process = (Arc::downgrade(&drain), process.1 + 1);
        Ok((drain, process.1))
    }

    /// Have `connection` flushed each time its socket becomes writable again, until [`Drain::unwatch`].
    pub(super) fn watch(&self, stream: &TcpStream, connection: &Arc<Connection>) -> io::Result<()> {
        let key = connection.key();
        self.shared.book().stalled.insert(key, Arc::downgrade(connection));
        let fd = stream.as_raw_fd();
        self.shared.registry.register(&mut SourceFd(&fd), Token(key), Interest::WRITABLE)
    }

    /// No more of this connection's socket.
    pub(super) fn unwatch(&self, stream: &TcpStream, connection: &Connection) {
        self.shared.book().stalled.remove(&connection.key());
        // It fails when the registration did; then there is nothing to undo.
        let _ = self.shared.registry.deregister(&mut SourceFd(&stream.as_raw_fd()));
    }

    /// Cut `connection` at that time, if it has not ended by then.
    pub(super) fn cut_at(&self, deadline: Instant, connection: &Arc<Connection>) {
        let mut book = self.shared.book();
        let entry = (deadline, connection.key());
        book.deadlines.insert(entry, Arc::downgrade(connection));
        let first = book.deadlines.keys().next() == Some(&entry);
        drop(book);
        if first {
            self.shared.wake();
        }
    }

    /// It ended in time.
    pub(super) fn forget(&self, deadline: Instant, connection: &Connection) {
        self.shared.book().deadlines.remove(&(deadline, connection.key()));
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.shared.book().stop = true;
        self.shared.wake();
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Err(why) = self.waker.wake() {
            error!("cannot wake the thread that drains stalled sockets: {why}");
        }
    }

    fn stalled(&self, key: usize) -> Option<Arc<Connection>> {
        self.book().stalled.get(&key).and_then(Weak::upgrade)
    }

    /// Those whose deadline has passed, and how long until the next one.
    fn due(&self) -> (Vec<Arc<Connection>>, Option<Duration>) {
        let mut book = self.book();
        let later = book.deadlines.split_off(&(Instant::now(), usize::MAX));
        let due = std::mem::replace(&mut book.deadlines, later);
        let next = book.deadlines.keys().next().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        (due.values().filter_map(Weak::upgrade).collect(), next)
    }
}

/// The thread: it ends when the last handle is gone. Nothing else may end it, or else nobody's stalled bytes would ever
/// be sent and no deadline kept: after a failure or a panic, which is a bug, it goes on.
fn run(mut poll: Poll, shared: &Shared) {
    let mut events = Events::with_capacity(256);
    while !shared.book().stop {
        let turn = catch_unwind(AssertUnwindSafe(|| turn(&mut poll, &mut events, shared)));
        match turn {
            Ok(Ok(())) => continue,
            Ok(Err(why)) if why.kind() == io::ErrorKind::Interrupted => continue,
            Ok(Err(why)) => error!("cannot wait for stalled sockets: {why}"),
            Err(_) => error!("the thread that drains stalled sockets panicked; please report this"),
        }
        thread::sleep(PAUSE);
    }
}

/// Cuts those whose time is up, waits, and flushes those that can be written to.
fn turn(poll: &mut Poll, events: &mut Events, shared: &Shared) -> io::Result<()> {
    let (due, next) = shared.due();
    due.iter().for_each(|connection| connection.cut());
    drop(due);
    // A millisecond more: the operating system counts whole ones, and waking early would spin.
    poll.poll(events, next.map(|wait| wait + Duration::from_millis(1)))?;
    for event in events.iter().filter(|event| event.token() != WAKE) {
        if let Some(connection) = shared.stalled(event.token().0) {
            connection.flush();
        }
    }
    Ok(())
}

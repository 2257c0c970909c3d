//! One thread that flushes sockets when they become writable again, and cuts connections at their deadlines.

use super::Connection;
use crate::ws::{
    id_map::IdMap,
    spawn::{PAUSE, spawn_supervised},
};
use log::error;
use mio::{Events, Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use std::{
    io,
    net::TcpStream,
    os::fd::AsRawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// The token of the waker. mio reserves the largest one.
const WAKE: Token = Token(usize::MAX - 1);

const STACK_SIZE: usize = 0x1_0000;

/// A handle to the thread, which ends when the handle is dropped.
#[derive(Debug)]
pub(crate) struct WriteReactor {
    tasks: Arc<Tasks>,
}

/// What the thread has to do. It sleeps in the operating system meanwhile.
#[derive(Debug)]
struct Tasks {
    registry: Registry,
    waker: Waker,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Connections with a deadline, or with bytes that the socket did not take.
    connections: IdMap<usize, Entry>,
    /// No deadline is earlier than this.
    next_deadline: Option<Instant>,
    stop: bool,
}

#[derive(Debug)]
struct Entry {
    connection: Weak<Connection>,
    deadline: Option<Instant>,
}

impl Lists {
    fn insert(&mut self, connection: &Arc<Connection>, deadline: Option<Instant>) {
        self.connections.insert(connection.key(), Entry { connection: Arc::downgrade(connection), deadline });
    }
}

impl WriteReactor {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no descriptor or no thread left.
    pub(crate) fn start() -> io::Result<Arc<Self>> {
        let mut poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let tasks = Arc::new(Tasks { registry, waker, lists: Mutex::default() });
        let (thread_tasks, mut events) = (Arc::clone(&tasks), Events::with_capacity(256));
        spawn_supervised("write-reactor", STACK_SIZE, move || thread_tasks.run(&mut poll, &mut events))?;
        Ok(Arc::new(Self { tasks }))
    }

    /// The reactor of the process, for connections without a server. The thread starts with the first of them and ends with the
    /// last.
    ///
    /// # Errors
    /// As [`WriteReactor::start`].
    pub(crate) fn of_process() -> io::Result<Arc<Self>> {
        static PROCESS: Mutex<Weak<WriteReactor>> = Mutex::new(Weak::new());
        let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        let reactor = process.upgrade().map_or_else(Self::start, Ok)?;
        *process = Arc::downgrade(&reactor);
        Ok(reactor)
    }

    /// Flushes the connection whenever its socket becomes writable, until [`WriteReactor::forget`]. It keeps its deadline.
    pub(super) fn watch(
        &self,
        socket: &TcpStream,
        connection: &Arc<Connection>,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        self.tasks.lists().insert(connection, deadline);
        let fd = socket.as_raw_fd();
        self.tasks.registry.register(&mut SourceFd(&fd), Token(connection.key()), Interest::WRITABLE)
    }

    /// Cuts the connection at that time, unless [`WriteReactor::forget`] comes first.
    pub(super) fn cut_at(&self, deadline: Instant, connection: &Arc<Connection>) {
        let mut lists = self.tasks.lists();
        lists.insert(connection, Some(deadline));
        let is_first = lists.next_deadline.is_none_or(|next| deadline < next);
        if is_first {
            lists.next_deadline = Some(deadline);
        }
        drop(lists);
        if is_first {
            self.tasks.wake();
        }
    }

    pub(super) fn forget(&self, socket: &TcpStream, connection: &Connection) {
        self.tasks.lists().connections.remove(connection.key());
        // It fails if the socket is not registered. Then there is nothing to undo.
        let _ = self.tasks.registry.deregister(&mut SourceFd(&socket.as_raw_fd()));
    }
}

impl Drop for WriteReactor {
    fn drop(&mut self) {
        self.tasks.lists().stop = true;
        self.tasks.wake();
    }
}

impl Tasks {
    /// The thread, until the handle is dropped.
    fn run(&self, poll: &mut Poll, events: &mut Events) {
        while !self.lists().stop {
            match self.run_once(poll, events) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    error!("cannot wait for sockets to become writable: {error}");
                    thread::sleep(PAUSE);
                }
                _ => {}
            }
        }
    }

    /// Cuts connections at their deadlines, waits, and flushes those that can be written to.
    fn run_once(&self, poll: &mut Poll, events: &mut Events) -> io::Result<()> {
        let (due, next) = self.take_due();
        due.iter().for_each(|connection| connection.cut());
        drop(due);
        // A millisecond more: the operating system counts whole ones, and waking too early would spin.
        poll.poll(events, next.map(|wait| wait + Duration::from_millis(1)))?;
        for event in events.iter().filter(|event| event.token() != WAKE) {
            let connection = self.lists().connections.get(event.token().0).and_then(|entry| entry.connection.upgrade());
            if let Some(connection) = connection {
                connection.flush_pending();
            }
        }
        Ok(())
    }

    /// The connections whose deadline has passed, and the time until the next deadline.
    fn take_due(&self) -> (Vec<Arc<Connection>>, Option<Duration>) {
        let (mut lists, now, mut due) = (self.lists(), Instant::now(), Vec::new());
        if lists.next_deadline.is_some_and(|next| next <= now) {
            for entry in lists.connections.values_mut() {
                if entry.deadline.take_if(|deadline| *deadline <= now).is_some() {
                    due.extend(entry.connection.upgrade());
                }
            }
            lists.next_deadline = lists.connections.iter().filter_map(|(_, entry)| entry.deadline).min();
        }
        (due, lists.next_deadline.map(|next| next.saturating_duration_since(now)))
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            error!("cannot wake the write reactor: {error}");
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

//! One thread that reads for all connections that are busy at the same time.
//!
//! Owns who is lent to it, from when to when. A thread that waits for its own socket is woken for each message: two changes
//! of thread, which cost more than all the rest of a message where few hear it. While several talk at once their threads
//! lend their lives to this one, which is woken for all of them together, and a moment late, so that one time serves many.
//!
//! It waits for sockets and for nothing else but room in the central channel. Whatever else may have to be waited for (an
//! end, a Ping's answer) is done by the connection's own thread, which gets its life back for that. Knows no protocol.

mod busy;
mod desk;

pub(super) use busy::Busy;

use super::life::{Left, Life};
use busy::{Crowd, FEW};
use crossbeam_channel::{Sender, bounded};
use desk::Desk;
use log::{debug, error};
use mio::{Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use std::{
    io,
    os::fd::AsRawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

/// The token of the waker. mio keeps the largest one to itself; connections have those from 1 on.
const WAKE: Token = Token(usize::MAX - 1);

/// A life comes back with what is left to do.
type Back = (Box<Life>, Left);

/// A handle to the thread, which ends when this is dropped: every life has one, so none is lent then.
pub(super) struct Relay {
    shared: Arc<Shared>,
}

/// What the relay shares with those who lend.
struct Shared {
    registry: Registry,
    waker: Waker,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Lent, and not yet seen by the relay. There are no more than connections.
    new: Vec<Loan>,
    /// All that are lent.
    lent: usize,
    crowd: Crowd,
    stop: bool,
}

/// A life that is lent, and the thread that waits for it.
struct Loan {
    life: Box<Life>,
    back: Sender<Back>,
    /// Its turn is due.
    due: bool,
    /// It had a turn since somebody looked.
    heard: bool,
}

impl Relay {
    /// Starts the thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had.
    pub(super) fn start(stack: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let shared = Arc::new(Shared { registry, waker, book: Mutex::default() });
        let desk = Desk::new(poll, Arc::clone(&shared));
        thread::Builder::new().name("relay".into()).stack_size(stack).spawn(move || desk.run())?;
        Ok(Self { shared })
    }

    /// Shall this busy connection be lent? Not unless enough others are busy, too: one alone would only be slower.
    pub(super) fn takes(&self, id: u64) -> bool {
        let mut book = self.shared.book();
        let others = book.lent;
        others + book.crowd.count(id, Instant::now()) >= FEW
    }

    /// Has the relay go on with this life, and waits until it does not any more. `None`: the relay has failed, and ended it.
    pub(super) fn lend(&self, life: Box<Life>) -> Option<Back> {
        let (back, returned) = bounded(1);
        let (fd, token) = (life.stream().as_raw_fd(), Token(life.id() as usize));
        if let Err(why) = self.shared.registry.register(&mut SourceFd(&fd), token, Interest::READABLE) {
            debug!("connection {}: not lent: {why}", life.id());
            return Some((life, Left::Quiet));
        }
        let mut book = self.shared.book();
        book.new.push(Loan { life, back, due: true, heard: true });
        book.lent += 1;
        drop(book);
        self.shared.wake();
        returned.recv().ok()
    }
}

impl Drop for Relay {
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
            error!("cannot wake the thread that reads from busy sockets: {why}");
        }
    }

    fn give_back(&self, loan: Loan, left: Left) {
        let Loan { life, back, .. } = loan;
        debug!("connection {}: given back", life.id());
        // It fails for a socket that is gone only.
        let _ = self.registry.deregister(&mut SourceFd(&life.stream().as_raw_fd()));
        self.book().lent -= 1;
        // Its thread waits for nothing else.
        let _ = back.send((life, left));
    }
}

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
use crate::ws::spawn::spawn;
use busy::{Crowd, FEW};
use desk::Desk;
use log::error;
use mio::{Poll, Token, Waker};
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The token of the waker. mio keeps the largest one to itself; those who are lent have their places', from 0 on.
const WAKE: Token = Token(usize::MAX - 1);

/// A life comes back with what is left to do.
type Back = (Box<Life>, Left);

/// A handle to the thread, which ends when this is dropped: every life has one, so none is lent then.
pub(super) struct Relay {
    shared: Arc<Shared>,
}

/// What the relay shares with those who lend.
struct Shared {
    waker: Waker,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Lent, and not yet seen by the relay. There are no more than connections.
    new: Vec<Loan>,
    /// How many the relay has.
    lent: usize,
    crowd: Crowd,
    stop: bool,
}

/// A life that is lent, and the thread that waits for it.
struct Loan {
    life: Box<Life>,
    place: Arc<Place>,
    /// Its turn is due.
    due: bool,
    /// It had a turn since somebody looked.
    heard: bool,
}

/// Where a thread waits for its life.
#[derive(Default)]
struct Place {
    back: Mutex<Option<Back>>,
    news: Condvar,
}

impl Relay {
    /// Starts the thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had.
    pub(super) fn start(stack: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let shared = Arc::new(Shared { waker, book: Mutex::default() });
        let desk = Desk::new(poll, Arc::clone(&shared));
        spawn("relay", stack, Box::new(move || desk.run()))?;
        Ok(Self { shared })
    }

    /// Shall this busy connection be lent? Not unless enough others are busy, too: one alone would only be slower.
    pub(super) fn takes(&self, id: u64) -> bool {
        let mut book = self.shared.book();
        let others = book.lent + book.new.len();
        others + book.crowd.count(id, Instant::now()) >= FEW
    }

    /// Has the relay go on with this life, and waits until it does not any more.
    pub(super) fn lend(&self, life: Box<Life>) -> Back {
        let place = Arc::new(Place::default());
        let mut book = self.shared.book();
        book.new.push(Loan { life, place: Arc::clone(&place), due: false, heard: true });
        drop(book);
        self.shared.wake();
        place.wait()
    }
}

impl Place {
    fn put(&self, back: Back) {
        *self.back() = Some(back);
        self.news.notify_one();
    }

    /// The relay gives back every life: its thread goes on after a panic, and does not end as long as one is lent.
    fn wait(&self) -> Back {
        let mut guard = self.back();
        loop {
            match guard.take() {
                Some(back) => return back,
                None => guard = self.news.wait(guard).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn back(&self) -> MutexGuard<'_, Option<Back>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// One who is lent, and whom the relay has not seen yet.
    fn newcomer(&self) -> Option<Loan> {
        self.book().new.pop()
    }

    fn wake(&self) {
        if let Err(why) = self.waker.wake() {
            error!("cannot wake the thread that reads from busy sockets: {why}");
        }
    }
}

//! One thread that reads for all connections that are busy at the same time.
//!
//! A thread that waits for its own socket is woken for each message, which takes two context switches. While several clients
//! talk at once, this thread is woken for all of them together (ARCHITECTURE.md has the numbers). Everything works without it:
//! it is used by one call in `ConnectionTask::run`.

mod activity;
mod poll_loop;

pub(super) use activity::Activity;

use super::wake_guard::WakeGuard;
use crate::ws::spawn::spawn_supervised;
use activity::{Crowd, MIN_CROWD};
use log::error;
use mio::{Poll, Token, Waker};
use poll_loop::PollLoop;
use std::{
    io,
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The token of the waker. mio reserves the largest one; connections have the indices of their slots.
const WAKE: Token = Token(usize::MAX - 1);

/// A connection that the poller can serve.
pub(super) trait Polled: Send + 'static {
    fn id(&self) -> u64;
    fn stream(&self) -> &TcpStream;
    /// Reads what has arrived, without waiting for more.
    fn read_available(&mut self) -> Round;
}

/// The result of one round of the poller.
pub(super) enum Round {
    /// Everything that has arrived is read.
    Idle,
    /// There may be more to read.
    More,
    /// The connection's own thread has to finish it.
    Ended,
}

/// A handle to the poller's thread, which ends when this is dropped. No connection is handed to it then, because each one
/// keeps the handle.
pub(super) struct Poller<T> {
    inbox: Arc<Inbox<T>>,
}

/// What connections and the thread share.
struct Inbox<T> {
    waker: Waker,
    state: Mutex<InboxState<T>>,
}

struct InboxState<T> {
    new: Vec<Handoff<T>>,
    /// Connections that the thread served in its last round.
    served: usize,
    crowd: Crowd,
    stop: bool,
}

/// A connection for the poller, and the way back to its own thread, which waits. Dropping it ends the connection.
struct Handoff<T> {
    task: Box<T>,
    back: Arc<Mutex<Option<Box<T>>>>,
    _wake: WakeGuard,
}

impl<T: Polled> Poller<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no descriptor or no thread left.
    pub(super) fn start(stack_size: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let state = InboxState { new: Vec::new(), served: 0, crowd: Crowd::default(), stop: false };
        let inbox = Arc::new(Inbox { waker, state: Mutex::new(state) });
        let mut poll_loop = PollLoop::new(poll, Arc::clone(&inbox));
        spawn_supervised("poller", stack_size, move || poll_loop.run())?;
        Ok(Self { inbox })
    }

    /// Serves a busy connection on the poller's thread, and returns it when it is idle, at its end, or one of few. Returns it at
    /// once if few others are busy: a lone connection would only become slower. `None`: it has ended by a panic.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn serve_while_busy(&self, task: Box<T>) -> Option<Box<T>> {
        let mut state = self.inbox.lock();
        let others = state.served + state.new.len();
        if others + state.crowd.count(task.id(), Instant::now()) < MIN_CROWD {
            return Some(task);
        }
        let (back, (guard, waiter)) = (Arc::default(), WakeGuard::new());
        state.new.push(Handoff { task, back: Arc::clone(&back), _wake: guard });
        drop(state);
        self.inbox.wake();
        waiter.wait(None);
        back.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Drop for Poller<T> {
    fn drop(&mut self) {
        self.inbox.lock().stop = true;
        self.inbox.wake();
    }
}

impl<T> Inbox<T> {
    fn lock(&self) -> MutexGuard<'_, InboxState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new connection. One at a time: after a panic, the others are still here.
    fn take(&self, served: usize) -> Option<Handoff<T>> {
        let mut state = self.lock();
        state.served = served;
        state.new.pop()
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            error!("cannot wake the poller: {error}");
        }
    }
}

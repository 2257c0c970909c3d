//! One thread that reads for all connections that are busy at the same time.
//!
//! A thread that waits for its own socket is woken for each message, which takes two context switches. While several clients
//! talk at once, this thread is woken for all of them together (ARCHITECTURE.md has the numbers). Everything works without it:
//! it is used by one call in [`ConnectionTask::run`].

mod activity;
mod poll_loop;

pub(super) use activity::Activity;

use super::connection_task::ConnectionTask;
use crate::ws::spawn::spawn_supervised;
use activity::{Crowd, MIN_CROWD};
use crossbeam_channel::{Sender, bounded};
use log::error;
use mio::{Poll, Token, Waker};
use poll_loop::PollLoop;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The token of the waker. mio reserves the largest one; connections have the indices of their slots.
const WAKE: Token = Token(usize::MAX - 1);

/// A handle to the poller's thread, which ends when this is dropped. No connection is handed to it then, because each one
/// keeps the handle.
pub(super) struct Poller {
    inbox: Arc<Inbox>,
}

/// What connections and the thread share.
struct Inbox {
    waker: Waker,
    state: Mutex<InboxState>,
}

#[derive(Default)]
struct InboxState {
    new: Vec<Handoff>,
    /// Connections that the thread served in its last round.
    served: usize,
    crowd: Crowd,
    stop: bool,
}

/// A connection for the poller, and the way back to its own thread, which waits. Dropping it ends the connection.
struct Handoff {
    task: Box<ConnectionTask>,
    back: Sender<Box<ConnectionTask>>,
}

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no descriptor or no thread left.
    pub(super) fn start(stack_size: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let inbox = Arc::new(Inbox { waker, state: Mutex::default() });
        let mut poll_loop = PollLoop::new(poll, Arc::clone(&inbox));
        spawn_supervised("poller", stack_size, move || poll_loop.run())?;
        Ok(Self { inbox })
    }

    /// Serves a busy connection on the poller's thread, and returns it when it is idle, at its end, or one of few. Returns it at
    /// once if few others are busy: a lone connection would only become slower. `None`: it has ended by a panic.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn serve_while_busy(&self, task: Box<ConnectionTask>) -> Option<Box<ConnectionTask>> {
        let mut state = self.inbox.lock();
        let others = state.served + state.new.len();
        if others + state.crowd.count(task.id(), Instant::now()) < MIN_CROWD {
            return Some(task);
        }
        let (back, returned) = bounded(1);
        state.new.push(Handoff { task, back });
        drop(state);
        self.inbox.wake();
        returned.recv().ok()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.inbox.lock().stop = true;
        self.inbox.wake();
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new connection. One at a time: after a panic, the others are still here.
    fn take(&self, served: usize) -> Option<Handoff> {
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

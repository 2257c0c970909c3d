//! One thread that reads for all connections that are busy at the same time.
//!
//! A thread that waits for its own socket is woken for each message, which takes two context switches. While several clients
//! talk at once, this thread is woken for all of them together (ARCHITECTURE.md has the numbers). Everything works without it:
//! it is used by one call in `ConnectionTask::run`.

use super::connection_task::ConnectionTask;
use crate::ws::spawn::{PAUSE, spawn_supervised};
use crossbeam_channel::{Sender, bounded};
use log::{debug, error};
use mio::{Events, Interest, Poll, Token, Waker, unix::SourceFd};
use std::{
    collections::HashMap,
    io, mem,
    os::fd::AsRawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Messages that follow each other within this time are quick. The numbers were found by measuring.
const QUICK: Duration = Duration::from_millis(10);

/// This many quick messages in a row make a connection busy.
const QUICK_MESSAGES: u32 = 8;

/// The poller pays from this many busy connections on.
const MIN_BUSY: usize = 3;

/// Busy connections are counted over this time. Longer than [`QUICK`], within which each of them receives a message.
const WINDOW: Duration = Duration::from_millis(20);

/// A connection that is silent for this long, or at most twice as long, is handed back.
const SILENCE: Duration = Duration::from_millis(25);

/// The token of the waker. mio reserves the largest one; connections have the numbers of their sockets.
const WAKE: Token = Token(usize::MAX - 1);

/// How busy one connection is.
pub(super) struct Activity {
    last: Instant,
    quick: u32,
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
pub(super) struct Poller {
    inbox: Arc<Inbox>,
}

/// What connections and the thread share.
struct Inbox {
    waker: Waker,
    state: Mutex<InboxState>,
}

struct InboxState {
    new: Vec<Handoff>,
    /// Connections that the thread served in its last round.
    served: usize,
    /// The busy connections on threads of their own in this window, which began then: a bit for each, by id modulo 64. Two may
    /// share a bit now and then.
    others: (Instant, u64),
    stop: bool,
}

/// A connection for the poller, and the way back to its own thread, which waits. Dropping it ends the connection.
struct Handoff {
    task: Box<ConnectionTask>,
    back: Sender<Box<ConnectionTask>>,
    /// Whether there is something to read.
    is_ready: bool,
    /// Whether it was ready since the last review.
    was_active: bool,
}

/// What the thread works with. After a panic, which is a bug, [`PollLoop::run`] continues with it.
struct PollLoop {
    poll: Poll,
    inbox: Arc<Inbox>,
    /// The connections, by the numbers of their sockets.
    served: HashMap<usize, Handoff>,
    next_review: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { last: Instant::now(), quick: 0 }
    }

    /// Counts a message. Returns whether the connection is busy.
    pub(super) fn is_busy(&mut self, now: Instant) -> bool {
        let is_quick = now.saturating_duration_since(self.last) < QUICK;
        self.quick = if is_quick { (self.quick + 1).min(QUICK_MESSAGES) } else { 0 };
        self.last = now;
        self.quick == QUICK_MESSAGES
    }
}

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no descriptor or no thread left.
    pub(super) fn start(stack_size: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let state = InboxState { new: Vec::new(), served: 0, others: (Instant::now(), 0), stop: false };
        let inbox = Arc::new(Inbox { waker, state: Mutex::new(state) });
        let mut poll_loop =
            PollLoop { poll, inbox: Arc::clone(&inbox), served: HashMap::new(), next_review: Instant::now() };
        spawn_supervised("poller", stack_size, move || poll_loop.run())?;
        Ok(Self { inbox })
    }

    /// Serves a busy connection on the poller's thread, and returns it when it is idle, at its end, or one of few. Returns it at
    /// once if few others are busy: a lone connection would only become slower. `None`: it has ended by a panic.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn serve_while_busy(&self, task: Box<ConnectionTask>) -> Option<Box<ConnectionTask>> {
        let mut state = self.inbox.lock();
        if state.busy_with(task.id(), Instant::now()) < MIN_BUSY {
            return Some(task);
        }
        let (back, returned) = bounded(1);
        state.new.push(Handoff { task, back, is_ready: true, was_active: true });
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

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            error!("cannot wake the poller: {error}");
        }
    }
}

impl InboxState {
    /// Counts a busy connection. Returns how many are busy with it.
    fn busy_with(&mut self, id: u64, now: Instant) -> usize {
        if now.saturating_duration_since(self.others.0) > WINDOW {
            self.others = (now, 0);
        }
        self.others.1 |= 1 << (id % 64);
        self.served + self.new.len() + self.others.1.count_ones() as usize
    }
}

impl PollLoop {
    /// Runs until the [`Poller`] is dropped.
    fn run(&mut self) {
        let mut events = Events::with_capacity(256);
        while !self.inbox.lock().stop {
            match self.run_round(&mut events) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.hand_back_if(|_| true);
                    error!("cannot wait for busy sockets: {error}");
                    thread::sleep(PAUSE);
                }
                _ => {}
            }
        }
    }

    fn run_round(&mut self, events: &mut Events) -> io::Result<()> {
        // Before the wait, which may fail: then these are handed back as well.
        while let Some(handoff) = self.take_new() {
            self.add(handoff);
        }
        let wait = match self.served.values().any(|handoff| handoff.is_ready) {
            true => Some(Duration::ZERO),
            false => Some(SILENCE).filter(|_| !self.served.is_empty()),
        };
        self.poll.poll(events, wait)?;
        for event in &*events {
            // The waker is not among them.
            if let Some(handoff) = self.served.get_mut(&event.token().0) {
                handoff.is_ready = true;
            }
        }
        let ready = self.served.iter().filter(|(_, handoff)| handoff.is_ready).map(|(token, _)| *token);
        ready.collect::<Vec<_>>().into_iter().for_each(|token| self.read(token));
        self.review();
        Ok(())
    }

    /// One at a time: after a panic, the others are still there.
    fn take_new(&self) -> Option<Handoff> {
        let mut state = self.inbox.lock();
        state.served = self.served.len();
        state.new.pop()
    }

    /// Bytes that arrived before the registration cause no event, so a new connection is ready.
    fn add(&mut self, handoff: Handoff) {
        let fd = handoff.task.stream().as_raw_fd();
        let token = Token(fd as usize);
        // If this fails, the connection is silent here, and is handed back for that.
        let _ = self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE);
        let id = handoff.task.id();
        self.served.insert(token.0, handoff);
        debug!("connection {id}: handed to the poller");
    }

    /// Reads one round from a connection. It is taken out of the map meanwhile, so that a panic ends this one only.
    fn read(&mut self, token: usize) {
        let Some(mut handoff) = self.served.remove(&token) else { return };
        handoff.was_active = true;
        let round = handoff.task.read_available();
        handoff.is_ready = matches!(round, Round::More);
        self.served.insert(token, handoff);
        if matches!(round, Round::Ended) {
            self.hand_back(token, "ended");
        }
    }

    /// Hands back the connections that were silent, and all of them if they are few.
    fn review(&mut self) {
        let (now, are_few) = (Instant::now(), self.served.len() < MIN_BUSY);
        if now >= self.next_review {
            self.next_review = now + SILENCE;
            self.hand_back_if(|handoff| !mem::take(&mut handoff.was_active) || are_few);
        }
    }

    fn hand_back_if(&mut self, mut condition: impl FnMut(&mut Handoff) -> bool) {
        let chosen = self.served.iter_mut().filter_map(|(token, handoff)| condition(handoff).then_some(*token));
        chosen.collect::<Vec<_>>().into_iter().for_each(|token| self.hand_back(token, "idle"));
    }

    fn hand_back(&mut self, token: usize, why: &str) {
        let Some(Handoff { task, back, .. }) = self.served.remove(&token) else { return };
        let (id, fd) = (task.id(), task.stream().as_raw_fd());
        // It fails if the registration failed. Then there is nothing to undo.
        let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        // The task's own thread waits for it.
        let _ = back.send(task);
        debug!("connection {id}: handed back, {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_connection_is_busy_after_quick_messages_until_a_slow_one() {
        let mut activity = Activity::new();
        let mut now = activity.last;
        let mut after = |activity: &mut Activity, wait: u32| {
            now += wait * MILLISECOND;
            activity.is_busy(now)
        };
        for _ in 1..QUICK_MESSAGES {
            assert!(!after(&mut activity, 9));
        }
        assert!(after(&mut activity, 9) && after(&mut activity, 1));
        assert!(!after(&mut activity, 10) && !after(&mut activity, 1));
    }

    #[test]
    fn several_connections_are_busy_in_one_window() {
        let begin = Instant::now();
        let mut state = InboxState { new: Vec::new(), served: 0, others: (begin, 0), stop: false };
        for (id, millis, expected) in
            [(1, 0, 1), (1, 1, 1), (2, 2, 2), (1, 20, 2), (3, 20, 3), (4, 20, 4), (1, 21, 1), (9, 100, 1)]
        {
            assert_eq!(state.busy_with(id, begin + millis * MILLISECOND), expected, "{id} after {millis} ms");
        }
    }
}

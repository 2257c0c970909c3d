//! The poller's thread: waits for the sockets of all connections that it serves, and reads one round from each ready one.

use super::{Handoff, Inbox, Polled, Round, WAKE, activity::MIN_CROWD};
use crate::ws::spawn::PAUSE;
use log::{debug, error};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use std::{
    collections::{HashMap, VecDeque},
    io, mem,
    os::fd::AsRawFd,
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A connection that is silent for this long, or at most twice as long, is handed back.
const SILENCE: Duration = Duration::from_millis(25);

/// What the thread works with. After a panic, which is a bug, [`PollLoop::run`] continues with it.
pub(super) struct PollLoop<T> {
    poll: Poll,
    inbox: Arc<Inbox<T>>,
    /// The connections, by the token of their sockets.
    slots: HashMap<usize, Slot<T>>,
    next_token: usize,
    /// The connections that have something to read, each once.
    ready: VecDeque<usize>,
    next_review: Instant,
}

struct Slot<T> {
    handoff: Handoff<T>,
    is_ready: bool,
    /// Whether it was ready since the last review.
    was_active: bool,
}

impl<T: Polled> PollLoop<T> {
    pub(super) fn new(poll: Poll, inbox: Arc<Inbox<T>>) -> Self {
        let (slots, ready) = (HashMap::new(), VecDeque::new());
        Self { poll, inbox, slots, next_token: 0, ready, next_review: Instant::now() }
    }

    /// Runs until the [`Poller`](super::Poller) is dropped.
    pub(super) fn run(&mut self) {
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
        while let Some(handoff) = self.inbox.take(self.slots.len()) {
            self.add(handoff);
        }
        let wait = if self.slots.is_empty() { None } else { Some(SILENCE) };
        self.poll.poll(events, if self.ready.is_empty() { wait } else { Some(Duration::ZERO) })?;
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.set_ready(event.token().0);
        }
        for _ in 0..self.ready.len() {
            self.read_next();
        }
        self.review();
        Ok(())
    }

    fn add(&mut self, handoff: Handoff<T>) {
        let (id, fd, token) = (handoff.task.id(), handoff.task.stream().as_raw_fd(), self.next_token);
        self.next_token += 1;
        // If this fails, the connection is silent here, and is handed back for that.
        let _ = self.poll.registry().register(&mut SourceFd(&fd), Token(token), Interest::READABLE);
        self.slots.insert(token, Slot { handoff, is_ready: false, was_active: true });
        // Bytes that arrived before the registration cause no event.
        self.set_ready(token);
        debug!("connection {id}: handed to the poller");
    }

    fn set_ready(&mut self, token: usize) {
        if let Some(slot) = self.slots.get_mut(&token).filter(|slot| !slot.is_ready) {
            slot.is_ready = true;
            self.ready.push_back(token);
        }
    }

    /// Reads one round from the next connection. It is taken out of its slot meanwhile, so that a panic ends this one only.
    fn read_next(&mut self) {
        let Some(token) = self.ready.pop_front() else { return };
        let Some(mut slot) = self.slots.remove(&token) else { return };
        (slot.is_ready, slot.was_active) = (false, true);
        let round = slot.handoff.task.read_available();
        self.slots.insert(token, slot);
        match round {
            Round::Idle => {}
            Round::More => self.set_ready(token),
            Round::Ended => self.hand_back(token, "ended"),
        }
    }

    /// Hands back the connections that were silent, and all of them if they are few.
    fn review(&mut self) {
        let (now, are_few) = (Instant::now(), self.slots.len() < MIN_CROWD);
        if now >= self.next_review {
            self.next_review = now + SILENCE;
            self.hand_back_if(|slot| !mem::take(&mut slot.was_active) || are_few);
        }
    }

    fn hand_back_if(&mut self, mut condition: impl FnMut(&mut Slot<T>) -> bool) {
        let chosen = self.slots.iter_mut().filter_map(|(token, slot)| condition(slot).then_some(*token));
        for token in chosen.collect::<Vec<_>>() {
            self.hand_back(token, "idle");
        }
    }

    fn hand_back(&mut self, token: usize, why: &str) {
        let Some(slot) = self.slots.remove(&token) else { return };
        let Handoff { task, back, _wake } = slot.handoff;
        let (id, fd) = (task.id(), task.stream().as_raw_fd());
        // It fails if the registration failed. Then there is nothing to undo.
        let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        // The task's own thread waits for it, and wakes when the guard is dropped at the end of this function.
        *back.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        debug!("connection {id}: handed back, {why}");
    }
}

//! The poller's thread: waits for the sockets of all connections that it serves, and reads one round from each ready one.

use super::{Handoff, Inbox, WAKE, activity::MIN_CROWD};
use crate::ws::{server::connection_task::Round, spawn::PAUSE};
use log::{debug, error};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use std::{
    collections::VecDeque,
    io, mem,
    os::fd::AsRawFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// A connection that is silent for this long, or at most twice as long, is handed back.
const SILENCE: Duration = Duration::from_millis(25);

/// What the thread works with. After a panic, which is a bug, [`PollLoop::run`] continues with it.
pub(super) struct PollLoop {
    poll: Poll,
    inbox: Arc<Inbox>,
    /// The connections. The index of a slot is the token of its socket.
    slots: Vec<Option<Slot>>,
    served: usize,
    /// The slots that are ready to be read, each once.
    ready: VecDeque<usize>,
    next_review: Instant,
    /// Whether there were few connections at the last review.
    were_few: bool,
}

struct Slot {
    handoff: Handoff,
    is_ready: bool,
    /// Whether it was ready since the last review.
    was_active: bool,
}

impl PollLoop {
    pub(super) fn new(poll: Poll, inbox: Arc<Inbox>) -> Self {
        Self {
            poll,
            inbox,
            slots: Vec::new(),
            served: 0,
            ready: VecDeque::new(),
            next_review: Instant::now(),
            were_few: false,
        }
    }

    /// Runs until the [`Poller`](super::Poller) is dropped.
    pub(super) fn run(&mut self) {
        let mut events = Events::with_capacity(256);
        self.set_served(self.slots.iter().flatten().count());
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
        let timeout = if self.ready.is_empty() { (self.served > 0).then_some(SILENCE) } else { Some(Duration::ZERO) };
        self.poll.poll(events, timeout)?;
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.set_ready(event.token().0);
        }
        self.take_new();
        for _ in 0..self.ready.len() {
            self.read_next();
        }
        self.review();
        Ok(())
    }

    /// One by one: after a panic, the others are still in the inbox.
    fn take_new(&mut self) {
        loop {
            let new = self.inbox.lock().new.pop();
            let Some(handoff) = new else { return };
            self.add(handoff);
        }
    }

    fn add(&mut self, handoff: Handoff) {
        let (id, fd) = (handoff.task.id(), handoff.task.stream().as_raw_fd());
        let index = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[index] = Some(Slot { handoff, is_ready: false, was_active: true });
        self.set_served(self.served + 1);
        if self.poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE).is_err() {
            // Its own thread needs no registration.
            return self.hand_back(index, "not registered");
        }
        // Bytes that arrived before cause no event.
        self.set_ready(index);
        debug!("connection {id}: handed to the poller");
    }

    fn set_ready(&mut self, index: usize) {
        if let Some(Some(slot)) = self.slots.get_mut(index) {
            if !mem::replace(&mut slot.is_ready, true) {
                self.ready.push_back(index);
            }
        }
    }

    /// Reads one round from the next connection. It is taken out of its slot meanwhile, so that a panic ends this one only.
    fn read_next(&mut self) {
        let Some(index) = self.ready.pop_front() else { return };
        let Some(mut slot) = self.slots[index].take() else { return };
        (slot.is_ready, slot.was_active) = (false, true);
        let round = slot.handoff.task.read_available();
        self.slots[index] = Some(slot);
        match round {
            Round::Idle => {}
            Round::More => self.set_ready(index),
            Round::Ended => self.hand_back(index, "ended"),
        }
    }

    /// Hands back the connections that were silent, and all of them if they have been few for a while.
    fn review(&mut self) {
        let now = Instant::now();
        if now >= self.next_review {
            self.next_review = now + SILENCE;
            let are_few = self.served < MIN_CROWD;
            let all = mem::replace(&mut self.were_few, are_few) && are_few;
            self.hand_back_if(|slot| !mem::take(&mut slot.was_active) || all);
        }
    }

    fn hand_back_if(&mut self, mut condition: impl FnMut(&mut Slot) -> bool) {
        for index in 0..self.slots.len() {
            if self.slots[index].as_mut().is_some_and(&mut condition) {
                self.hand_back(index, "idle");
            }
        }
    }

    fn hand_back(&mut self, index: usize, why: &str) {
        let Some(slot) = self.slots[index].take() else { return };
        let Handoff { task, back } = slot.handoff;
        let (id, fd) = (task.id(), task.stream().as_raw_fd());
        // It fails if the registration failed. Then there is nothing to undo.
        let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        self.set_served(self.served - 1);
        // Its own thread waits for it.
        let _ = back.send(task);
        debug!("connection {id}: handed back, {why}");
    }

    fn set_served(&mut self, served: usize) {
        self.served = served;
        self.inbox.lock().served = served;
    }
}

//! One thread that reads for all connections that are busy at the same time.
//!
//! A thread that waits for its own socket is woken for each message, which takes two context switches. While several clients
//! talk at once, this thread is woken for all of them together (ARCHITECTURE.md has the numbers). Everything works without it:
//! it is used by one call in `ConnectionTask::run`.

use super::connection_task::ConnectionTask;
use crate::ws::queue::{Producer, Queue, queue};
use crate::ws::spawn::{lock, spawn_supervised};
use crate::ws::tcp::READABLE;
use log::debug;
use rustix::event::{PollFd, Timespec, poll};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{collections::VecDeque, io, mem};

/// The poller pays from this many busy connections on.
const MIN_BUSY: usize = 3;

/// Busy connections are counted over this time. Longer than the 10 ms within which each of them receives a message.
const WINDOW: Duration = Duration::from_millis(20);

/// A connection that is silent for this long, or at most twice as long, is handed back.
const SILENCE: Duration = Duration::from_millis(25);

/// How long the thread waits for sockets, before it looks for new connections.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A handle to the poller's thread, which ends when this is dropped. No connection is handed to it then, because each one
/// keeps the handle.
pub(super) struct Poller {
    /// Each connection is in it at most once.
    handoffs: Producer<Handoff>,
    /// Connections that the thread serves.
    served: Arc<AtomicUsize>,
    /// Those that were busy on threads of their own, for [`count_busy`].
    others: Mutex<(Instant, u64)>,
}

/// A connection for the poller, and the way back to its own thread, which waits. Dropping it ends the connection.
struct Handoff {
    task: Box<ConnectionTask>,
    back: Producer<Box<ConnectionTask>>,
    /// Whether there is something to read, whatever the socket says.
    has_more: bool,
    /// Whether something was read since the last review.
    was_active: bool,
}

/// What the thread works with. After a panic, which is a bug, it continues with it.
struct PollLoop {
    handoffs: Arc<Queue<Handoff>>,
    served: VecDeque<Handoff>,
    count: Arc<AtomicUsize>,
    next_review: Instant,
}

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub(super) fn start(stack_size: usize) -> io::Result<Self> {
        let (producer, handoffs) = queue(1);
        let (served, next_review) = (Arc::default(), Instant::now());
        let mut poll_loop = PollLoop { handoffs, served: VecDeque::new(), count: Arc::clone(&served), next_review };
        spawn_supervised("poller", stack_size, Box::new(move || while poll_loop.run_round() {}))?;
        Ok(Self { handoffs: producer, served, others: Mutex::new((next_review, 0)) })
    }

    /// Serves a busy connection on the poller's thread, and returns it when it is idle, at its end, or one of few. Returns it at
    /// once if few others are busy: a lone connection would only become slower. `None`: it has ended by a panic.
    #[inline(never)] // Keeps its stack frame off the waiting thread.
    pub(super) fn serve_while_busy(&self, task: Box<ConnectionTask>) -> Option<Box<ConnectionTask>> {
        let others = {
            let mut others = lock(&self.others);
            count_busy(&mut others, task.sender.peer.id(), Instant::now())
        };
        if self.served.load(Ordering::Relaxed) + others < MIN_BUSY {
            return Some(task);
        }
        let (back, returned) = queue(1);
        self.handoffs.push(Handoff { task, back, has_more: true, was_active: true });
        returned.pop(Duration::MAX)
    }
}

/// Counts a busy connection. Returns how many were busy in this window: a bit stands for each, by id modulo 64. Two may share
/// a bit now and then.
fn count_busy((since, seen): &mut (Instant, u64), id: u64, now: Instant) -> usize {
    if now.saturating_duration_since(*since) > WINDOW {
        (*since, *seen) = (now, 0);
    }
    *seen |= 1 << (id % 64);
    seen.count_ones() as usize
}

impl PollLoop {
    /// Waits for the sockets of all connections, and reads one round from each ready one. Returns false when the [`Poller`] was
    /// dropped.
    fn run_round(&mut self) -> bool {
        let wait_time = |served: &VecDeque<_>| if served.is_empty() { Duration::MAX } else { Duration::ZERO };
        while let Some(handoff) = self.handoffs.pop(wait_time(&self.served)) {
            let id = handoff.task.sender.peer.id();
            self.served.push_back(handoff);
            debug!("connection {id}: handed to the poller");
        }
        if self.served.is_empty() {
            return false;
        }
        let wait = if self.served.iter().any(|handoff| handoff.has_more) { NO_WAIT } else { WAIT };
        let sockets = self.served.iter().map(|handoff| PollFd::new(&*handoff.task.reader.stream, READABLE));
        let mut sockets: Vec<_> = sockets.collect();
        // If this fails, the connections are silent here, and are handed back for that.
        let _ = poll(&mut sockets, Some(&wait));
        let ready: Vec<bool> = sockets.iter().map(|socket| !socket.revents().is_empty()).collect();
        let (are_few, must_review) = (ready.len() < MIN_BUSY, Instant::now() >= self.next_review);
        if must_review {
            self.next_review = Instant::now() + SILENCE;
        }
        for is_ready in ready {
            // Taken out meanwhile, so that a panic ends this one only.
            let Some(mut handoff) = self.served.pop_front() else { break };
            if is_ready || handoff.has_more {
                let Some(has_more) = handoff.task.read_available() else {
                    handoff.hand_back("ended");
                    continue;
                };
                (handoff.has_more, handoff.was_active) = (has_more, true);
            }
            if must_review && (are_few || !mem::take(&mut handoff.was_active)) {
                handoff.hand_back("idle");
            } else {
                self.served.push_back(handoff);
            }
        }
        self.count.store(self.served.len(), Ordering::Relaxed);
        true
    }
}

impl Handoff {
    fn hand_back(self, why: &str) {
        let id = self.task.sender.peer.id();
        // The task's own thread waits for it.
        self.back.push(self.task);
        debug!("connection {id}: handed back, {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn several_connections_are_busy_in_one_window() {
        let begin = Instant::now();
        let mut seen = (begin, 0);
        for (id, millis, expected) in
            [(1, 0, 1), (1, 1, 1), (2, 2, 2), (1, 20, 2), (3, 20, 3), (4, 20, 4), (1, 21, 1), (9, 100, 1)]
        {
            assert_eq!(count_busy(&mut seen, id, begin + millis * MILLISECOND), expected, "{id} after {millis} ms");
        }
    }
}

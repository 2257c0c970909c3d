//! The threads of sockets: one for each, used again for the next one.
//!
//! Owns how a thread is found and what it does when its socket is gone. Starting and ending a thread costs the operating
//! system more than a whole handshake (its stack, its signal stack, their guard pages): measured, docs/PERFORMANCE.md.
//! Knows nothing of what the threads do.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Threads that wait for a socket, at most: what they keep is memory.
const MOST_IDLE: usize = 64;

/// How long a thread waits for its next socket.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a thread does for one socket. It catches its panics itself.
type Work = Box<dyn FnOnce() + Send>;

pub(super) struct Threads {
    /// Without room: who sends hands over to a thread that waits, or to nobody.
    next: Sender<Work>,
    waiting: Receiver<Work>,
    idle: Arc<AtomicUsize>,
    stack: usize,
}

impl Threads {
    /// Threads with so many bytes of stack; none yet. Those that wait end when this is dropped.
    pub(super) fn new(stack: usize) -> Self {
        let (next, waiting) = bounded(0);
        Self { next, waiting, idle: Arc::default(), stack }
    }

    /// Has a thread do the work: one that waits, or a new one.
    ///
    /// # Errors
    /// The operating system has no thread for it. The work is dropped then.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        match self.next.try_send(Box::new(work)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => self.start(work),
        }
    }

    /// Has a thread do the work that has done nothing before: nothing is left on its stack.
    ///
    /// # Errors
    /// As [`Threads::run`].
    pub(super) fn run_afresh(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.start(Box::new(work))
    }

    fn start(&self, work: Work) -> io::Result<()> {
        let (waiting, idle) = (self.waiting.clone(), Arc::clone(&self.idle));
        let thread = thread::Builder::new().name("socket".into()).stack_size(self.stack);
        thread.spawn(move || live(work, &waiting, &idle)).map(drop)
    }
}

fn live(work: Work, waiting: &Receiver<Work>, idle: &AtomicUsize) {
    let mut next = Some(work);
    while let Some(work) = next {
        work();
        next = wait(waiting, idle);
    }
}

/// The next work. `None`: enough others wait, or none came for a while, or there is no server any more.
fn wait(waiting: &Receiver<Work>, idle: &AtomicUsize) -> Option<Work> {
    let work = match idle.fetch_add(1, Ordering::Relaxed) < MOST_IDLE {
        true => waiting.recv_timeout(PATIENCE).ok(),
        false => None,
    };
    idle.fetch_sub(1, Ordering::Relaxed);
    work
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::RecvTimeoutError;
    use std::time::Instant;

    const DEADLINE: Duration = Duration::from_secs(30);

    /// Runs some work and says which thread did it.
    fn worker(threads: &Threads) -> thread::ThreadId {
        let (tell, told) = bounded(1);
        let tell = move || tell.send(thread::current().id()).expect("somebody wants to know");
        threads.run(tell).expect("a thread");
        told.recv_timeout(DEADLINE).expect("it was done")
    }

    #[test]
    fn a_thread_is_used_again_and_a_busy_one_is_not() {
        let threads = Threads::new(64 * 1024);
        let first = worker(&threads);
        let begin = Instant::now();
        // It takes a moment until it waits.
        while worker(&threads) != first {
            assert!(begin.elapsed() < DEADLINE, "it is not used again");
        }
        let (release, held) = bounded::<()>(0);
        threads.run(move || assert!(held.recv_timeout(DEADLINE).is_err())).expect("a thread");
        worker(&threads);
        drop(release);
    }

    #[test]
    fn those_that_wait_end_with_the_server() {
        let threads = Threads::new(64 * 1024);
        worker(&threads);
        let waiting = threads.waiting.clone();
        drop(threads);
        assert!(matches!(waiting.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected)));
    }
}

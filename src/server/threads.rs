//! The threads of sockets: one for each, used again for the next one.
//!
//! Owns how a thread is found and what it does when its socket is gone. Starting and ending a thread costs the operating
//! system more than a whole handshake (its stack, its signal stack, their guard pages): measured, docs/PERFORMANCE.md.
//! Knows nothing of what the threads do.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
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
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// There is no thread for it.
pub(super) struct NoThread {
    pub(super) why: io::Error,
    /// What is still to be done.
    pub(super) work: Work,
}

impl fmt::Debug for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

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
    /// The operating system has no thread for it.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> Result<(), NoThread> {
        match self.next.try_send(Box::new(work)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => self.start(work),
        }
    }

    fn start(&self, work: Work) -> Result<(), NoThread> {
        let (waiting, idle) = (self.waiting.clone(), Arc::clone(&self.idle));
        let here = Arc::new(Mutex::new(Some(work)));
        let there = Arc::clone(&here);
        let thread = thread::Builder::new().name("socket".into()).stack_size(self.stack);
        match thread.spawn(move || live(take(there), &waiting, &idle)) {
            Ok(_) => Ok(()),
            // It was not started, so nobody has taken it.
            Err(why) => Err(NoThread { why, work: take(here).unwrap_or_else(|| Box::new(|| {})) }),
        }
    }
}

/// The work that was put there: what is moved into a thread that does not start is gone.
fn take(place: Arc<Mutex<Option<Work>>>) -> Option<Work> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn live(first: Option<Work>, waiting: &Receiver<Work>, idle: &AtomicUsize) {
    let mut next = first;
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

    /// More stack than there is memory to address.
    #[test]
    fn without_a_thread_the_work_comes_back() {
        let (tell, told) = bounded(1);
        let refused = Threads::new(usize::MAX / 4 * 3).run(move || tell.send(()).expect("somebody wants to know"));
        (refused.expect_err("no thread").work)();
        told.try_recv().expect("it was done");
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

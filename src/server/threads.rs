//! The threads of sockets: one for each, used again for the next one.
//!
//! Owns how a thread is found and what it does when its socket is gone. Starting and ending a thread costs the operating
//! system more than a whole handshake (its stack, its signal stack, their guard pages).
//! Knows nothing of what the threads do.

use crate::spawn::{Work, spawn};
use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Threads that wait for a socket, at most: what they keep is memory.
const MOST_IDLE: usize = 64;

/// How long a thread waits for its next socket.
const PATIENCE: Duration = Duration::from_secs(2);

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
    waiting: Arc<Waiting>,
    stack: usize,
}

/// Where threads wait for work.
struct Waiting {
    list: Mutex<List>,
    news: Condvar,
    patience: Duration,
}

#[derive(Default)]
struct List {
    /// Threads that wait.
    idle: usize,
    /// For them: never more than there are.
    works: Vec<Work>,
    over: bool,
}

impl Threads {
    /// Threads with so many bytes of stack; none yet. Those that wait end when this is dropped.
    pub(super) fn new(stack: usize) -> Self {
        Self::with_patience(stack, PATIENCE)
    }

    fn with_patience(stack: usize, patience: Duration) -> Self {
        let waiting = Waiting { list: Mutex::default(), news: Condvar::new(), patience };
        Self { waiting: Arc::new(waiting), stack }
    }

    /// Has a thread do the work, which catches its panics itself: one that waits, or a new one.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> Result<(), NoThread> {
        match self.waiting.give(Box::new(work)) {
            None => Ok(()),
            Some(work) => self.start(work),
        }
    }

    fn start(&self, work: Work) -> Result<(), NoThread> {
        let waiting = Arc::clone(&self.waiting);
        let here = Arc::new(Mutex::new(Some(work)));
        let there = Arc::clone(&here);
        match spawn("socket", self.stack, Box::new(move || live(take(there), &waiting))) {
            Ok(()) => Ok(()),
            // It was not started, so nobody has taken it.
            Err(why) => Err(NoThread { why, work: take(here).unwrap_or_else(|| Box::new(|| {})) }),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.waiting.list().over = true;
        self.waiting.news.notify_all();
    }
}

impl Waiting {
    /// Gives the work to a thread that waits; back, if none does.
    fn give(&self, work: Work) -> Option<Work> {
        let mut list = self.list();
        if list.works.len() == list.idle {
            return Some(work);
        }
        list.works.push(work);
        drop(list);
        self.news.notify_one();
        None
    }

    /// The next work. `None`: enough others wait, or none came for a while, or there is no server any more.
    fn wait(&self) -> Option<Work> {
        let mut list = self.list();
        if list.idle == MOST_IDLE {
            return None;
        }
        list.idle += 1;
        let nothing = |list: &mut List| list.works.is_empty() && !list.over;
        let (mut list, _) =
            self.news.wait_timeout_while(list, self.patience, nothing).unwrap_or_else(PoisonError::into_inner);
        list.idle -= 1;
        list.works.pop()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work that was put there: what is moved into a thread that does not start is gone.
fn take(place: Arc<Mutex<Option<Work>>>) -> Option<Work> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn live(first: Option<Work>, waiting: &Waiting) {
    let mut next = first;
    while let Some(work) = next {
        work();
        next = waiting.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use std::{thread, time::Instant};

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
        let (tell, told) = bounded(1);
        let busy = move || {
            tell.send(thread::current().id()).expect("somebody wants to know");
            let _ = held.recv_timeout(DEADLINE);
        };
        threads.run(busy).expect("a thread");
        let busy = told.recv_timeout(DEADLINE).expect("it has begun");
        assert_ne!(worker(&threads), busy);
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
        let threads = Threads::with_patience(64 * 1024, 2 * DEADLINE);
        worker(&threads);
        let waiting = Arc::downgrade(&threads.waiting);
        drop(threads);
        let begin = Instant::now();
        while waiting.strong_count() > 0 {
            assert!(begin.elapsed() < DEADLINE, "it still waits");
            thread::yield_now();
        }
    }
}

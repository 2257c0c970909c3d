//! The threads of sockets: one for each, used again for the next one.
//!
//! Owns how a thread is found and what it does when its socket is gone. Starting and ending a thread costs the operating
//! system more than a whole handshake (its stack, its signal stack, their guard pages).
//! Knows nothing of what the threads do.

use crate::ws::spawn::{Work, spawn};
use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Threads that wait for a socket, at most: what they keep is memory.
const MOST_IDLE: usize = 64;

/// How long a thread waits for its next socket.
const PATIENCE: Duration = Duration::from_secs(2);

/// The shortest wait: at the end of its patience, a thread's next work may just be on its way.
const SHORTEST: Duration = Duration::from_millis(1);

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
    patience: Duration,
}

#[derive(Default)]
struct List {
    /// Threads that wait. The last one is the next to work: what it needs is still in the processor's caches, and those
    /// that nobody needs wait in vain, and end.
    idle: Vec<Arc<Place>>,
    over: bool,
}

/// Of a thread: where its next work is put.
struct Place {
    work: Mutex<Option<Work>>,
    thread: Thread,
}

impl Threads {
    /// Threads with so many bytes of stack; none yet. Those that wait end when this is dropped.
    pub(super) fn new(stack: usize) -> Self {
        Self::with_patience(stack, PATIENCE)
    }

    fn with_patience(stack: usize, patience: Duration) -> Self {
        let waiting = Waiting { list: Mutex::default(), patience };
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
        let mut list = self.waiting.list();
        list.over = true;
        list.idle.iter().for_each(|place| place.thread.unpark());
    }
}

impl Waiting {
    /// Gives the work to a thread that waits; back, if none does.
    fn give(&self, work: Work) -> Option<Work> {
        let Some(place) = self.list().idle.pop() else { return Some(work) };
        place.put(work);
        None
    }

    /// The next work. `None`: enough others wait, or none came for a while, or there is no server any more.
    fn wait(&self, place: &Arc<Place>) -> Option<Work> {
        let mut list = self.list();
        if list.over || list.idle.len() == MOST_IDLE {
            return None;
        }
        list.idle.push(Arc::clone(place));
        drop(list);
        let until = Instant::now() + self.patience;
        let mut left = self.patience;
        loop {
            thread::park_timeout(left.max(SHORTEST));
            if let Some(work) = place.take() {
                return Some(work);
            }
            left = until.saturating_duration_since(Instant::now());
            if self.leave(place, left.is_zero()) {
                return None;
            }
        }
    }

    /// Takes it from the list, if it has waited long enough. False: it has to go on, perhaps for work that is just coming.
    fn leave(&self, place: &Arc<Place>, enough: bool) -> bool {
        let mut list = self.list();
        let at = list.idle.iter().position(|other| Arc::ptr_eq(other, place));
        let Some(at) = at.filter(|_| enough || list.over) else { return false };
        list.idle.remove(at);
        true
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn put(&self, work: Work) {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        self.thread.unpark();
    }

    fn take(&self) -> Option<Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The work that was put there: what is moved into a thread that does not start is gone.
fn take(place: Arc<Mutex<Option<Work>>>) -> Option<Work> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn live(first: Option<Work>, waiting: &Waiting) {
    let place = Arc::new(Place { work: Mutex::new(first), thread: thread::current() });
    let mut next = place.take();
    while let Some(work) = next {
        work();
        next = waiting.wait(&place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::{Sender, bounded};

    const DEADLINE: Duration = Duration::from_secs(30);

    /// Runs some work and says which thread did it.
    fn worker(threads: &Threads) -> thread::ThreadId {
        let (tell, told) = bounded(1);
        let tell = move || tell.send(thread::current().id()).expect("somebody wants to know");
        threads.run(tell).expect("a thread");
        told.recv_timeout(DEADLINE).expect("it was done")
    }

    /// Work that goes on until what comes first is dropped, and which thread does it.
    fn busy(threads: &Threads) -> (Sender<()>, thread::ThreadId) {
        let ((tell, told), (hold, held)) = (bounded(1), bounded(0));
        let work = move || {
            tell.send(thread::current().id()).expect("somebody wants to know");
            let _ = held.recv_timeout(DEADLINE);
        };
        threads.run(work).expect("a thread");
        (hold, told.recv_timeout(DEADLINE).expect("it has begun"))
    }

    #[track_caller]
    fn until(what: &str, is_so: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < DEADLINE, "not in time: {what}");
            thread::yield_now();
        }
    }

    #[test]
    fn a_thread_is_used_again_and_a_busy_one_is_not() {
        let threads = Threads::new(64 * 1024);
        let first = worker(&threads);
        // It takes a moment until it waits.
        until("it is used again", || worker(&threads) == first);
        let (_hold, busy) = busy(&threads);
        assert_ne!(worker(&threads), busy);
    }

    #[test]
    fn who_waits_for_the_shortest_time_works_first_and_the_others_end() {
        let threads = Threads::with_patience(64 * 1024, Duration::from_millis(100));
        let idle = |many: usize| until("so many wait", || threads.waiting.list().idle.len() == many);
        let [(first, _), (second, last)] = [(); 2].map(|()| busy(&threads));
        drop(first);
        idle(1);
        drop(second);
        idle(2);
        assert_eq!(worker(&threads), last);
        idle(0);
    }

    #[test]
    fn only_so_many_wait() {
        let threads = Threads::with_patience(64 * 1024, 2 * DEADLINE);
        let many: Vec<_> = (0..MOST_IDLE + 2).map(|_| busy(&threads)).collect();
        drop(many);
        // Each thread holds the place where they wait, and so does what starts them.
        until("two have ended", || Arc::strong_count(&threads.waiting) == 1 + MOST_IDLE);
        until("the others wait", || threads.waiting.list().idle.len() == MOST_IDLE);
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
        until("it waits no more", || waiting.strong_count() == 0);
    }
}

//! Threads for sockets: one thread serves a socket to its end, and is then used for another one. A new thread for each socket
//! would add half of what a connection costs.

use crate::ws::spawn::{Job, spawn};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Threads that wait for a socket, at most. Their stacks use memory.
const MAX_IDLE: usize = 64;

/// How long a thread waits for a socket before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool of threads. Idle threads end when it is dropped.
pub(super) struct ThreadPool {
    stack_size: usize,
    shared: Arc<Shared>,
}

/// What the pool and its threads share. (Not a channel: that would be 6 KiB of code.)
struct Shared {
    idle_timeout: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// One for each idle thread, at most.
    jobs: VecDeque<Job>,
    idle: usize,
    is_dropped: bool,
}

impl ThreadPool {
    /// A pool whose threads have that many bytes of stack. It starts without threads.
    pub(super) fn new(stack_size: usize) -> Self {
        Self::with_idle_timeout(stack_size, IDLE_TIMEOUT)
    }

    fn with_idle_timeout(stack_size: usize, idle_timeout: Duration) -> Self {
        let shared = Shared { idle_timeout, state: Mutex::default(), changed: Condvar::new() };
        Self { stack_size, shared: Arc::new(shared) }
    }

    /// Runs the job on an idle thread, or on a new one.
    ///
    /// # Errors
    /// The operating system has no thread left. The job is dropped.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.jobs.len() < state.idle {
            state.jobs.push_back(Box::new(job));
            self.shared.changed.notify_one();
            return Ok(());
        }
        drop(state);
        let shared = Arc::clone(&self.shared);
        spawn("socket", self.stack_size, Box::new(move || shared.run(Box::new(job))))
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.lock().is_dropped = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// A panic of a job ends its thread. The next job starts another one.
    fn run(&self, mut job: Job) {
        loop {
            job();
            match self.next_job() {
                Some(next) => job = next,
                None => return,
            }
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        if state.idle == MAX_IDLE {
            return None;
        }
        state.idle += 1;
        let must_wait = |state: &mut State| state.jobs.is_empty() && !state.is_dropped;
        let waited = self.changed.wait_timeout_while(state, self.idle_timeout, must_wait);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.jobs.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::{Sender, bounded};
    use std::{
        thread::{self, ThreadId},
        time::Instant,
    };

    const DEADLINE: Duration = Duration::from_secs(30);

    /// Runs a job that blocks until the sender is dropped. Returns the thread that runs it.
    fn block(pool: &ThreadPool) -> (Sender<()>, ThreadId) {
        let ((started, start), (release, released)) = (bounded(1), bounded::<()>(0));
        let job = move || {
            started.send(thread::current().id()).expect("the test waits");
            let _ = released.recv_timeout(DEADLINE);
        };
        pool.run(job).expect("a thread");
        (release, start.recv_timeout(DEADLINE).expect("it has started"))
    }

    #[track_caller]
    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < DEADLINE, "not in time: {what}");
            thread::yield_now();
        }
    }

    #[test]
    fn an_idle_thread_is_reused_and_a_busy_one_is_not() {
        let pool = ThreadPool::new(64 * 1024);
        let (release, first) = block(&pool);
        let (_second, other) = block(&pool);
        assert_ne!(other, first);
        drop(release);
        wait_until("the first thread is reused", || block(&pool).1 == first);
    }

    #[test]
    fn at_most_so_many_threads_are_idle() {
        let pool = ThreadPool::with_idle_timeout(64 * 1024, 2 * DEADLINE);
        let jobs: Vec<_> = (0..MAX_IDLE + 2).map(|_| block(&pool)).collect();
        drop(jobs);
        // Each thread and the pool hold the shared part.
        wait_until("two threads have ended", || Arc::strong_count(&pool.shared) == 1 + MAX_IDLE);
        wait_until("the others are idle", || pool.shared.lock().idle == MAX_IDLE);
    }

    #[test]
    fn a_thread_ends_after_its_idle_timeout() {
        let pool = ThreadPool::with_idle_timeout(64 * 1024, Duration::from_millis(1));
        drop(block(&pool));
        wait_until("it has ended", || Arc::strong_count(&pool.shared) == 1);
    }

    #[test]
    fn a_panic_ends_one_thread_only() {
        let pool = ThreadPool::new(64 * 1024);
        pool.run(|| panic!("a bug in a job")).expect("a thread");
        drop(block(&pool));
    }

    /// A stack larger than the address space.
    #[test]
    fn without_a_thread_the_job_is_dropped() {
        let (sender, receiver) = bounded::<()>(0);
        ThreadPool::new(usize::MAX / 4 * 3).run(move || drop(sender)).expect_err("no thread");
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn idle_threads_end_with_the_pool() {
        let pool = ThreadPool::with_idle_timeout(64 * 1024, 2 * DEADLINE);
        drop(block(&pool));
        wait_until("it is idle", || pool.shared.lock().idle == 1);
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        wait_until("it has ended", || shared.strong_count() == 0);
    }
}

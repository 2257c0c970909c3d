//! Threads for sockets: one thread serves a socket to its end, and is then used for another one. Starting and ending a thread
//! costs more than a handshake.

use crate::ws::spawn::{Job, spawn};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Threads that wait for a socket, at most. Their stacks use memory.
const MAX_IDLE: usize = 64;

/// How long a thread waits for a socket before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool of threads. Idle threads end when it is dropped.
#[derive(Debug)]
pub(super) struct ThreadPool {
    stack_size: usize,
    /// Without capacity: only an idle thread can take a job.
    jobs: Sender<Job>,
    worker: Worker,
}

/// What each thread of the pool has.
#[derive(Debug, Clone)]
struct Worker {
    jobs: Receiver<Job>,
    idle: Arc<AtomicUsize>,
    idle_timeout: Duration,
}

impl ThreadPool {
    /// A pool whose threads have that many bytes of stack. It starts without threads.
    pub(super) fn new(stack_size: usize) -> Self {
        Self::with_idle_timeout(stack_size, IDLE_TIMEOUT)
    }

    fn with_idle_timeout(stack_size: usize, idle_timeout: Duration) -> Self {
        let (sender, jobs) = bounded(0);
        Self { stack_size, jobs: sender, worker: Worker { jobs, idle: Arc::default(), idle_timeout } }
    }

    /// Runs the job on an idle thread, or on a new one.
    ///
    /// # Errors
    /// The operating system has no thread left. The job is dropped.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        match self.jobs.try_send(Box::new(job)) {
            Ok(()) => Ok(()),
            Err(not_sent) => {
                let (job, worker) = (not_sent.into_inner(), self.worker.clone());
                spawn("socket", self.stack_size, Box::new(move || worker.run(job)))
            }
        }
    }
}

impl Worker {
    /// A panic of a job ends its thread. The next job starts another one.
    fn run(&self, mut job: Job) {
        loop {
            job();
            let next = (self.idle.fetch_add(1, Relaxed) < MAX_IDLE).then(|| self.jobs.recv_timeout(self.idle_timeout));
            self.idle.fetch_sub(1, Relaxed);
            match next {
                Some(Ok(next)) => job = next,
                Some(Err(_)) | None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        // Each thread and the pool hold the counter.
        wait_until("two threads have ended", || Arc::strong_count(&pool.worker.idle) == 1 + MAX_IDLE);
        wait_until("the others are idle", || pool.worker.idle.load(Relaxed) == MAX_IDLE);
    }

    #[test]
    fn a_thread_ends_after_its_idle_timeout() {
        let pool = ThreadPool::with_idle_timeout(64 * 1024, Duration::from_millis(1));
        drop(block(&pool));
        wait_until("it has ended", || Arc::strong_count(&pool.worker.idle) == 1);
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
        wait_until("it is idle", || pool.worker.idle.load(Relaxed) == 1);
        let idle = Arc::downgrade(&pool.worker.idle);
        drop(pool);
        wait_until("it has ended", || idle.strong_count() == 0);
    }
}

//! Threads for sockets: one thread serves a socket to its end, and is then used for another one. A new thread for each socket
//! would add half of what a connection costs.

use crate::ws::queue::{Producer, Queue, queue};
use crate::ws::spawn::{Job, spawn};
use std::{io, sync::Arc, time::Duration};

/// Threads that wait for a socket, at most. Their stacks use memory.
const MAX_IDLE: usize = 64;

/// How long a thread waits for a socket before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool of threads. Idle threads end when it is dropped.
pub(super) struct ThreadPool {
    stack_size: usize,
    idle_timeout: Duration,
    /// Each job in the queue is for one of the idle threads, which wait for jobs.
    producer: Producer<Job>,
    jobs: Arc<Queue<Job>>,
}

impl ThreadPool {
    /// A pool whose threads have that many bytes of stack. It starts without threads.
    pub(super) fn new(stack_size: usize) -> Self {
        let (producer, jobs) = queue(MAX_IDLE);
        Self { stack_size, idle_timeout: IDLE_TIMEOUT, producer, jobs }
    }

    /// Runs the job on an idle thread, or on a new one.
    ///
    /// # Errors
    /// The operating system has no thread left. The job is dropped.
    pub(super) fn run(&self, job: Job) -> io::Result<()> {
        let Err(job) = self.producer.offer(job) else { return Ok(()) };
        let (jobs, idle_timeout) = (Arc::clone(&self.jobs), self.idle_timeout);
        // A panic of a job ends its thread. The next job starts another one.
        let run_jobs = move || {
            let mut next = Some(job);
            while let Some(job) = next {
                job();
                next = jobs.pop(idle_timeout);
            }
        };
        spawn("socket", self.stack_size, Box::new(run_jobs))
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
        pool.run(Box::new(job)).expect("a thread");
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
        let pool = ThreadPool { idle_timeout: 2 * DEADLINE, ..ThreadPool::new(64 * 1024) };
        let jobs: Vec<_> = (0..MAX_IDLE + 2).map(|_| block(&pool)).collect();
        drop(jobs);
        // Each thread holds the queue, and the pool holds it twice.
        wait_until("two threads have ended", || Arc::strong_count(&pool.jobs) == 2 + MAX_IDLE);
        wait_until("the others are idle", || pool.jobs.waiting() == MAX_IDLE);
    }

    #[test]
    fn a_thread_ends_after_its_idle_timeout() {
        let pool = ThreadPool { idle_timeout: Duration::from_millis(1), ..ThreadPool::new(64 * 1024) };
        drop(block(&pool));
        wait_until("it has ended", || Arc::strong_count(&pool.jobs) == 2);
    }

    #[test]
    fn a_panic_ends_one_thread_only() {
        let pool = ThreadPool::new(64 * 1024);
        pool.run(Box::new(|| panic!("a bug in a job"))).expect("a thread");
        drop(block(&pool));
    }

    /// A stack larger than the address space.
    #[test]
    fn without_a_thread_the_job_is_dropped() {
        let (sender, receiver) = bounded::<()>(0);
        ThreadPool::new(usize::MAX / 4 * 3).run(Box::new(move || drop(sender))).expect_err("no thread");
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn idle_threads_end_with_the_pool() {
        let pool = ThreadPool { idle_timeout: 2 * DEADLINE, ..ThreadPool::new(64 * 1024) };
        drop(block(&pool));
        wait_until("it is idle", || pool.jobs.waiting() == 1);
        let jobs = Arc::downgrade(&pool.jobs);
        drop(pool);
        wait_until("it has ended", || jobs.strong_count() == 0);
    }
}

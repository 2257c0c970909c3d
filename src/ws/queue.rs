//! Queues between two threads. A channel of crossbeam would be about 5 KiB of code for each type of its values.

use std::{
    collections::VecDeque,
    ops::Deref,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Values that some threads add and others take, in order. It has no limit of its own.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    values: VecDeque<T>,
    /// Threads that wait for a value.
    waiting: usize,
    is_closed: bool,
}

/// The end that adds values. Dropping it closes the queue.
#[derive(Debug)]
pub(crate) struct Producer<T>(Arc<Queue<T>>);

/// A queue, and the end that adds values.
pub(crate) fn queue<T>() -> (Producer<T>, Arc<Queue<T>>) {
    let state = Mutex::new(State { values: VecDeque::new(), waiting: 0, is_closed: false });
    let queue = Arc::new(Queue { state, changed: Condvar::new() });
    (Producer(Arc::clone(&queue)), queue)
}

impl<T> Queue<T> {
    pub(crate) fn push(&self, value: T) {
        self.lock().values.push_back(value);
        self.changed.notify_one();
    }

    /// Adds the value if a thread waits for it.
    ///
    /// # Errors
    /// No thread waits. The value comes back.
    pub(crate) fn offer(&self, value: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.values.len() >= state.waiting {
            return Err(value);
        }
        state.values.push_back(value);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the first value, and waits for one at most that long. `None`: none came, or the queue is closed and empty.
    pub(crate) fn pop(&self, timeout: Duration) -> Option<T> {
        self.pop_unless_crowded(usize::MAX, timeout)
    }

    /// As [`Queue::pop`], unless that many threads wait already.
    pub(crate) fn pop_unless_crowded(&self, max_waiting: usize, timeout: Duration) -> Option<T> {
        let mut state = self.lock();
        if state.waiting >= max_waiting {
            return None;
        }
        state.waiting += 1;
        let must_wait = |state: &mut State<T>| state.values.is_empty() && !state.is_closed;
        let result = self.changed.wait_timeout_while(state, timeout, must_wait);
        let (mut state, _) = result.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.values.pop_front()
    }

    /// How many threads wait for a value.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Producer<T> {
    type Target = Arc<Queue<T>>;

    fn deref(&self) -> &Arc<Queue<T>> {
        &self.0
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

//! Queues between two threads. A channel of crossbeam would be about 5 KiB of code for each type of its values.

use crate::ws::spawn::lock;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{collections::VecDeque, time::Duration};

/// Values that some threads add and another one takes, in order. It has no limit of its own.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    max_waiting: usize,
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

/// A queue in which at most so many threads wait for values, and the end that adds values.
pub(crate) fn queue<T>(max_waiting: usize) -> (Producer<T>, Arc<Queue<T>>) {
    let state = Mutex::new(State { values: VecDeque::new(), waiting: 0, is_closed: false });
    let queue = Arc::new(Queue { state, changed: Condvar::new(), max_waiting });
    (Producer(Arc::clone(&queue)), queue)
}

impl<T> Queue<T> {
    /// Takes the first value, and waits for one at most that long. `None`: none came, the queue is closed and empty, or enough
    /// threads wait already.
    pub(crate) fn pop(&self, timeout: Duration) -> Option<T> {
        let mut state = lock(&self.state);
        if state.waiting >= self.max_waiting {
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
        lock(&self.state).waiting
    }
}

impl<T> Producer<T> {
    pub(crate) fn push(&self, value: T) {
        lock(&self.0.state).values.push_back(value);
        self.0.changed.notify_one();
    }

    /// Adds the value if a thread waits for it.
    ///
    /// # Errors
    /// No thread waits. The value comes back.
    pub(crate) fn offer(&self, value: T) -> Result<(), T> {
        let mut state = lock(&self.0.state);
        if state.values.len() >= state.waiting {
            return Err(value);
        }
        state.values.push_back(value);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const DEADLINE: Duration = Duration::from_secs(30);

    #[test]
    fn values_arrive_in_order_and_the_end_after_them() {
        let (producer, values) = queue(1);
        let taker = thread::spawn(move || [(); 3].map(|()| values.pop(DEADLINE)));
        (1..=2).for_each(|value| producer.push(value));
        drop(producer);
        assert_eq!(taker.join().expect("no panic"), [Some(1), Some(2), None]);
    }

    #[test]
    fn a_value_is_offered_to_a_waiting_thread_only() {
        let (producer, values) = queue(1);
        assert_eq!((producer.offer(1), values.pop(Duration::ZERO)), (Err(1), None));
        let (waiting, taken) = (Arc::clone(&values), thread::spawn(move || values.pop(DEADLINE)));
        while waiting.waiting() == 0 {
            thread::yield_now();
        }
        assert_eq!(waiting.pop(DEADLINE), None, "one thread waits already");
        assert_eq!((producer.offer(2), taken.join().expect("no panic")), (Ok(()), Some(2)));
    }
}

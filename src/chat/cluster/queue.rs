//! Entries of this node that it has not read in the stream yet. The chat's thread adds them and never waits; a thread of its
//! own appends them to the stream, and again after it lost its connection.

use super::logged::{Logged, NodeId};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Bytes that may wait. Beyond that, messages and new connections are refused.
const MAX_BYTES: usize = 4 << 20;

/// Memory of a batch besides its text.
const OVERHEAD: usize = 64;

/// Batches that are appended together.
const MAX_APPENDED: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the thread that appends.
    work: Condvar,
    /// Wakes the chat's thread, which waits only at the end.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    node: NodeId,
    /// The number of the last batch.
    last: u64,
    batches: VecDeque<Batch>,
    /// How many of them were appended.
    appended: usize,
    bytes: usize,
    is_closing: bool,
}

/// What becomes one entry.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) node: NodeId,
    pub(super) seq: u64,
    pub(super) inputs: Arc<str>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: the batches that follow are of this node, numbered from 1.
    pub(crate) fn restart(&self, node: NodeId) {
        *self.lock() = State { node, ..State::default() };
    }

    /// Adds a batch, also beyond the bound. Returns its number.
    pub(crate) fn push(&self, inputs: &[Logged]) -> u64 {
        let inputs: Arc<str> = serde_json::to_string(inputs).unwrap_or_default().into();
        let mut state = self.lock();
        state.last += 1;
        state.bytes += inputs.len() + OVERHEAD;
        let batch = Batch { node: state.node, seq: state.last, inputs };
        state.batches.push_back(batch);
        self.work.notify_one();
        state.last
    }

    /// The entries up to this number are in the stream.
    pub(crate) fn acknowledge(&self, seq: u64) {
        let mut state = self.lock();
        while state.batches.front().is_some_and(|batch| batch.seq <= seq) {
            let Some(batch) = state.batches.pop_front() else { return };
            state.bytes -= batch.inputs.len() + OVERHEAD;
            state.appended = state.appended.saturating_sub(1);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().bytes > MAX_BYTES
    }

    /// Waits for batches that have to be appended. `None`: there will be no more.
    pub(super) fn next(&self) -> Option<Vec<Batch>> {
        let is_idle = |state: &mut State| state.appended == state.batches.len() && !state.is_closing;
        let state = self.work.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let batches: Vec<Batch> = state.batches.iter().skip(state.appended).take(MAX_APPENDED).cloned().collect();
        (!batches.is_empty()).then_some(batches)
    }

    /// These batches were appended.
    pub(super) fn appended(&self, batches: &[Batch]) {
        let Some(last) = batches.last() else { return };
        let mut state = self.lock();
        if state.node == last.node {
            state.appended = state.batches.iter().take_while(|batch| batch.seq <= last.seq).count();
        }
        self.done.notify_one();
    }

    /// What was appended and not read may be lost: all of it has to be appended again.
    pub(super) fn append_again(&self) {
        self.lock().appended = 0;
    }

    /// Ends the thread that appends, after the last batch if that does not take too long.
    pub(crate) fn close(&self, most: Duration) {
        let end = Instant::now() + most;
        let mut state = self.lock();
        state.is_closing = true;
        self.work.notify_one();
        while state.appended < state.batches.len() && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().is_closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(batches: Option<Vec<Batch>>) -> Vec<u64> {
        batches.into_iter().flatten().map(|batch| batch.seq).collect()
    }

    #[test]
    fn entries_wait_until_they_are_read_and_are_appended_again_after_a_loss() {
        let queue = Queue::default();
        queue.restart(7);
        for _ in 0..4 {
            queue.push(&[Logged::Binary { id: 1 }]);
        }
        let first = queue.next().expect("all of them");
        assert_eq!((numbers(Some(first.clone())), first[0].node), (vec![1, 2, 3, 4], 7));
        queue.appended(&first[..3]);
        assert_eq!(numbers(queue.next()), [4]);
        queue.acknowledge(2);
        queue.append_again();
        assert_eq!(numbers(queue.next()), [3, 4], "what was read is not appended again");
        queue.acknowledge(4);
        assert_eq!(queue.lock().bytes, 0);
        queue.push(&[]);
        queue.restart(8);
        queue.close(Duration::ZERO);
        assert!(queue.next().is_none(), "entries of an earlier number are forgotten");
    }

    #[test]
    fn queue_is_full_above_its_bound_and_accepts_what_must_not_be_lost() {
        let queue = Queue::default();
        let text = Logged::Text { id: 1, text: "x".repeat(64 * 1024) };
        while !queue.is_full() {
            queue.push(std::slice::from_ref(&text));
        }
        let last = queue.push(&[Logged::Left { id: 1, is_lost: true }]);
        assert!((64..=66).contains(&last), "{last} entries");
        queue.acknowledge(last - 3);
        assert!(!queue.is_full());
    }
}

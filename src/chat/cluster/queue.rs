//! Entries of this node that it has not read in the stream yet. The chat's thread adds them and never waits; a thread of its
//! own appends them to the stream, and again after it lost its connection.

use super::{
    RETRY,
    replica::{Logged, NodeId},
    store::Store,
};
use log::warn;
use redis::Client;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Bytes that may wait. Beyond that, messages and new connections are refused.
const MAX_BYTES: usize = 4 << 20;

/// Memory of an entry besides its text.
const OVERHEAD: usize = 64;

/// Entries that are appended together.
const MAX_APPENDED: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    node: NodeId,
    /// The number of the last entry.
    last: u64,
    /// The last entry that was appended.
    appended: u64,
    /// The entries up to `last` that were not read yet.
    entries: VecDeque<Waiting>,
    bytes: usize,
    is_closing: bool,
}

/// An entry that was not read yet.
#[derive(Debug, Clone)]
struct Waiting {
    node: NodeId,
    seq: u64,
    json: Arc<str>,
}

impl State {
    /// Whether an entry has to be appended.
    fn has_work(&self) -> bool {
        self.entries.back().is_some_and(|entry| entry.seq > self.appended)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: the entries that follow are of this node, numbered from 1.
    pub(super) fn restart(&self, node: NodeId) {
        *self.lock() = State { node, ..State::default() };
    }

    /// Adds an entry, also beyond the bound.
    pub(crate) fn push(&self, input: &Logged) {
        let mut state = self.lock();
        state.last += 1;
        let (node, seq) = (state.node, state.last);
        let json: Arc<str> = serde_json::to_string(&(node, seq, input)).unwrap_or_default().into();
        state.bytes += json.len() + OVERHEAD;
        state.entries.push_back(Waiting { node, seq, json });
        self.changed.notify_all();
    }

    /// The entries up to this number were read.
    pub(super) fn acknowledge(&self, seq: u64) {
        let mut state = self.lock();
        while let Some(entry) = state.entries.front().filter(|entry| entry.seq <= seq) {
            state.bytes -= entry.json.len() + OVERHEAD;
            state.entries.pop_front();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().bytes > MAX_BYTES
    }

    /// Appends what is pushed, until the queue is closed.
    pub(super) fn run(&self, client: &Client) {
        let (mut store, mut was_appended): (Option<Store>, _) = (None, true);
        while let Some(entries) = self.next() {
            let texts = entries.iter().map(|entry| &*entry.json);
            let result = match &mut store {
                Some(store) => store.append(texts),
                None => Store::connect(client).and_then(|new| store.insert(new).append(texts)),
            };
            let is_appended = matches!(result, Ok(true));
            if is_appended {
                self.appended(&entries);
            } else {
                // If the stream is missing, the thread that reads begins one.
                if was_appended {
                    warn!("cluster: Redis does not accept entries; they wait: {result:?}");
                }
                store = None;
                // What was appended and not read may be lost.
                self.lock().appended = 0;
                thread::sleep(RETRY);
            }
            was_appended = is_appended;
        }
    }

    /// Waits for entries that have to be appended. `None`: there will be no more.
    fn next(&self) -> Option<Vec<Waiting>> {
        let is_idle = |state: &mut State| !state.has_work() && !state.is_closing;
        let state = self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let entries = state.entries.iter().filter(|entry| entry.seq > state.appended);
        Some(entries.take(MAX_APPENDED).cloned().collect()).filter(|entries: &Vec<_>| !entries.is_empty())
    }

    fn appended(&self, entries: &[Waiting]) {
        let (mut state, Some(last)) = (self.lock(), entries.last()) else { return };
        if state.node == last.node {
            state.appended = last.seq;
        }
        self.changed.notify_all();
    }

    /// Ends the thread that appends, after the last entry if that does not take too long.
    pub(super) fn close(&self, most: Duration) {
        let mut state = self.lock();
        state.is_closing = true;
        self.changed.notify_all();
        let _ = self.changed.wait_timeout_while(state, most, |state| state.has_work());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(entries: Option<Vec<Waiting>>) -> Vec<u64> {
        entries.into_iter().flatten().map(|entry| entry.seq).collect()
    }

    #[test]
    fn entries_wait_until_they_are_read_and_are_appended_again_after_a_loss() {
        let queue = Queue::default();
        queue.restart(7);
        for _ in 0..4 {
            queue.push(&Logged::Binary(1));
        }
        let first = queue.next().expect("all of them");
        assert_eq!((numbers(Some(first.clone())), first[0].node), (vec![1, 2, 3, 4], 7));
        queue.appended(&first[..3]);
        assert_eq!(numbers(queue.next()), [4]);
        queue.acknowledge(2);
        queue.lock().appended = 0;
        assert_eq!(numbers(queue.next()), [3, 4], "what was read is not appended again");
        queue.acknowledge(4);
        queue.lock().appended = 0;
        assert!(!queue.lock().has_work(), "all were read after all");
        assert_eq!(queue.lock().bytes, 0);
        queue.push(&Logged::Alive);
        queue.restart(8);
        queue.appended(&first);
        queue.close(Duration::ZERO);
        assert!(queue.next().is_none(), "entries of an earlier number are forgotten");
    }

    #[test]
    fn queue_is_full_above_its_bound_and_accepts_what_must_not_be_lost() {
        let queue = Queue::default();
        let text = Logged::Text(1, "x".repeat(64 * 1024));
        while !queue.is_full() {
            queue.push(&text);
        }
        queue.push(&Logged::Left(1, true));
        let last = queue.lock().last;
        assert!((64..=66).contains(&last), "{last} entries");
        queue.acknowledge(last - 3);
        assert!(!queue.is_full());
    }
}

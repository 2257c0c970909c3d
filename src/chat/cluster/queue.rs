//! Entries of this node that it has not read in the stream yet. The chat's thread adds them and never waits; a thread of its
//! own appends them to the stream, and again after it lost its connection.

use super::replica::{Logged, NodeId};
use super::{RETRY, store::Store};
use crate::ws::spawn::lock;
use log::warn;
use redis::Client;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{collections::VecDeque, thread, time::Duration};

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
    /// The entries up to `last` that were not read yet, as JSON.
    entries: VecDeque<Arc<str>>,
    bytes: usize,
    is_closing: bool,
}

impl State {
    /// Whether an entry has to be appended.
    fn has_work(&self) -> bool {
        self.last > self.appended.max(self.read())
    }

    /// The last entry that was read.
    fn read(&self) -> u64 {
        self.last - self.entries.len() as u64
    }
}

impl Queue {
    /// Forgets everything: the entries that follow are of this node, numbered from 1.
    pub(super) fn restart(&self, node: NodeId) {
        *lock(&self.state) = State { node, ..State::default() };
    }

    /// Adds an entry, also beyond the bound.
    pub(crate) fn push(&self, input: &Logged) {
        let mut state = lock(&self.state);
        state.last += 1;
        let json = serde_json::to_string(&(state.node, state.last, input)).unwrap_or_default();
        state.bytes += json.len() + OVERHEAD;
        state.entries.push_back(json.into());
        self.changed.notify_all();
    }

    /// The entries up to this number were read.
    pub(super) fn acknowledge(&self, seq: u64) {
        let mut state = lock(&self.state);
        while state.read() < seq {
            let Some(json) = state.entries.pop_front() else { return };
            state.bytes -= json.len() + OVERHEAD;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).entries.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        lock(&self.state).bytes > MAX_BYTES
    }

    /// Appends what is pushed, until the queue is closed.
    pub(super) fn run(&self, client: &Client) {
        let (mut store, mut was_appended): (Option<Store>, _) = (None, true);
        while let Some((node, last, entries)) = self.next() {
            let texts = entries.iter().map(|json| &**json);
            let result = match &mut store {
                Some(store) => store.append(texts),
                None => Store::connect(client).and_then(|new| store.insert(new).append(texts)),
            };
            let is_appended = matches!(result, Ok(true));
            if is_appended {
                self.set_appended(node, last);
            } else {
                // If the stream is missing, the thread that reads begins one.
                if was_appended {
                    let why = result.map_or_else(|error| error.to_string(), |_| "it has no stream".to_owned());
                    warn!("cluster: Redis does not accept entries; they wait: {why}");
                }
                store = None;
                // What was appended and not read may be lost.
                lock(&self.state).appended = 0;
                thread::sleep(RETRY);
            }
            was_appended = is_appended;
        }
    }

    /// Waits for entries that have to be appended. Returns the node, and the number of the last one. `None`: there will be no more.
    fn next(&self) -> Option<(NodeId, u64, Vec<Arc<str>>)> {
        let is_idle = |state: &mut State| !state.has_work() && !state.is_closing;
        let state = self.changed.wait_while(lock(&self.state), is_idle).unwrap_or_else(PoisonError::into_inner);
        let before = state.appended.max(state.read());
        let skipped = (before - state.read()) as usize;
        let entries: Vec<_> = state.entries.iter().skip(skipped).take(MAX_APPENDED).cloned().collect();
        (!entries.is_empty()).then(|| (state.node, before + entries.len() as u64, entries))
    }

    fn set_appended(&self, node: NodeId, last: u64) {
        let mut state = lock(&self.state);
        if state.node == node {
            state.appended = last;
        }
        self.changed.notify_all();
    }

    /// Ends the thread that appends, after the last entry if that does not take too long.
    pub(super) fn close(&self, most: Duration) {
        let mut state = lock(&self.state);
        state.is_closing = true;
        self.changed.notify_all();
        let _ = self.changed.wait_timeout_while(state, most, |state| state.has_work());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The node and the numbers of the next entries.
    fn next(queue: &Queue) -> (NodeId, Vec<u64>) {
        let (node, last, entries) = queue.next().expect("entries");
        (node, (last + 1 - entries.len() as u64..=last).collect())
    }

    #[test]
    fn entries_wait_until_they_are_read_and_are_appended_again_after_a_loss() {
        let queue = Queue::default();
        queue.restart(7);
        for _ in 0..4 {
            queue.push(&Logged::Binary(1));
        }
        assert_eq!(next(&queue), (7, vec![1, 2, 3, 4]));
        queue.set_appended(7, 3);
        assert_eq!(next(&queue), (7, vec![4]));
        queue.acknowledge(2);
        lock(&queue.state).appended = 0;
        assert_eq!(next(&queue), (7, vec![3, 4]), "what was read is not appended again");
        queue.acknowledge(4);
        lock(&queue.state).appended = 0;
        assert!(!lock(&queue.state).has_work(), "all were read after all");
        assert_eq!(lock(&queue.state).bytes, 0);
        queue.push(&Logged::Alive);
        queue.restart(8);
        queue.set_appended(7, 4);
        assert_eq!(lock(&queue.state).appended, 0);
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
        let last = lock(&queue.state).last;
        assert!((64..=66).contains(&last), "{last} entries");
        queue.acknowledge(last - 3);
        assert!(!queue.is_full());
    }
}

//! What the chat's thread and the worker thread share: messages that are not in the file yet, and one query at a time.

use super::{HistoryError, error::ErrorReport, new_log_name};
use crate::chat::{
    protocol::StoredMessage,
    rules::{Erasure, RoomSnapshot},
};
use log::error;
use std::{
    collections::VecDeque,
    mem,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Memory of the messages that wait while the file is not writable, 4 MiB.
const MAX_BYTES: usize = 4 << 20;

/// Messages in one transaction, and their bytes: the write-ahead log grows by whole transactions.
const MAX_BATCH: usize = 2000;
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Deletions that wait for the file.
const MAX_ERASURES: usize = 1000;

/// The lock is held to move messages, never while a file is read or written.
#[derive(Debug)]
pub(super) struct Shared {
    file: PathBuf,
    state: Mutex<State>,
    /// Wakes the worker.
    pub(super) work: Condvar,
    /// Wakes the chat's thread.
    pub(super) done: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: WriteQueue,
    /// Stays until the worker has answered it, or the chat's thread has stopped waiting.
    pub(super) query: Option<Query>,
    /// The result of the last query. `None`: no query was answered, or the file is not readable.
    pub(super) answer: Option<RoomSnapshot>,
    pub(super) report: ErrorReport,
    /// How often a check was asked for, how often it was made, and what the last one has found.
    pub(super) checks_due: u64,
    pub(super) checks: u64,
    pub(super) found: Option<HistoryError>,
    /// The last wait timed out. Until the worker finishes something, the chat's thread does not wait again.
    pub(super) is_unresponsive: bool,
    pub(super) is_closing: bool,
    pub(super) has_ended: bool,
}

/// Asks for messages of a room.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) room: Arc<str>,
    pub(super) range: Range,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Range {
    /// The last messages, at most this many.
    Last(usize),
    /// The first of these messages that fit into `bytes`, and at least one.
    Between { after: u64, up_to: u64, bytes: usize },
}

impl Shared {
    pub(super) fn new(file: PathBuf) -> Self {
        let mut state = State::default();
        state.queue.log = new_log_name();
        Self { file, state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While messages cannot be stored: keeps the queue within its bound, and logs the error.
    pub(super) fn handle_error(&self) {
        let mut state = self.lock();
        if state.report.error.is_some() {
            let max_bytes = if state.report.is_permanent() { 0 } else { MAX_BYTES };
            state.queue.trim(max_bytes);
        }
        let line = state.report.due_line(Instant::now());
        drop(state);
        if let Some(line) = line {
            error!("history: {}: {line}", self.file.display());
        }
    }
}

/// Messages that are not in the file yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    messages: VecDeque<StoredMessage>,
    /// Includes the batch that is being written.
    bytes: usize,
    /// The newest messages in the file, in case that it is removed.
    written: VecDeque<StoredMessage>,
    written_bytes: usize,
    /// Messages that were dropped since the last recovery.
    pub(super) dropped: u64,
    /// The name of logs that begin now.
    pub(super) log: Arc<str>,
    /// Messages that are to be deleted from the file, after those before them are written.
    pub(super) erasures: Vec<Erasure>,
    /// The room and the number of each message that was deleted from the file, for the chat's thread.
    pub(super) erased: Vec<(Arc<str>, u64)>,
    /// All logs in the file must get that name, because clients know numbers that the file does not have.
    pub(super) must_rename: bool,
}

impl WriteQueue {
    /// Adds messages at the end.
    pub(super) fn push(&mut self, messages: &mut Vec<StoredMessage>) {
        self.bytes += messages.iter().map(StoredMessage::size).sum::<usize>();
        self.messages.extend(messages.drain(..));
    }

    /// Deletes messages that are in memory, and those in the file with the next write.
    pub(super) fn erase(&mut self, erasure: Erasure) {
        self.delete_in_memory(&erasure);
        self.erased.clear();
        self.erasures.push(erasure);
        // While the file is not writable, the oldest ones are lost above this number.
        self.erasures.drain(..self.erasures.len().saturating_sub(MAX_ERASURES));
    }

    fn delete_in_memory(&mut self, erasure: &Erasure) {
        for (messages, bytes) in [(&mut self.messages, &mut self.bytes), (&mut self.written, &mut self.written_bytes)] {
            for message in messages.iter_mut().filter(|message| erasure.includes(message)) {
                *bytes -= message.size();
                message.delete();
                *bytes += message.size();
            }
        }
    }

    /// A transaction has given the logs this name, and has deleted these messages for the first erasures.
    pub(super) fn finish_changes(&mut self, log: &Arc<str>, count: usize, erased: Vec<(Arc<str>, u64)>) {
        // There is a newer name if messages were dropped meanwhile.
        self.must_rename &= self.log != *log;
        let done: Vec<Erasure> = self.erasures.drain(..count.min(self.erasures.len())).collect();
        // Also in a batch that was being written when they came.
        done.iter().for_each(|erasure| self.delete_in_memory(erasure));
        self.erased.extend(erased);
    }

    /// Drops the oldest messages until the others fit into `max_bytes`.
    fn trim(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes {
            let Some(message) = self.messages.pop_front() else { return };
            self.bytes -= message.size();
            self.dropped += 1;
            self.rename();
        }
    }

    /// After each loss: clients may know a lost message's number under the previous name.
    pub(super) fn rename(&mut self) {
        (self.log, self.must_rename) = (new_log_name(), true);
    }

    /// Takes the next messages. [`Self::finish`] or [`Self::put_back`] follows.
    pub(super) fn take_batch(&mut self) -> Vec<StoredMessage> {
        let mut bytes = 0;
        let fits = |message: &&StoredMessage| {
            bytes += message.size();
            bytes <= MAX_BATCH_BYTES
        };
        let count = self.messages.iter().take(MAX_BATCH).take_while(fits).count();
        self.messages.drain(..count.max(1).min(self.messages.len())).collect()
    }

    /// The batch is stored.
    pub(super) fn finish(&mut self, batch: Vec<StoredMessage>) {
        let bytes = batch.iter().map(StoredMessage::size).sum::<usize>();
        self.bytes -= bytes;
        self.written_bytes += bytes;
        self.written.extend(batch);
        while self.written_bytes > MAX_BYTES {
            self.written_bytes -= self.written.pop_front().map_or(self.written_bytes, |message| message.size());
        }
    }

    /// The file has lost its content: what is still in memory is written again.
    pub(super) fn write_again(&mut self) {
        self.bytes += mem::take(&mut self.written_bytes);
        self.written.append(&mut self.messages);
        self.messages = mem::take(&mut self.written);
        self.rename();
    }

    /// The batch could not be stored.
    pub(super) fn put_back(&mut self, batch: Vec<StoredMessage>) {
        batch.into_iter().rev().for_each(|message| self.messages.push_front(message));
    }

    /// The number of messages that no write has begun for.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The waiting messages of a room, in order.
    pub(super) fn of_room(&self, room: &str) -> Vec<StoredMessage> {
        self.messages.iter().filter(|message| *message.room == *room).cloned().collect()
    }

    /// Whether all messages are written or dropped, and deleted where they must be.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.erasures.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(room: &str, numbers: std::ops::RangeInclusive<u64>, text: &str) -> Vec<StoredMessage> {
        numbers.map(|seq| StoredMessage::new(room, seq, "ann", text)).collect()
    }

    #[test]
    fn batches_leave_in_order_and_free_their_bytes() {
        let mut queue = WriteQueue::default();
        assert!(queue.take_batch().is_empty());
        queue.push(&mut messages("a", 1..=2500, "hi"));
        queue.push(&mut messages("b", 1..=2, "hi"));
        let batch = queue.take_batch();
        queue.put_back(batch);
        let batch = queue.take_batch();
        assert_eq!((batch.len(), batch[0].seq, batch[MAX_BATCH - 1].seq), (MAX_BATCH, 1, 2000));
        queue.finish(batch);
        assert_eq!((queue.of_room("a").len(), queue.of_room("b").len()), (500, 2));
        let batch = queue.take_batch();
        assert!(!queue.is_empty(), "the batch is not written yet");
        queue.finish(batch);
        assert_eq!((queue.is_empty(), queue.dropped, queue.must_rename), (true, 0, false));
    }

    #[test]
    fn oldest_messages_are_dropped_above_the_bound_and_logs_get_new_names() {
        let mut queue = WriteQueue::default();
        queue.push(&mut messages("a", 1..=1000, &"x".repeat(8000)));
        queue.trim(MAX_BYTES);
        let waiting = queue.of_room("a");
        assert!(queue.bytes <= MAX_BYTES && waiting.len() > 400, "{} bytes, {} messages", queue.bytes, waiting.len());
        assert_eq!((waiting[0].seq, waiting.len() as u64), (queue.dropped + 1, 1000 - queue.dropped));
        assert!(queue.must_rename);
        let name = queue.log.clone();
        queue.push(&mut messages("a", 1001..=1001, &"x".repeat(8000)));
        queue.trim(MAX_BYTES);
        assert_ne!(queue.log, name, "a name is not used again after another loss");
        queue.trim(0);
        assert!(queue.is_empty());
    }
}

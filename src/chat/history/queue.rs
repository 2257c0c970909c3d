//! What the chat's thread and the worker thread share: messages that are not in the file yet, and the error that keeps them.

use super::{HistoryError, error::ErrorReport, new_log_name};
use crate::chat::{protocol::StoredMessage, rules::Erasure};
use log::error;
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Memory of the messages that wait while the file is not writable, 4 MiB.
const MAX_BYTES: usize = 4 << 20;

/// Messages in one transaction, and their bytes: the write-ahead log grows by whole transactions.
const MAX_BATCH: usize = 2000;
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Deletions that wait for the file.
const MAX_ERASURES: usize = 1000;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) file: PathBuf,
    /// The lock is held to move messages, never while a file is read or written.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: WriteQueue,
    pub(super) report: ErrorReport,
}

impl Shared {
    pub(super) fn new(file: PathBuf) -> Self {
        let queue = WriteQueue { log: new_log_name(), ..WriteQueue::default() };
        Self { file, state: Mutex::new(State { queue, report: ErrorReport::default() }) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages cannot be stored for this reason. It is logged if it is news.
    pub(super) fn raise(&self, error: HistoryError) {
        let line = self.lock().report.raise(error, Instant::now());
        if let Some(line) = line {
            error!("history: {}: {line}", self.file.display());
        }
    }

    /// While messages cannot be stored, keeps the queue within its bound.
    pub(super) fn trim(&self) {
        let State { queue, report } = &mut *self.lock();
        if report.error.is_some() {
            queue.trim(if report.is_permanent() { 0 } else { MAX_BYTES });
        }
    }
}

/// Messages that are not in the file yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    messages: VecDeque<StoredMessage>,
    bytes: usize,
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
        for message in self.messages.iter_mut().filter(|message| erasure.includes(message)) {
            self.bytes -= message.size();
            message.delete();
            self.bytes += message.size();
        }
        self.erased.clear();
        self.erasures.push(erasure);
        // While the file is not writable, the oldest ones are lost above this number.
        self.erasures.drain(..self.erasures.len().saturating_sub(MAX_ERASURES));
    }

    /// A transaction has given the logs this name, and has deleted these messages for the first erasures.
    pub(super) fn finish_changes(&mut self, log: &Arc<str>, count: usize, erased: Vec<(Arc<str>, u64)>) {
        // There is a newer name if messages were dropped meanwhile.
        self.must_rename &= self.log != *log;
        self.erasures.drain(..count.min(self.erasures.len()));
        self.erased.extend(erased);
    }

    /// Drops the oldest messages until the others fit into `max_bytes`.
    fn trim(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes {
            let Some(message) = self.messages.pop_front() else { return };
            self.bytes -= message.size();
            self.dropped += 1;
            // Clients may know its number under the previous name.
            (self.log, self.must_rename) = (new_log_name(), true);
        }
    }

    /// The messages to write next, which stay in the queue until [`Self::finish`], and how many were dropped before them.
    pub(super) fn next_batch(&self) -> (Vec<StoredMessage>, u64) {
        let mut bytes = 0;
        let fits = |message: &&StoredMessage| {
            let is_first = bytes == 0;
            bytes += message.size();
            is_first || bytes <= MAX_BATCH_BYTES
        };
        (self.messages.iter().take(MAX_BATCH).take_while(fits).cloned().collect(), self.dropped)
    }

    /// A batch is stored. Some of it may have been dropped meanwhile.
    pub(super) fn finish(&mut self, batch: usize, dropped: u64) {
        let count = (batch as u64).saturating_sub(self.dropped - dropped);
        let done = self.messages.drain(..count as usize);
        self.bytes -= done.map(|message| message.size()).sum::<usize>();
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The waiting messages of a room, in order.
    pub(super) fn of_room(&self, room: &str) -> Vec<StoredMessage> {
        self.messages.iter().filter(|message| *message.room == *room).cloned().collect()
    }

    /// Whether all messages are written or dropped, and nothing in the file must change.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.erasures.is_empty() && !self.must_rename
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
        assert!(queue.next_batch().0.is_empty());
        queue.push(&mut messages("a", 1..=2500, "hi"));
        queue.push(&mut messages("b", 1..=2, "hi"));
        let (batch, _) = queue.next_batch();
        assert_eq!((batch.len(), batch[0].seq, batch[MAX_BATCH - 1].seq), (MAX_BATCH, 1, 2000));
        assert_eq!(queue.next_batch().0, batch, "it was not stored");
        queue.finish(batch.len(), 0);
        assert_eq!((queue.of_room("a").len(), queue.of_room("b").len()), (500, 2));
        let (batch, dropped) = queue.next_batch();
        // Some messages are dropped while the batch is written.
        queue.trim(queue.bytes / 2);
        queue.push(&mut messages("a", 2501..=2501, "hi"));
        queue.finish(batch.len(), dropped);
        assert_eq!(queue.of_room("a"), messages("a", 2501..=2501, "hi"));
        queue.finish(1, queue.dropped);
        assert_eq!((queue.len(), queue.bytes), (0, 0));
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
        assert_eq!((queue.len(), queue.bytes), (0, 0));
    }
}

//! The messages of one room that are in memory: the newest ones, without a gap. A room numbers its messages from 1.

use super::events::{Erasure, RoomSnapshot};
use crate::chat::protocol::{ByteBudget, StoredMessage};
use std::{collections::VecDeque, sync::Arc};

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct MessageLog {
    /// Identifies the numbering: another one means that the numbers began anew.
    pub(super) log_id: Arc<str>,
    /// The number of the last message; 0 if there is none.
    pub(super) last: u64,
    /// Memory of the messages, as [`StoredMessage::size`] counts.
    pub(super) bytes: usize,
    pub(super) messages: VecDeque<StoredMessage>,
}

impl MessageLog {
    /// The log of an archive. If the numbers are not consecutive up to `last`, all messages are ignored.
    pub(super) fn restored(snapshot: RoomSnapshot) -> Self {
        let RoomSnapshot { log, last, messages } = snapshot;
        let numbers = messages.iter().map(|message| message.seq);
        let before = last.checked_sub(messages.len() as u64).filter(|before| numbers.eq(before + 1..=last));
        let mut log = Self { last: before.unwrap_or(last), log_id: log, ..Self::default() };
        messages.into_iter().filter(|_| before.is_some()).for_each(|message| log.push(message));
        log
    }

    /// Adds a message with the next number.
    pub(super) fn push(&mut self, message: StoredMessage) {
        debug_assert_eq!(message.seq, self.last + 1, "numbers have no gap");
        self.last = message.seq;
        self.bytes += message.size();
        self.messages.push_back(message);
    }

    /// Forgets the oldest messages until neither limit is exceeded.
    pub(super) fn shrink(&mut self, max_messages: usize, max_bytes: usize) {
        while self.messages.len() > max_messages || self.bytes > max_bytes {
            let Some(message) = self.messages.pop_front() else { return };
            self.bytes -= message.size();
        }
    }

    /// Deletes messages that are in memory. Their numbers remain.
    pub(super) fn delete(&mut self, erasure: &Erasure) -> Vec<u64> {
        let mut deleted = Vec::new();
        for message in self.messages.iter_mut().filter(|message| !message.is_deleted() && erasure.includes(message)) {
            self.bytes -= message.size();
            message.delete();
            self.bytes += message.size();
            deleted.push(message.seq);
        }
        deleted
    }

    /// The message with this nonce, while it is in memory.
    pub(super) fn find_by_nonce(&self, nonce: &str) -> Option<&StoredMessage> {
        self.messages.iter().rev().find(|message| message.nonce.as_deref() == Some(nonce))
    }

    /// The number of the last message that is not in memory any more; 0 if all are.
    pub(super) fn last_forgotten(&self) -> u64 {
        self.last - self.messages.len() as u64
    }

    /// The messages in memory with a higher number.
    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = &StoredMessage> {
        let skipped = seq.saturating_sub(self.last_forgotten());
        self.messages.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX))
    }

    /// The number of the last messages in memory: at most `count`, and at most `bytes` on the wire.
    pub(super) fn count_last(&self, count: usize, bytes: usize) -> u64 {
        let mut budget = ByteBudget::new(bytes);
        self.messages.iter().rev().take(count).take_while(|message| budget.spend(message)).count() as u64
    }
}

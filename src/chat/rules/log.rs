//! A room is a log: what was said in it, numbered, as far as it is kept in memory.
//!
//! Owns numbers, nonces and what is forgotten. Knows nothing of who is in the room.
//!
//! The law: numbers begin at 1 and none is left out or given twice; the messages kept are the last ones, without a gap.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::events::RoomSnapshot;
use crate::chat::protocol::StoredMessage;

/// One room's messages.
#[derive(Debug)]
pub(super) struct Log {
    /// Names the numbering.
    token: Arc<str>,
    /// The number of the last message.
    last: u64,
    entries: VecDeque<StoredMessage>,
    /// The numbers of the messages that their clients gave a name.
    nonces: HashMap<Arc<str>, u64>,
    bytes: usize,
}

impl Log {
    /// Nothing was said yet.
    pub(super) fn new(token: Arc<str>) -> Self {
        Self { token, last: 0, entries: VecDeque::new(), nonces: HashMap::new(), bytes: 0 }
    }

    /// What was said before this process began. What does not fit to the rest is left out.
    pub(super) fn restored(past: RoomSnapshot) -> Self {
        let mut log = Self { last: past.last, ..Self::new(past.log) };
        let count = past.messages.len() as u64;
        let first = past.last.wrapping_sub(count);
        let in_order = (1..).zip(&past.messages).all(|(nth, entry)| entry.seq == first.wrapping_add(nth));
        if in_order && count <= past.last {
            past.messages.into_iter().for_each(|entry| log.keep(entry));
        }
        log
    }

    pub(super) fn token(&self) -> &Arc<str> {
        &self.token
    }

    /// The number of the last message; 0: there is none.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number that the next message gets.
    pub(super) fn next(&self) -> u64 {
        self.last + 1
    }

    /// Adds a message, whose number is [`next`](Self::next).
    pub(super) fn push(&mut self, entry: StoredMessage) {
        debug_assert_eq!(entry.seq, self.next(), "numbers have no gap");
        self.last = entry.seq;
        self.keep(entry);
    }

    fn keep(&mut self, entry: StoredMessage) {
        self.bytes += entry.size();
        if let Some(nonce) = &entry.nonce {
            self.nonces.insert(nonce.clone(), entry.seq);
        }
        self.entries.push_back(entry);
    }

    /// Its messages, as far as they are kept.
    pub(super) fn into_entries(self) -> impl Iterator<Item = StoredMessage> {
        self.entries.into_iter()
    }

    /// Forgets the oldest messages until so many are left, of so many bytes in all.
    pub(super) fn shrink(&mut self, messages: usize, bytes: usize) {
        while self.entries.len() > messages || self.bytes > bytes {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= entry.size();
            if let Some(nonce) = entry.nonce.filter(|nonce| self.nonces.get(nonce) == Some(&entry.seq)) {
                self.nonces.remove(&nonce);
            }
        }
    }

    /// The message with that nonce.
    pub(super) fn named(&self, nonce: &str) -> Option<&StoredMessage> {
        self.behind(self.nonces.get(nonce)? - 1).next()
    }

    /// The number before that of the oldest message that is kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.last - self.entries.len() as u64
    }

    /// The messages behind that number, as far as they are kept.
    pub(super) fn behind(&self, seq: u64) -> impl Iterator<Item = &StoredMessage> {
        let skipped = seq.saturating_sub(self.forgotten());
        self.entries.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX))
    }

    /// The number before that of the first message behind `seq` that is kept, and from which on all take no more than
    /// so many bytes.
    pub(super) fn within(&self, seq: u64, bytes: usize) -> u64 {
        let (mut from, mut left) = (self.last, bytes);
        for entry in self.entries.iter().rev().take_while(|entry| entry.seq > seq) {
            let Some(rest) = left.checked_sub(entry.wire_size()) else { break };
            (from, left) = (entry.seq - 1, rest);
        }
        from
    }
}

//! Batches that are not in the file yet.
//!
//! Owns their bound: above it the oldest are lost, counted, and their numbers remembered; of too many rooms, the numberings get
//! another name instead. Knows no clocks and no file.

use super::token;
use crate::chat::protocol::StoredMessage as Message;
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
};

/// Bytes that wait while the file cannot be written: 4 MiB.
const MOST_BYTES: usize = 4 << 20;

/// Bytes of that for the numbers of messages that were lost: 1 MiB, some thousand rooms.
const MOST_LOST: usize = 1 << 20;

/// Bytes that an entry, or a number that is remembered, takes besides its texts.
const OVERHEAD: usize = 150;

/// Messages written at once, when many wait.
const AT_ONCE: usize = 2000;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    batches: VecDeque<Arc<[Message]>>,
    /// Batches that have left at the front, written or lost.
    gone: u64,
    bytes: usize,
    lost: Lost,
    lost_count: u64,
}

/// What has to be noted of messages that were lost, lest their numbers are given again.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Of rooms that lost some, the last number.
    pub(super) numbers: HashMap<Arc<str>, u64>,
    /// Numbers are forgotten, too: all numberings are to be called that.
    pub(super) anew: Option<Arc<str>>,
    bytes: usize,
}

impl Lost {
    fn note(&mut self, room: Arc<str>, last: u64) {
        let size = OVERHEAD + room.len();
        match self.numbers.entry(room) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = last.max(*known);
            }
            Entry::Vacant(place) => {
                place.insert(last);
                self.bytes += size;
            }
        }
        if self.bytes > MOST_LOST {
            *self = Self { anew: Some(token()), ..Self::default() };
        }
    }

    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.anew.is_none()
    }
}

impl Shelf {
    /// Puts a batch at the end: the number of batches that must have left until it is written.
    pub(super) fn push(&mut self, batch: Arc<[Message]>) -> u64 {
        self.bytes += size(&batch);
        self.batches.push_back(batch);
        while self.bytes + self.lost.bytes > MOST_BYTES && !self.batches.is_empty() {
            self.lose_first();
        }
        self.gone + self.batches.len() as u64
    }

    fn lose_first(&mut self) {
        let Some(batch) = self.batches.pop_front() else { return };
        self.gone += 1;
        self.bytes -= size(&batch);
        self.lost_count += batch.len() as u64;
        batch.iter().for_each(|entry| self.lost.note(entry.room.clone(), entry.seq));
    }

    /// The first batches, to be written, and how many will have left when they are.
    pub(super) fn first(&self) -> (Vec<Arc<[Message]>>, u64) {
        let mut count = 0;
        let few = self.batches.iter().take_while(|batch| {
            let fits = count < AT_ONCE;
            count += batch.len();
            fits
        });
        let first: Vec<_> = few.cloned().collect();
        let until = self.gone + first.len() as u64;
        (first, until)
    }

    /// They are written, those up to the one with this number.
    pub(super) fn written(&mut self, until: u64) {
        while self.gone < until {
            let Some(batch) = self.batches.pop_front() else { return };
            self.gone += 1;
            self.bytes -= size(&batch);
        }
    }

    /// What is to be noted of messages that were lost. The shelf does not know it any more.
    pub(super) fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    /// It could not be written.
    pub(super) fn put_back(&mut self, lost: Lost) {
        self.lost.anew = self.lost.anew.take().or(lost.anew);
        lost.numbers.into_iter().for_each(|(room, last)| self.lost.note(room, last));
    }

    /// What waits of a room, in order.
    pub(super) fn of(&self, room: &str) -> Vec<Message> {
        let entries = self.batches.iter().flat_map(|batch| batch.iter()).filter(|entry| *entry.room == *room);
        entries.cloned().collect()
    }

    /// The last number that a room has lost, and the name that its numbering will get.
    pub(super) fn lost_of(&self, room: &str) -> (u64, Option<Arc<str>>) {
        (self.lost.numbers.get(room).copied().unwrap_or(0), self.lost.anew.clone())
    }

    pub(super) fn has_left(&self, until: u64) -> bool {
        self.gone >= until
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.lost.is_empty()
    }

    /// Messages that wait.
    pub(super) fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.len()).sum()
    }

    /// Messages that were not kept.
    pub(super) fn lost_count(&self) -> u64 {
        self.lost_count
    }

    /// Counts messages that are not even put here.
    pub(super) fn count_lost(&mut self, count: usize) {
        self.lost_count += count as u64;
    }

    pub(super) fn forget_count(&mut self) {
        self.lost_count = 0;
    }
}

fn size(batch: &[Message]) -> usize {
    let texts =
        |entry: &Message| entry.text.len() + entry.name.len() + entry.nonce.as_ref().map_or(0, |nonce| nonce.len());
    batch.iter().map(|entry| OVERHEAD + texts(entry)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(room: &str, numbers: std::ops::RangeInclusive<u64>, text: &str) -> Arc<[Message]> {
        let entry = |seq| Message {
            room: room.into(),
            seq,
            date: seq,
            id: 1,
            name: "ann".into(),
            text: text.into(),
            nonce: None,
        };
        numbers.map(entry).collect()
    }

    #[test]
    fn batches_leave_in_order_and_give_their_bytes_back() {
        let mut shelf = Shelf::default();
        let first = shelf.push(batch("a", 1..=3, "hi"));
        let second = shelf.push(batch("b", 1..=2, "hi"));
        assert_eq!((first, second, shelf.len()), (1, 2, 5));
        let (taken, until) = shelf.first();
        assert_eq!((taken.len(), until), (2, 2));
        shelf.written(first);
        assert!(shelf.has_left(first) && !shelf.has_left(second));
        assert_eq!(shelf.of("b").len(), 2);
        shelf.written(until);
        assert_eq!((shelf.is_empty(), shelf.bytes, shelf.lost.bytes), (true, 0, 0));
    }

    #[test]
    fn too_many_at_once_are_written_in_parts() {
        let mut shelf = Shelf::default();
        for nth in 0..5 {
            shelf.push(batch("a", nth * 1000 + 1..=nth * 1000 + 1000, ""));
        }
        assert_eq!(shelf.first().1, 2);
    }

    #[test]
    fn above_the_bound_the_oldest_are_lost_counted_and_their_numbers_remembered() {
        let mut shelf = Shelf::default();
        let long = "x".repeat(8000);
        for nth in 0..1000 {
            shelf.push(batch("a", nth + 1..=nth + 1, &long));
        }
        let (waiting, last) = (shelf.of("a"), shelf.lost_of("a").0);
        assert!(shelf.bytes <= MOST_BYTES && shelf.len() > 400, "{} bytes, {} messages", shelf.bytes, shelf.len());
        assert_eq!((last, waiting[0].seq), (shelf.lost_count(), last + 1));
        assert_eq!(shelf.lost_count() + shelf.len() as u64, 1000);
        let lost = shelf.take_lost();
        assert_eq!((lost.numbers["a"], shelf.lost_of("a").0), (last, 0));
        shelf.put_back(lost);
        assert_eq!(shelf.lost_of("a"), (last, None));
    }

    #[test]
    fn the_numbers_of_too_many_rooms_are_forgotten_and_all_numberings_get_another_name() {
        let mut shelf = Shelf::default();
        let long = "x".repeat(8000);
        for nth in 0..9000 {
            shelf.push(batch(&format!("room-{nth}"), 1..=1, &long));
            assert!(shelf.bytes + shelf.lost.bytes <= MOST_BYTES && shelf.lost.bytes <= MOST_LOST);
        }
        assert!(shelf.len() > 300 && shelf.lost_count() + shelf.len() as u64 == 9000);
        let lost = shelf.take_lost();
        let name = lost.anew.clone();
        assert!(name.is_some() && shelf.lost_of("room-1") == (0, None));
        shelf.put_back(lost);
        assert_eq!(shelf.lost_of("room-1"), (0, name));
    }
}

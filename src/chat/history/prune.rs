//! Deletes old messages and those above the maximum, in small steps: the chat waits at most for one of them.

use super::{Settings, error::HistoryError, store::Store};
use crate::chat::protocol::Millis;
use log::warn;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Messages that are deleted in one step.
const STEP: u64 = 500;

/// The time until the next step if there is more to delete.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest time until the next step after new messages.
const AFTER_WRITE: Duration = Duration::from_secs(1);
/// The time until the next step otherwise.
const INTERVAL: Duration = Duration::from_secs(60);

const DAY: Millis = 24 * 60 * 60 * 1000;

/// Decides what to delete, and when.
#[derive(Debug)]
pub(super) struct Pruner {
    settings: Settings,
    /// The number of messages in the file, once it was counted.
    stored: Option<u64>,
    /// When the next step is due.
    pub(super) due_at: Instant,
}

impl Pruner {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), stored: None, due_at: Instant::now() }
    }

    /// Counts new messages.
    pub(super) fn add(&mut self, messages: usize) {
        self.stored = self.stored.map(|stored| stored + messages as u64);
        self.due_at = self.due_at.min(Instant::now() + AFTER_WRITE);
    }

    /// Takes one step.
    pub(super) fn run(&mut self, store: &Store) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let deleted = self.step(store, Millis::try_from(now).unwrap_or(Millis::MAX)).unwrap_or_else(|error| {
            warn!("history: old messages cannot be deleted: {error}");
            0
        });
        self.due_at = Instant::now() + if deleted >= STEP { PAUSE } else { INTERVAL };
    }

    /// Returns how many messages were deleted.
    fn step(&mut self, store: &Store, now: Millis) -> Result<u64, HistoryError> {
        let known = self.stored.take();
        let mut deleted = 0;
        if let Some(days) = self.settings.days {
            deleted += store.delete_oldest(now.saturating_sub(u64::from(days) * DAY), STEP)?;
        }
        if let Some(rows) = self.settings.rows {
            let stored = known.map_or_else(|| store.count_messages(), |known| Ok(known - deleted))?;
            let excess = store.delete_oldest(Millis::MAX, stored.saturating_sub(rows).min(STEP))?;
            self.stored = Some(stored - excess);
            deleted += excess;
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::StoredMessage;

    /// Three rooms with 1000 messages each: the first message of each room is of the first millisecond, and so on.
    fn filled() -> Store {
        let store = Store::open_read_only("no such file".as_ref()).expect("an empty store"); // In memory, so it is writable.
        for room in ["a", "b", "c"] {
            let messages: Vec<_> = (1..=1000)
                .map(|seq| {
                    let mut message = StoredMessage::new(room, seq, "ann", "hi");
                    message.date = seq;
                    message
                })
                .collect();
            store.transaction(|store| store.add(&messages, "x")).expect("written");
        }
        store
    }

    fn prune(store: &Store, days: Option<u32>, rows: Option<u64>, now: Millis) -> usize {
        let mut pruner = Pruner::new(&Settings { days, rows, ..Settings::new("") });
        1 + (0..100).take_while(|_| pruner.step(store, now).expect("a step") >= STEP).count()
    }

    #[test]
    fn oldest_messages_of_all_rooms_above_the_maximum_are_deleted_in_steps() {
        let store = filled();
        assert_eq!(prune(&store, None, Some(600), 0), 5);
        assert_eq!(store.count_messages().expect("a count"), 600);
        for room in store.rooms(None).expect("readable") {
            let mut numbers = Vec::new();
            let mut note = |message: StoredMessage| {
                numbers.push(message.seq);
                true
            };
            store.each_message(&room, 0, 1000, &mut note).expect("readable");
            assert_eq!(numbers, (801..=1000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn messages_are_deleted_by_age() {
        let store = filled();
        prune(&store, Some(1), Some(5000), DAY + 991);
        assert_eq!(store.count_messages().expect("a count"), 30);
        prune(&store, Some(1), None, 3 * DAY);
        assert_eq!(store.count_messages().expect("a count"), 0);
        assert_eq!(store.rooms(Some("a")).expect("readable")[0].last, 1000, "numbers are not used again");
    }
}

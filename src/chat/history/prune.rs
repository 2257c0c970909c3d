//! Deletes old messages and those above the maximum, in small steps: the chat waits at most for one of them.

use super::{
    Settings,
    clock::Clock,
    error::HistoryError,
    open::log_pages,
    store::{PAGE, Store},
    wall_clock,
};
use crate::chat::protocol::{Millis, date_time};
use log::{info, warn};
use std::{
    mem,
    time::{Duration, Instant},
};

/// Messages that are deleted in one step, unless more were written since the last one.
const STEP: u64 = 100;

/// After so many bytes of new messages, the next step does not wait.
const MANY_BYTES: usize = 64 << 10;

/// The time until the next step if there is more to delete.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest time until the next step after new messages.
const AFTER_WRITE: Duration = Duration::from_secs(1);
/// The time until the next step otherwise.
const INTERVAL: Duration = Duration::from_secs(60);

/// The time between two log lines about deleted messages.
const REPORT: Duration = Duration::from_secs(60 * 60);

const DAY: Millis = 24 * 60 * 60 * 1000;

/// Decides what to delete, and when.
#[derive(Debug)]
pub(super) struct Pruner {
    settings: Settings,
    /// The number of messages in the file, once they were counted.
    stored: Option<u64>,
    /// New messages since the last step, and their bytes.
    added: u64,
    added_bytes: usize,
    clock: Clock,
    deleted: Deleted,
    reported_at: Option<Instant>,
    /// The last step has left something to delete.
    has_more: bool,
    /// When the next step is due.
    pub(super) due_at: Instant,
}

/// Messages that were deleted and not reported yet, and their dates.
#[derive(Debug, Default, Clone, Copy)]
struct Deleted {
    count: u64,
    from: Millis,
    to: Millis,
}

impl Pruner {
    pub(super) fn new(settings: &Settings) -> Self {
        let (settings, now) = (settings.clone(), Instant::now());
        let (stored, added, added_bytes, deleted, reported_at, has_more) = Default::default();
        let clock = Clock::starting(None, now);
        Self { settings, stored, added, added_bytes, clock, deleted, reported_at, has_more, due_at: now }
    }

    /// Counts new messages.
    pub(super) fn add(&mut self, messages: usize, bytes: usize) {
        self.stored = self.stored.map(|stored| stored + messages as u64);
        self.added += messages as u64;
        self.added_bytes += bytes;
        let is_little = self.added < STEP && self.added_bytes < MANY_BYTES;
        let delay = if is_little { AFTER_WRITE } else { Duration::ZERO };
        self.due_at = self.due_at.min(Instant::now() + delay);
    }

    /// Takes about a second for each million messages the first time, and returns their number.
    pub(super) fn prepare(&mut self, store: &Store) -> Result<u64, HistoryError> {
        let Settings { days, rows, bytes, .. } = self.settings;
        if self.stored.is_none() && (days, rows, bytes) != (None, None, None) {
            // An index costs a write for each message, so only files that need one have it.
            store.db.execute_batch("CREATE INDEX IF NOT EXISTS message_date ON message (date)")?;
            let newest = store.db.query_row("SELECT max(date) FROM message", [], |row| row.get(0))?;
            self.clock = Clock::starting(newest, Instant::now());
            self.stored = Some(store.count_messages()?);
            if bytes.is_some_and(|bytes| store.pages().is_ok_and(|(all, _)| all * PAGE > bytes) && !store.can_shrink())
            {
                let file = self.settings.path.display();
                warn!(
                    "history: {file} is above the maximum of bytes, and a file of an earlier build cannot shrink: export it, and import it into a new file"
                );
            }
        }
        Ok(self.stored.unwrap_or_default())
    }

    /// Takes one step.
    pub(super) fn run(&mut self, store: &Store) {
        let (date, now) = (wall_clock(), Instant::now());
        let result = self.step(store, date, now);
        self.has_more = result.as_ref().is_ok_and(|has_more| *has_more);
        if let Err(error) = result {
            warn!("history: old messages cannot be deleted: {error}");
            self.stored = None;
        }
        self.due_at = Instant::now() + if self.has_more { PAUSE } else { INTERVAL };
        if !self.has_more && self.reported_at.is_none_or(|at| now.duration_since(at) >= REPORT) {
            self.report();
        }
    }

    /// Logs what was deleted since the last report.
    pub(super) fn report(&mut self) {
        let Deleted { count, from, to } = mem::take(&mut self.deleted);
        if count > 0 {
            self.reported_at = Some(Instant::now());
            info!("history: deleted {count} old messages, from {} to {}", day(from), day(to));
        }
    }

    /// Returns whether there may be more to delete.
    fn step(&mut self, store: &Store, date: Millis, now: Instant) -> Result<bool, HistoryError> {
        let stored = self.prepare(store)?;
        let most = STEP.max(2 * mem::take(&mut self.added));
        self.added_bytes = 0;
        let too_old = self.count_too_old(store, date, now, most)?;
        let above = self.settings.rows.map_or(0, |rows| stored.saturating_sub(rows));
        let excess = too_old.max(above).max(self.excess_of_bytes(store, stored)?).min(most);
        if excess > 0 {
            self.delete(store, excess)?;
        }
        Ok(excess == most)
    }

    /// Messages that are too old. There may be more than `most`. Before more than a tenth of all messages is deleted by date,
    /// the log says so.
    fn count_too_old(&mut self, store: &Store, date: Millis, now: Instant, most: u64) -> Result<u64, HistoryError> {
        let (Some(days), Some(stored)) = (self.settings.days, self.stored) else { return Ok(0) };
        let oldest = self.clock.plausible(date, now).saturating_sub(u64::from(days) * DAY);
        let (many, is_first) = (stored / 10, !self.has_more);
        let limit = if is_first { most.max(many + 1) } else { most };
        let sql = "SELECT count(*) FROM (SELECT 1 FROM message WHERE date < ? LIMIT ?)";
        let count = store.db.prepare_cached(sql)?.query_row([oldest, limit], |row| row.get(0))?;
        if is_first && count > many {
            let oldest = day(oldest);
            warn!(
                "history: by the system's clock, more than a tenth of {stored} messages is too old (before {oldest}): deleting them"
            );
            self.reported_at = None;
        }
        Ok(count)
    }

    /// Messages that must go so that the file keeps its maximum, estimated from their average size.
    fn excess_of_bytes(&self, store: &Store, stored: u64) -> Result<u64, HistoryError> {
        let Some(bytes) = self.settings.bytes else { return Ok(0) };
        let ((all, free), most) = (store.pages()?, (bytes / PAGE).saturating_sub(2 * log_pages(Some(bytes))));
        if all > most && free > 0 {
            store.shrink((all - most).min(STEP))?;
        }
        let used = all - free;
        Ok(stored.saturating_mul(used.saturating_sub(most)).div_ceil(used.max(1)))
    }

    fn delete(&mut self, store: &Store, count: u64) -> Result<(), HistoryError> {
        let dates = store.delete_oldest(count)?;
        self.stored = self.stored.map(|stored| stored.saturating_sub(dates.len() as u64));
        for date in dates {
            let Deleted { count, from, to } = self.deleted;
            let from = if count == 0 { date } else { date.min(from) };
            self.deleted = Deleted { count: count + 1, from, to: date.max(to) };
        }
        Ok(())
    }
}

fn day(date: Millis) -> String {
    date_time(date / 1000, ' ')
}

impl Store {
    fn count_messages(&self) -> Result<u64, HistoryError> {
        Ok(self.db.query_row("SELECT count(*) FROM message", [], |row| row.get(0))?)
    }

    /// Deletes the oldest messages of all rooms. Returns their dates.
    fn delete_oldest(&self, count: u64) -> Result<Vec<Millis>, HistoryError> {
        let sql = "DELETE FROM message WHERE (room, seq) IN
                   (SELECT room, seq FROM message ORDER BY date LIMIT ?) RETURNING date";
        let mut query = self.db.prepare_cached(sql)?;
        let dates = query.query_map([count], |row| row.get(0))?;
        Ok(dates.collect::<Result<_, _>>()?)
    }

    /// Pages in the file, and those of them that are free.
    fn pages(&self) -> Result<(u64, u64), HistoryError> {
        let count = |name| self.db.pragma_query_value(None, name, |row| row.get(0));
        Ok((count("page_count")?, count("freelist_count")?))
    }

    /// Whether the file can shrink. Files of earlier builds cannot.
    fn can_shrink(&self) -> bool {
        self.db.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0)).is_ok_and(|mode| mode > 0)
    }

    /// Returns free pages to the file system.
    fn shrink(&self, pages: u64) -> Result<(), HistoryError> {
        let mut query = self.db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = query.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
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
        1 + (0..100).take_while(|_| pruner.step(store, now, Instant::now()).expect("a step")).count()
    }

    #[test]
    fn oldest_messages_of_all_rooms_above_the_maximum_are_deleted_in_steps() {
        let store = filled();
        assert_eq!(prune(&store, None, Some(600), 0), 25);
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

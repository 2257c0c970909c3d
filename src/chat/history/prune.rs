//! Deletes old messages and those above the maximum, in small steps: the chat waits at most for one of them.

use super::store::{PAGE, Store};
use super::{Settings, error::Result, open::log_pages, wall_clock};
use crate::chat::protocol::{Millis, date_time};
use log::{debug, warn};
use std::mem;

/// Messages that are deleted in one step, unless more were written since the last one.
const STEP: u64 = 100;

/// After so many bytes of new messages, the next step is due at once.
const MANY_BYTES: usize = 64 << 10;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// Decides what to delete, and when.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    /// The number of messages in the file, once they were counted.
    stored: Option<u64>,
    /// New messages since the last step, and their bytes.
    added: u64,
    added_bytes: usize,
    /// The clock was years ahead of the newest message, and may be wrong. No message is too old.
    doubts_clock: bool,
    /// The last step has left something to delete, or there are many new messages.
    pub(super) has_more: bool,
}

impl Pruner {
    /// Counts new messages.
    pub(super) fn add(&mut self, messages: usize, bytes: usize) {
        self.stored = self.stored.map(|stored| stored + messages as u64);
        self.added += messages as u64;
        self.added_bytes += bytes;
        self.has_more |= self.added >= STEP || self.added_bytes >= MANY_BYTES;
    }

    /// Takes about a second for each million messages the first time, and returns their number.
    fn prepare(&mut self, settings: &Settings, store: &Store, date: Millis) -> Result<u64> {
        if let Some(stored) = self.stored {
            return Ok(stored);
        }
        // An index costs a write for each message, so only files that need one have it.
        store.db.execute_batch("CREATE INDEX IF NOT EXISTS message_date ON message (date)")?;
        let sql = "SELECT count(*), ifnull(max(date), ?) FROM message";
        let (stored, newest) = store.db.query_row(sql, [date], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if settings.days.is_some() && date > newest + 365 * DAY {
            let (date, newest) = (day(date), day(newest));
            warn!(
                "history: the system's clock shows {date}, but the newest message is from {newest}; until a restart, messages are not deleted by date; if the clock is wrong, set it before the restart"
            );
            self.doubts_clock = true;
        }
        self.stored = Some(stored);
        Ok(stored)
    }

    /// Takes one step.
    pub(super) fn run(&mut self, settings: &Settings, store: &Store) {
        let result = self.step(settings, store, wall_clock());
        self.has_more = result.as_ref().is_ok_and(|has_more| *has_more);
        if let Err(error) = result {
            warn!("history: old messages cannot be deleted: {error}");
            self.stored = None;
        }
    }

    /// Returns whether there may be more to do.
    fn step(&mut self, settings: &Settings, store: &Store, date: Millis) -> Result<bool> {
        let most = STEP.max(2 * mem::take(&mut self.added));
        self.added_bytes = 0;
        if (settings.days, settings.rows, settings.bytes) == (None, None, None) {
            return Ok(false);
        }
        let stored = self.prepare(settings, store, date)?;
        let too_old = settings.days.map_or(Ok(0), |days| self.count_too_old(store, date, days, most))?;
        let above = settings.rows.map_or(0, |rows| stored.saturating_sub(rows));
        let (too_large, has_shrunk) = settings.bytes.map_or(Ok((0, false)), |bytes| shrink(store, bytes, stored))?;
        let excess = too_old.max(above).max(too_large).min(most);
        let sql = "DELETE FROM message WHERE (room, seq) IN
                   (SELECT room, seq FROM message ORDER BY date LIMIT ?)";
        let deleted = if excess > 0 { store.db.prepare_cached(sql)?.execute([excess])? as u64 } else { 0 };
        self.stored = Some(stored.saturating_sub(deleted));
        if deleted > 0 {
            debug!("history: deleted {deleted} old messages");
        }
        Ok(deleted > 0 || has_shrunk)
    }

    /// Messages that are too old. There may be more than `most`. Before more than a tenth of all messages is deleted by date,
    /// the log says so.
    fn count_too_old(&mut self, store: &Store, date: Millis, days: u32, most: u64) -> Result<u64> {
        if self.doubts_clock {
            return Ok(0);
        }
        let oldest = date.saturating_sub(u64::from(days) * DAY);
        let (stored, is_first) = (self.stored.unwrap_or_default(), !self.has_more);
        let many = stored / 10;
        let limit = if is_first { most.max(many + 1) } else { most };
        let sql = "SELECT count(*) FROM (SELECT 1 FROM message WHERE date < ? LIMIT ?)";
        let count = store.db.prepare_cached(sql)?.query_row([oldest, limit], |row| row.get(0))?;
        if is_first && count > many {
            let oldest = day(oldest);
            warn!(
                "history: by the system's clock, more than a tenth of {stored} messages is too old (before {oldest}): deleting them"
            );
        }
        Ok(count)
    }
}

/// Messages that must go so that the file keeps its maximum, estimated from their average size. Returns some free pages to the
/// file system, and whether it did.
fn shrink(store: &Store, bytes: u64, stored: u64) -> Result<(u64, bool)> {
    let count = |name| store.db.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let (all, free) = (count("page_count")?, count("freelist_count")?);
    let most = (bytes / PAGE).saturating_sub(2 * log_pages(Some(bytes)));
    let mut has_shrunk = false;
    if all > most && free > 0 {
        let mut query = store.db.prepare(&format!("PRAGMA incremental_vacuum({})", (all - most).min(STEP)))?;
        let mut rows = query.query([])?;
        // Each row is a page.
        while rows.next()?.is_some() {
            has_shrunk = true;
        }
    }
    let used = all - free;
    Ok((stored.saturating_mul(used.saturating_sub(most)).div_ceil(used.max(1)), has_shrunk))
}

fn day(date: Millis) -> String {
    date_time(date / 1000, ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::StoredMessage;

    fn count(store: &Store) -> u64 {
        store.db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("a count")
    }

    /// Three rooms with 1000 messages each: the first message of each room is of the first millisecond, and so on.
    fn filled() -> Store {
        let store = Store::empty().expect("memory");
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
        let (mut pruner, settings) = (Pruner::default(), Settings { days, rows, ..Settings::new("") });
        (0..100).take_while(|_| pruner.step(&settings, store, now).expect("a step")).count()
    }

    #[test]
    fn oldest_messages_of_all_rooms_above_the_maximum_are_deleted_in_steps() {
        let store = filled();
        assert_eq!(prune(&store, None, Some(600), 0), 24);
        assert_eq!(count(&store), 600);
        for (room, _) in store.rooms(None).expect("readable") {
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
        assert_eq!(count(&store), 30);
        prune(&store, Some(1), None, 3 * DAY);
        assert_eq!(count(&store), 0);
        assert_eq!(store.rooms(Some("a")).expect("readable")[0].1.last, 1000, "numbers are not used again");
    }
}

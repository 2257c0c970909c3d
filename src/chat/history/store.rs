//! The tables of the file: messages are written in transactions, and read by room and number.

use super::{
    Settings,
    error::HistoryError,
    open,
    write_queue::{Query, Range},
};
use crate::chat::{
    protocol::{ByteBudget, Millis, StoredMessage},
    rules::RoomSnapshot,
};
use rusqlite::{Connection, OptionalExtension, Row, Statement, Transaction, TransactionBehavior};
use std::{path::Path, sync::Arc};

/// Rows of one INSERT. A message of a full statement costs half as much as one with a statement of its own.
const ROWS: usize = 16;

/// An open file.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
    is_writable: bool,
}

/// A row of the table `room`.
pub(super) struct Room {
    number: i64,
    pub(super) log: Arc<str>,
    /// The last message number that was used.
    pub(super) last: u64,
}

impl Store {
    pub(super) fn open(settings: &Settings) -> Result<Self, HistoryError> {
        let db = open::open(settings)?;
        // More than there are statements: one INSERT for each number of rows, and the others.
        db.set_prepared_statement_cache_capacity(2 * ROWS);
        Ok(Self { db, is_writable: true })
    }

    pub(super) fn open_read_only(path: &Path) -> Result<Self, HistoryError> {
        Ok(Self { db: open::open_read_only(path)?, is_writable: false })
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// The smallest id above all connection ids in the file.
    pub(super) fn next_id(&self) -> Result<u64, HistoryError> {
        let sql = "SELECT value FROM note WHERE name = 'next_id'";
        Ok(self.db.query_row(sql, [], |row| unsigned(row, 0))?)
    }

    pub(super) fn rooms(&self) -> Result<Vec<Arc<str>>, HistoryError> {
        let mut query = self.db.prepare("SELECT key FROM room ORDER BY key")?;
        let keys = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(keys)
    }

    pub(super) fn room(&self, key: &str) -> Result<Option<Room>, HistoryError> {
        let mut query = self.db.prepare_cached(
            "SELECT number, log, max(last, ifnull((SELECT max(seq) FROM message WHERE room = number), 0))
             FROM room WHERE key = ?1",
        )?;
        let room = |row: &Row<'_>| Ok(Room { number: row.get(0)?, log: row.get(1)?, last: unsigned(row, 2)? });
        Ok(query.query_row([key], room).optional()?)
    }

    /// Loads messages of a room from the file and from those that wait to be written. The log of a new room has no name.
    pub(super) fn load(&self, query: &Query, waiting: Vec<StoredMessage>) -> Result<RoomSnapshot, HistoryError> {
        let room = self.room(&query.room)?.unwrap_or(Room { number: 0, log: "".into(), last: 0 });
        let (after, up_to, bytes) = match query.range {
            Range::Last(count) => (room.last.saturating_sub(count as u64), u64::MAX, usize::MAX),
            Range::Between { after, up_to, bytes } => (after, up_to, bytes),
        };
        let (mut budget, mut messages) = (ByteBudget::new(bytes), Vec::new());
        let mut take = |message: StoredMessage| {
            let fits = budget.spend(&message);
            messages.extend(fits.then_some(message));
            fits
        };
        if self.each_message(&query.room, &room, (after, up_to), &mut take)? {
            let first = after.max(room.last) + 1;
            waiting.into_iter().filter(|message| (first..=up_to).contains(&message.seq)).all(take);
        }
        let last = messages.last().map_or(0, |message: &StoredMessage| message.seq).max(room.last);
        if let Range::Last(count) = query.range {
            keep_last_without_gap(&mut messages, last, count);
        }
        Ok(RoomSnapshot { log: room.log, last, messages })
    }

    /// Calls `take` for the messages with numbers above `after` and up to `up_to`, in order, until it returns false.
    /// Returns whether it never did.
    pub(super) fn each_message(
        &self,
        key: &Arc<str>,
        room: &Room,
        (after, up_to): (u64, u64),
        mut take: impl FnMut(StoredMessage) -> bool,
    ) -> Result<bool, HistoryError> {
        let mut query = self.db.prepare_cached(
            "SELECT seq, date, id, name, text, nonce FROM message
             WHERE room = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
        )?;
        let mut rows = query.query((room.number, signed(after), signed(up_to)))?;
        while let Some(row) = rows.next()? {
            if !take(message(key, row)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes all messages or none. New rooms get the name `log`.
    pub(super) fn write(&self, messages: &[StoredMessage], log: &str) -> Result<(), HistoryError> {
        if messages.is_empty() {
            return Ok(());
        }
        let written = self.transaction(|store| store.add(messages, log).map(drop));
        if written == Err(HistoryError::DiskFull) {
            // Moves the write-ahead log into the file, and frees its space. A failure changes nothing.
            let _ = self.db.pragma_query(None, "wal_checkpoint(truncate)", |_| Ok(()));
        }
        written
    }

    /// Does all of `work` or nothing.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        let transaction = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let value = work(self)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Within a transaction: adds messages that the file does not have. New rooms get the name `log`. Returns how many
    /// messages were added.
    ///
    /// # Errors
    /// [`HistoryError::Conflict`]: the file has another message under the same number.
    pub(super) fn add(&self, messages: &[StoredMessage], log: &str) -> Result<usize, HistoryError> {
        let mut added = 0;
        for messages in messages.chunk_by(|one, next| one.room == next.room) {
            let room = self.number(&messages[0].room, log)?;
            for chunk in messages.chunks(ROWS) {
                let new = self.insert(room, chunk)?;
                added += new;
                if new < chunk.len() {
                    for message in chunk {
                        if !self.has_same(room, message)? {
                            return Err(HistoryError::Conflict);
                        }
                    }
                }
            }
        }
        let next_id = messages.iter().map(|message| message.id + 1).max().unwrap_or(0);
        let sql = "UPDATE note SET value = ?1 WHERE name = 'next_id' AND value < ?1";
        self.db.prepare_cached(sql)?.execute([signed(next_id)])?;
        Ok(added)
    }

    /// The room's number in the file. A room that does not exist is created.
    fn number(&self, key: &str, log: &str) -> Result<i64, HistoryError> {
        self.db.prepare_cached("INSERT OR IGNORE INTO room (key, log) VALUES (?1, ?2)")?.execute([key, log])?;
        let mut query = self.db.prepare_cached("SELECT number FROM room WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0))?)
    }

    /// Inserts messages whose numbers are free. Returns how many.
    fn insert(&self, room: i64, messages: &[StoredMessage]) -> Result<usize, HistoryError> {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?)"; messages.len()].join(", ");
        let mut insert = self.db.prepare_cached(&format!("INSERT OR IGNORE INTO message VALUES {rows}"))?;
        for (message, first) in messages.iter().zip((1..).step_by(7)) {
            bind(&mut insert, first, room, message)?;
        }
        Ok(insert.raw_execute()?)
    }

    /// The same message is there already if SQLite has reported an error for a transaction that was committed.
    fn has_same(&self, room: i64, message: &StoredMessage) -> Result<bool, HistoryError> {
        let mut query = self.db.prepare_cached(
            "SELECT 1 FROM message WHERE (room, seq, date, id, name, text) = (?, ?, ?, ?, ?, ?) AND nonce IS ?",
        )?;
        bind(&mut query, 1, room, message)?;
        Ok(query.raw_query().next()?.is_some())
    }

    /// Within a transaction: creates a room, or raises its last number.
    pub(super) fn add_room(&self, key: &str, log: &str, last: u64) -> Result<(), HistoryError> {
        self.db.execute(
            "INSERT INTO room (key, log, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET last = max(last, excluded.last)",
            (key, log, signed(last)),
        )?;
        Ok(())
    }

    pub(super) fn rename_logs(&self, log: &str) -> Result<(), HistoryError> {
        self.db.execute("UPDATE room SET log = ?1", [log])?;
        Ok(())
    }

    pub(super) fn count_messages(&self) -> Result<u64, HistoryError> {
        Ok(self.db.query_row("SELECT count(*) FROM message", [], |row| unsigned(row, 0))?)
    }

    /// Deletes the oldest messages, as far as they are older than `date`, and at most `max`. Returns how many.
    pub(super) fn delete_oldest(&self, date: Millis, max: u64) -> Result<u64, HistoryError> {
        let sql = "DELETE FROM message WHERE (room, seq) IN
                   (SELECT room, seq FROM message WHERE date < ?1 ORDER BY date LIMIT ?2)";
        Ok(self.db.prepare_cached(sql)?.execute([signed(date), signed(max)])? as u64)
    }

    /// Deletes rooms without messages. Only before a room was loaded: its numbers begin at 1 again.
    pub(super) fn delete_empty_rooms(&self) -> Result<(), HistoryError> {
        self.db.execute("DELETE FROM room WHERE NOT EXISTS (SELECT 1 FROM message WHERE room = number)", [])?;
        Ok(())
    }
}

/// Keeps the last `count` messages, less if a number is missing among them or between them and `last`.
fn keep_last_without_gap(messages: &mut Vec<StoredMessage>, last: u64, count: usize) {
    let numbers: Vec<u64> = messages.iter().map(|message| message.seq).chain([last + 1]).collect();
    let after_gap = numbers.windows(2).rposition(|pair| pair[0] + 1 != pair[1]).map_or(0, |at| at + 1);
    messages.drain(..after_gap.max(messages.len().saturating_sub(count)));
}

/// Binds the columns of a message, beginning with the parameter `first`.
fn bind(statement: &mut Statement<'_>, first: usize, room: i64, message: &StoredMessage) -> rusqlite::Result<()> {
    let numbers = [room, signed(message.seq), signed(message.date), signed(message.id)];
    for (column, number) in (first..).zip(numbers) {
        statement.raw_bind_parameter(column, number)?;
    }
    statement.raw_bind_parameter(first + 4, &message.name)?;
    statement.raw_bind_parameter(first + 5, &message.text)?;
    statement.raw_bind_parameter(first + 6, &message.nonce)
}

/// A row of `seq, date, id, name, text, nonce`.
fn message(room: &Arc<str>, row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        room: room.clone(),
        seq: unsigned(row, 0)?,
        date: unsigned(row, 1)?,
        id: unsigned(row, 2)?,
        name: row.get(3)?,
        text: row.get(4)?,
        nonce: row.get(5)?,
    })
}

/// SQLite's integers are signed. Negative ones are not from here and count as 0.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

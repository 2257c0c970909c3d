//! Reads and writes the tables of a file.

use super::error::{HistoryError, Result};
use crate::chat::protocol::{ByteBudget, StoredMessage};
use crate::chat::rules::{Erasure, RoomSnapshot};
use rusqlite::{Connection, Row, ToSql, Transaction, TransactionBehavior, params_from_iter};
use std::sync::Arc;

/// SQLite's integers are signed.
const MAX: u64 = i64::MAX as u64;

/// SQLite's default for the bytes of a page.
pub(super) const PAGE: u64 = 4096;

/// The last message number that was used in a room.
pub(super) const LAST: &str = "max(last, ifnull((SELECT max(seq) FROM message WHERE room = number), 0))";

/// An open file.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) db: Connection,
    /// Its device and inode.
    pub(super) id: Option<(u64, u64)>,
}

/// How far the numbering of a history has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Empty in a new file.
    pub(super) numbering: String,
    /// Message numbers that were used, in all rooms together.
    pub(super) used: u64,
}

/// Which messages of a room to load.
#[derive(Debug, Clone, Copy)]
pub(super) enum Range {
    /// The last messages in the file, at most this many, and those that wait.
    Last(usize),
    /// The first of these messages that fit into `bytes`, and at least one.
    Between { after: u64, up_to: u64, bytes: usize },
}

impl Store {
    /// The smallest id above all connection ids in the file.
    pub(super) fn next_id(&self) -> Result<u64> {
        Ok(self.db.query_row("SELECT value FROM note WHERE name = 'next_id'", [], |row| row.get(0))?)
    }

    /// The keys of all rooms, or of the one with this key, with their logs and last numbers.
    pub(super) fn rooms(&self, only: Option<&str>) -> Result<Vec<(Arc<str>, RoomSnapshot)>> {
        let which = if only.is_some() { "WHERE key = ?1" } else { "ORDER BY key" };
        let mut query = self.db.prepare_cached(&format!("SELECT key, log, {LAST} FROM room {which}"))?;
        let rooms = query.query_map(params_from_iter(only), |row| {
            Ok((row.get(0)?, RoomSnapshot { log: row.get(1)?, last: row.get(2)?, messages: Vec::new() }))
        })?;
        Ok(rooms.collect::<Result<_, _>>()?)
    }

    /// Loads messages of a room from the file and from those that wait to be written. The log of a new room has no name.
    pub(super) fn load(
        &self,
        room: &Arc<str>,
        range: Range,
        waiting: impl Iterator<Item = StoredMessage>,
    ) -> Result<RoomSnapshot> {
        let found = self.rooms(Some(room))?.pop();
        let RoomSnapshot { log, last, .. } = found.map(|(_, found)| found).unwrap_or_default();
        let (after, up_to, bytes) = match range {
            Range::Last(count) => (last.saturating_sub(count as u64), MAX, usize::MAX),
            Range::Between { after, up_to, bytes } => (after.min(MAX - 1), up_to.min(MAX), bytes),
        };
        let (mut budget, mut messages) = (ByteBudget::new(bytes), Vec::new());
        let mut take = |message: StoredMessage| {
            let fits = budget.spend(&message);
            messages.extend(fits.then_some(message));
            fits
        };
        if self.each_message(room, after, up_to, &mut take)? {
            let first = after.max(last) + 1;
            waiting.filter(|message| (first..=up_to).contains(&message.seq)).all(take);
        }
        let last = messages.last().map_or(0, |message: &StoredMessage| message.seq).max(last);
        Ok(RoomSnapshot { log, last, messages })
    }

    /// Calls `take` for the messages with numbers above `after` and up to `up_to`, in order, until it returns false.
    /// Returns whether it never did.
    pub(super) fn each_message(
        &self,
        room: &Arc<str>,
        after: u64,
        up_to: u64,
        mut take: impl FnMut(StoredMessage) -> bool,
    ) -> Result<bool> {
        let sql = "SELECT seq, date, id, name, text, nonce FROM message
                   WHERE room = (SELECT number FROM room WHERE key = ?1) AND seq > ?2 AND seq <= ?3 ORDER BY seq";
        let mut query = self.db.prepare_cached(sql)?;
        for message in query.query_map((room, after, up_to), |row| message(room, row))? {
            if !take(message?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does all of `work` or nothing.
    pub(super) fn transaction<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let transaction = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let value = work(self)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Within a transaction: adds messages that the file does not have. New rooms get the name `log`. Returns how many
    /// messages were new.
    ///
    /// # Errors
    /// A permanent one: the file has another message under the same number.
    pub(super) fn add(&self, messages: &[StoredMessage], log: &str) -> Result<usize> {
        let mut insert = self.db.prepare_cached("INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)")?;
        // The same message is there already if SQLite has reported an error for a transaction that was committed.
        let same = "SELECT 1 FROM message WHERE (room, seq, date, id, name, text) = (?, ?, ?, ?, ?, ?) AND nonce IS ?";
        let mut find_same = self.db.prepare_cached(same)?;
        let mut added = 0;
        for messages in messages.chunk_by(|one, next| one.room == next.room) {
            let key: &str = &messages[0].room;
            self.db.prepare_cached("INSERT OR IGNORE INTO room (key, log) VALUES (?, ?)")?.execute([key, log])?;
            let mut number = self.db.prepare_cached("SELECT number FROM room WHERE key = ?")?;
            let room: i64 = number.query_row([key], |row| row.get(0))?;
            for StoredMessage { seq, date, id, name, text, nonce, .. } in messages {
                let row = (room, seq, date, id, name, text, nonce);
                let is_new = insert.execute(row)? == 1;
                added += usize::from(is_new);
                if !is_new && !find_same.exists(row)? {
                    let why = "it has other messages under the same numbers; choose a new file";
                    return Err(HistoryError::Permanent(why.into()));
                }
            }
        }
        let next_id = messages.iter().map(|message| message.id + 1).max();
        let sql = "UPDATE note SET value = ?1 WHERE name = 'next_id' AND value < ?1";
        self.db.prepare_cached(sql)?.execute([next_id])?;
        Ok(added)
    }

    /// Within a transaction: deletes messages. Returns the room and the number of each.
    pub(super) fn erase(&self, erasure: &Erasure) -> Result<Vec<(Arc<str>, u64)>> {
        let mut erased = Vec::new();
        let mut delete = |which: &str, values: &[&dyn ToSql]| -> Result<()> {
            let sql = format!(
                "UPDATE message SET id = 0, name = '', text = '', nonce = NULL WHERE {which}
                 RETURNING (SELECT key FROM room WHERE number = message.room), seq"
            );
            let mut query = self.db.prepare_cached(&sql)?;
            let mut rows = query.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.try_for_each(|row| row.map(|row| erased.push(row)))?)
        };
        match erasure {
            Erasure::Numbers(room, seqs) => seqs.iter().filter(|seq| **seq <= MAX).try_for_each(|seq| {
                delete("room = (SELECT number FROM room WHERE key = ?) AND seq = ?", &[room, seq])
            })?,
            by_name => {
                let mut names = self.db.prepare("SELECT DISTINCT name FROM message")?;
                let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
                names.iter().filter(|name| by_name.is_of(name)).try_for_each(|name| delete("name = ?", &[name]))?;
            }
        }
        Ok(erased)
    }

    /// Writes the whole write-ahead log into the database, and empties it. Returns false while another program reads it.
    pub(super) fn truncate_log(&self) -> Result<bool> {
        Ok(!self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?)
    }

    pub(super) fn position(&self) -> Result<Position> {
        let sql = format!(
            "SELECT ifnull((SELECT value FROM note WHERE name = 'numbering'), ''), ifnull(sum({LAST}), 0) FROM room"
        );
        Ok(self.db.query_row(&sql, [], |row| Ok(Position { numbering: row.get(0)?, used: row.get(1)? }))?)
    }

    /// Within a transaction: gives all logs this name.
    pub(super) fn rename_logs(&self, log: &str) -> Result<()> {
        self.db.execute("UPDATE room SET log = ?", [log])?;
        self.db.execute("INSERT OR REPLACE INTO note VALUES ('numbering', ?)", [log])?;
        Ok(())
    }
}

/// A row of `seq, date, id, name, text, nonce`.
fn message(room: &Arc<str>, row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    let mut message =
        StoredMessage::new(room.clone(), row.get(0)?, row.get::<_, Arc<str>>(3)?, row.get::<_, Arc<str>>(4)?);
    (message.date, message.id, message.nonce) = (row.get(1)?, row.get(2)?, row.get(5)?);
    Ok(message)
}

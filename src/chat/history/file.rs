//! The file: one transaction for each batch.
//!
//! Owns the connection to SQLite, and what is remembered of the file so that it need not be asked.

use super::{
    lines::{Imported, Record},
    opening,
    problem::Problem,
    read::{self, integer},
    settings::Durability,
};
use crate::chat::protocol::StoredMessage;
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};

/// Connection ids are noted in steps of so many: most batches need not write there.
const IDS: u64 = 100;

/// Rooms whose numbers are remembered: somebody may make new ones for ever.
const ROOMS: usize = 1024;

/// Messages written with one statement, where there are as many.
const MANY: usize = 16;

const INSERT: &str = "INSERT INTO message (room, seq, date, id, name, text, nonce) VALUES (?, ?, ?, ?, ?, ?, ?)";

static INSERT_MANY: LazyLock<String> =
    LazyLock::new(|| format!("{INSERT}{}", ", (?, ?, ?, ?, ?, ?, ?)".repeat(MANY - 1)));

/// A history that can be written to.
#[derive(Debug)]
pub(super) struct File {
    pub(super) db: Connection,
    /// Names the numberings that begin now.
    run: Arc<str>,
    /// Numbers of rooms, by key, as far as they were needed.
    numbers: HashMap<Arc<str>, i64>,
    /// Noted in the file: above every id.
    next_id: u64,
    /// Above every id that was seen.
    seen_id: u64,
}

impl File {
    /// Opens it, or makes it. Rooms that are new get `run` as the name of their numbering.
    pub(super) fn open(path: &Path, durability: Durability, run: Arc<str>) -> Result<Self, Problem> {
        let db = opening::to_write(path, durability)?;
        let next_id = next_id(&db)?;
        Ok(Self { db, run, numbers: HashMap::new(), next_id, seen_id: next_id })
    }

    /// The first id that no message in the file has, nor a larger one.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// All numberings get this name, those of new rooms, too: who knows the old ones knows messages that the file has not.
    pub(super) fn rename_logs(&mut self, run: &Arc<str>) -> Result<(), Problem> {
        self.run = run.clone();
        self.db.execute("UPDATE room SET log = ?1", [run])?;
        Ok(())
    }

    /// Rooms of which nothing is left are forgotten. Only before anybody has asked for one.
    pub(super) fn forget_empty_rooms(&self) -> Result<(), Problem> {
        self.db.execute("DELETE FROM room WHERE NOT EXISTS (SELECT 1 FROM message WHERE room = number)", [])?;
        Ok(())
    }

    /// Writes all of these, or none. `lost` are the last numbers of rooms whose messages could not be kept.
    pub(super) fn write(
        &mut self,
        batches: &[Arc<[StoredMessage]>],
        lost: &HashMap<Arc<str>, u64>,
    ) -> Result<(), Problem> {
        let ids = batches.iter().flat_map(|batch| batch.iter()).map(|entry| entry.id + 1);
        self.seen_id = ids.fold(self.seen_id, u64::max);
        let next_id = if self.seen_id > self.next_id { self.seen_id + IDS } else { self.next_id };
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch { transaction: &transaction, run: &self.run, numbers: &mut self.numbers };
        let written = batch.write(batches, lost).and_then(|()| note_id(&transaction, self.next_id, next_id));
        match written.and_then(|()| Ok(transaction.commit()?)) {
            Ok(()) => {
                self.next_id = next_id;
                Ok(())
            }
            Err(problem) => {
                // Rooms that it has made are not there.
                self.numbers.clear();
                Err(problem)
            }
        }
    }

    /// Works the log into the file, so that it takes no more room than it must.
    pub(super) fn give_back(&self) {
        // If that fails as well, it is as it was.
        let _ = self.db.pragma_query(None, "wal_checkpoint(truncate)", |_| Ok(()));
    }

    /// Adds all of these, or none.
    pub(super) fn import(
        &mut self,
        records: impl Iterator<Item = Result<Record, Problem>>,
    ) -> Result<Imported, Problem> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch { transaction: &transaction, run: &self.run, numbers: &mut self.numbers };
        let mut imported = Imported::default();
        for record in records {
            match record? {
                Record::Room { key, log, last } => batch.room(&key, &log, last)?,
                Record::Message(entry) => {
                    imported.read += 1;
                    imported.added += u64::from(batch.message(&entry)?);
                    self.seen_id = self.seen_id.max(entry.id + 1);
                }
            }
        }
        transaction.commit()?;
        Ok(imported)
    }

    /// Ends in good order: the ids are noted exactly, and the log is worked into the file.
    pub(super) fn close(self) -> Result<(), Problem> {
        note_id(&self.db, self.next_id, self.seen_id)?;
        Ok(self.db.close().map_err(|(_, error)| error)?)
    }
}

/// What a transaction needs.
struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    run: &'a Arc<str>,
    numbers: &'a mut HashMap<Arc<str>, i64>,
}

impl Batch<'_> {
    fn write(&mut self, batches: &[Arc<[StoredMessage]>], lost: &HashMap<Arc<str>, u64>) -> Result<(), Problem> {
        let entries: Vec<&StoredMessage> = batches.iter().flat_map(|batch| batch.iter()).collect();
        for entries in entries.chunks(MANY) {
            if entries.len() < MANY || !self.messages(entries)? {
                entries.iter().try_for_each(|entry| self.message(entry).map(drop))?;
            }
        }
        for (room, last) in lost {
            let number = self.number(room)?;
            let sql = "UPDATE room SET last = max(last, ?2) WHERE number = ?1";
            self.transaction.execute(sql, (number, integer(*last)))?;
        }
        Ok(())
    }

    /// Writes so many with one statement, which costs half as much as one for each. False: none, for a number is taken.
    fn messages(&mut self, entries: &[&StoredMessage]) -> Result<bool, Problem> {
        let mut insert = self.transaction.prepare_cached(&INSERT_MANY)?;
        for (entry, nth) in entries.iter().zip(0..) {
            bind(&mut insert, nth, self.number(&entry.room)?, entry)?;
        }
        is_new(insert.raw_execute())
    }

    /// Whether it is new.
    fn message(&mut self, entry: &StoredMessage) -> Result<bool, Problem> {
        let room = self.number(&entry.room)?;
        let mut insert = self.transaction.prepare_cached(INSERT)?;
        bind(&mut insert, 0, room, entry)?;
        let added = is_new(insert.raw_execute())?;
        if !added {
            self.is_the_same(entry)?;
        }
        Ok(added)
    }

    fn room(&mut self, key: &Arc<str>, log: &str, last: u64) -> Result<(), Problem> {
        self.transaction.execute(
            "INSERT INTO room (key, log, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET last = max(last, excluded.last)",
            (key, log, integer(last)),
        )?;
        Ok(())
    }

    /// The room's number in the file, where it is made if it is not there.
    fn number(&mut self, key: &Arc<str>) -> Result<i64, Problem> {
        if let Some(number) = self.numbers.get(key) {
            return Ok(*number);
        }
        let found = self.transaction.prepare_cached("SELECT number FROM room WHERE key = ?1")?;
        let found = { found }.query_row([key], |row| row.get(0)).optional()?;
        let number = match found {
            Some(number) => number,
            None => {
                self.transaction.execute("INSERT INTO room (key, log) VALUES (?1, ?2)", (key, self.run))?;
                self.transaction.last_insert_rowid()
            }
        };
        if self.numbers.len() >= ROOMS {
            self.numbers.clear();
        }
        self.numbers.insert(key.clone(), number);
        Ok(number)
    }

    /// A message with that number is there. It may be this one, if SQLite said that it was not written and it was.
    fn is_the_same(&self, entry: &StoredMessage) -> Result<(), Problem> {
        let (found, _) = read::load_messages(self.transaction, &entry.room, entry.seq - 1, entry.seq, usize::MAX)?;
        if found.first() == Some(entry) { Ok(()) } else { Err(Problem::Taken) }
    }
}

/// Binds the values of the `nth` row.
fn bind(insert: &mut CachedStatement<'_>, nth: usize, room: i64, entry: &StoredMessage) -> Result<(), Problem> {
    let first = nth * 7 + 1;
    for (column, number) in (first..).zip([room, integer(entry.seq), integer(entry.date), integer(entry.id)]) {
        insert.raw_bind_parameter(column, number)?;
    }
    insert.raw_bind_parameter(first + 4, &entry.name)?;
    insert.raw_bind_parameter(first + 5, &entry.text)?;
    Ok(insert.raw_bind_parameter(first + 6, &entry.nonce)?)
}

/// False: a number is taken. The statement did nothing then, and the transaction goes on.
fn is_new(done: rusqlite::Result<usize>) -> Result<bool, Problem> {
    match done {
        Ok(_) => Ok(true),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn next_id(db: &Connection) -> Result<u64, Problem> {
    let sql = "SELECT value FROM note WHERE name = 'next_id'";
    Ok(db.query_row(sql, [], |row| read::natural(row, 0)).optional()?.unwrap_or(1))
}

fn note_id(db: &Connection, noted: u64, next: u64) -> Result<(), Problem> {
    if noted != next {
        db.execute("UPDATE note SET value = ?1 WHERE name = 'next_id'", [integer(next)])?;
    }
    Ok(())
}

//! What the file looks like inside, and how an older one becomes a newer one.
//!
//! Owns the tables, their version, and what tells a file of ours from any other.
//!
//! `room`: `key` is the room's name as it is compared, `log` names its numbering, `last` is the last number given
//! where that is above the last message's (it was pruned, or lost). `message`: in order of rooms and numbers, so that
//! the last ones of a room lie together, however many there are. `note`: `next_id` is above every connection's id.

use super::problem::Problem;
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// In the file's header, where file(1) finds it: "chin".
const APPLICATION: i64 = 0x6368_696e;

/// Each step makes the next version: the first one makes version 1 of an empty file. Steps are added, never changed.
const STEPS: &[&str] = &["
    CREATE TABLE note (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE room (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, log TEXT NOT NULL, last INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE message (
        room INTEGER NOT NULL, seq INTEGER NOT NULL, date INTEGER NOT NULL, id INTEGER NOT NULL,
        name TEXT NOT NULL, text TEXT NOT NULL, nonce TEXT, PRIMARY KEY (room, seq)
    ) WITHOUT ROWID;
    INSERT INTO note VALUES ('next_id', 1);
"];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing is in it yet.
    Empty,
    /// Ours, with this version.
    Ours(usize),
}

/// Looks only.
///
/// # Errors
/// [`Problem::Foreign`], [`Problem::Newer`], and what SQLite says of files that it cannot read.
pub(super) fn recognise(db: &Connection) -> Result<Kind, Problem> {
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, usize::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Ok(Kind::Empty),
        (APPLICATION, Ok(version)) if (1..=STEPS.len()).contains(&version) => Ok(Kind::Ours(version)),
        (APPLICATION, _) => Err(Problem::Newer(version)),
        _ => Err(Problem::Foreign),
    }
}

/// Brings a file of ours, or an empty one, to today's version: all steps, or none.
///
/// # Errors
/// What SQLite says.
pub(super) fn migrate(db: &mut Connection) -> Result<(), Problem> {
    // Looked at again under the lock: another process may have been faster.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = match recognise(&transaction)? {
        Kind::Empty => 0,
        Kind::Ours(version) => version,
    };
    if done < STEPS.len() {
        take_steps(&transaction, done)?;
    }
    Ok(transaction.commit()?)
}

fn take_steps(transaction: &Transaction<'_>, done: usize) -> Result<(), Problem> {
    for step in &STEPS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    Ok(())
}

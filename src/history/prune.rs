//! What is deleted because it is old, or because there is too much.
//!
//! Owns the choice. Done in small steps, so that nobody who speaks waits for it.

use super::{problem::Problem, read::natural};
use crate::protocol::Millis;
use rusqlite::{Connection, Result};

/// Messages looked at, and deleted at most, in one step.
const STEP: i64 = 500;

/// Messages deleted at least, where there are too many: not exactly the oldest ones of all rooms, but one step for many.
const LEAST: i64 = 50;

/// What is to be kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// Not older than so many days.
    pub(super) days: Option<u32>,
    /// In all rooms.
    pub(super) rows: Option<u64>,
}

/// The oldest message of a room, and how many there are.
struct Head {
    room: i64,
    seq: i64,
    date: Millis,
    count: i64,
}

impl Bounds {
    pub(super) fn are_none(&self) -> bool {
        self.days.is_none() && self.rows.is_none()
    }

    /// How many messages may come before it is worth looking whether there are too many.
    pub(super) fn slack(&self) -> u64 {
        self.rows.map_or(u64::MAX, |rows| (rows / 100).clamp(1, 1000))
    }
}

/// One step at this time of day: whether there may be more to do.
pub(super) fn step(db: &mut Connection, bounds: &Bounds, now: Millis) -> Result<bool, Problem> {
    let heads = heads(db)?;
    if let Some(days) = bounds.days {
        let oldest = now.saturating_sub(u64::from(days) * 24 * 60 * 60 * 1000);
        for head in &heads {
            if let Some(seq) = last_before(db, head, oldest)? {
                delete(db, head, seq)?;
                return Ok(true);
            }
        }
    }
    let rows = bounds.rows.map_or(i64::MAX, |rows| i64::try_from(rows).unwrap_or(i64::MAX));
    let excess = heads.iter().fold(0_i64, |sum, head| sum.saturating_add(head.count)).saturating_sub(rows);
    match heads.first() {
        Some(head) if excess > 0 => {
            let until = heads.get(1).map_or(Millis::MAX, |next| next.date);
            let seq = last_before(db, head, until)?.unwrap_or(head.seq).max(head.seq + LEAST - 1);
            delete(db, head, seq.min(head.seq + excess.min(head.count) - 1))?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The rooms that have messages, the one with the oldest one first.
fn heads(db: &Connection) -> Result<Vec<Head>> {
    let mut query = db.prepare_cached(
        "SELECT m.room, m.seq, m.date, (SELECT max(seq) FROM message WHERE room = r.number) - m.seq + 1
         FROM room r JOIN message m
         ON m.room = r.number AND m.seq = (SELECT min(seq) FROM message WHERE room = r.number)
         ORDER BY m.date",
    )?;
    let heads = query.query_map([], |row| {
        Ok(Head { room: row.get(0)?, seq: row.get(1)?, date: natural(row, 2)?, count: row.get(3)? })
    })?;
    heads.collect()
}

/// Of a room's first messages, the last one that is older: clocks are set back at times, so that the first one may not
/// be the oldest.
fn last_before(db: &Connection, head: &Head, date: Millis) -> Result<Option<i64>> {
    let mut query = db
        .prepare_cached("SELECT max(seq) FROM message WHERE room = ?1 AND seq >= ?2 AND seq < ?2 + ?3 AND date < ?4")?;
    query.query_row((head.room, head.seq, STEP, super::read::integer(date)), |row| row.get(0))
}

fn delete(db: &mut Connection, head: &Head, up_to: i64) -> Result<()> {
    let transaction = db.transaction()?;
    transaction.execute("DELETE FROM message WHERE room = ?1 AND seq <= ?2", (head.room, up_to))?;
    // When the last one goes, the number that it had is not given again.
    transaction.execute("UPDATE room SET last = max(last, ?2) WHERE number = ?1", (head.room, up_to))?;
    transaction.commit()
}

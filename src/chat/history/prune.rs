//! What is deleted because it is old, or because there is too much.
//!
//! Owns the choice. Done in small steps, so that nobody who speaks waits for it.

use super::{problem::Problem, read::natural};
use crate::chat::protocol::Millis;
use rusqlite::{Connection, Params, Result};

/// Messages of a room looked at in one step; when so many are deleted, the next step begins.
const STEP: i64 = 500;

/// Messages deleted at least, where there are too many: not exactly the oldest ones of all rooms, but one step for many.
const LEAST: i64 = 50;

/// Rooms that are searched for old messages in one step: there may be very many.
const ROOMS: i64 = 64;

/// What is to be kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// Not older than so many days.
    pub(super) days: Option<u32>,
    /// In all rooms.
    pub(super) rows: Option<u64>,
    /// The number of the last room that was searched for old messages; 0: all were.
    pub(super) searched: i64,
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
pub(super) fn step(db: &mut Connection, bounds: &mut Bounds, now: Millis) -> Result<bool, Problem> {
    let transaction = db.transaction()?;
    let mut more = false;
    if let Some(days) = bounds.days {
        let oldest = now.saturating_sub(u64::from(days) * 24 * 60 * 60 * 1000);
        more = delete_old(&transaction, &mut bounds.searched, oldest)?;
    }
    if let Some(rows) = bounds.rows.filter(|_| !more) {
        more = delete_excess(&transaction, i64::try_from(rows).unwrap_or(i64::MAX))?;
    }
    transaction.commit()?;
    Ok(more)
}

/// Of the next few rooms: whether there are others, or more in these.
fn delete_old(db: &Connection, searched: &mut i64, oldest: Millis) -> Result<bool> {
    let few = heads(db, "WHERE r.number > ?1 ORDER BY r.number LIMIT ?2", (*searched, ROOMS))?;
    let mut deleted = 0;
    for head in &few {
        if let Some(seq) = last_before(db, head, oldest)? {
            deleted += delete(db, head, seq)?;
        }
        if deleted >= STEP {
            // This one may have more of them.
            return Ok(true);
        }
        *searched = head.room;
    }
    // What is deleted may have hidden more: then all rooms are searched once more.
    let is_end = few.len() < usize::try_from(ROOMS).unwrap_or(usize::MAX);
    if is_end {
        *searched = 0;
    }
    Ok(!is_end || deleted > 0)
}

/// The oldest ones, where there are more than so many: whether there may be still.
fn delete_excess(db: &Connection, rows: i64) -> Result<bool> {
    let heads = heads(db, "ORDER BY m.date", ())?;
    let mut excess = heads.iter().fold(0_i64, |sum, head| sum.saturating_add(head.count)).saturating_sub(rows);
    let mut deleted = 0;
    // Room after room: most may have a message or two, and all of them are looked at for each step.
    for (nth, head) in heads.iter().enumerate() {
        if excess <= 0 || deleted >= STEP {
            break;
        }
        let until = heads.get(nth + 1).map_or(Millis::MAX, |next| next.date);
        let seq = last_before(db, head, until)?.unwrap_or(head.seq).max(head.seq + LEAST - 1);
        let gone = delete(db, head, seq.min(head.seq + excess.min(head.count) - 1))?;
        excess -= gone;
        deleted += gone;
    }
    Ok(deleted > 0)
}

/// The rooms that have messages, those and in that order.
fn heads(db: &Connection, which: &str, params: impl Params) -> Result<Vec<Head>> {
    let mut query = db.prepare_cached(&format!(
        "SELECT m.room, m.seq, m.date, (SELECT max(seq) FROM message WHERE room = r.number) - m.seq + 1
         FROM room r JOIN message m
         ON m.room = r.number AND m.seq = (SELECT min(seq) FROM message WHERE room = r.number)
         {which}"
    ))?;
    let heads = query.query_map(params, |row| {
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

/// Up to that number; how many numbers that were.
fn delete(db: &Connection, head: &Head, up_to: i64) -> Result<i64> {
    db.prepare_cached("DELETE FROM message WHERE room = ?1 AND seq <= ?2")?.execute((head.room, up_to))?;
    // When the last one goes, the number that it had is not given again.
    db.prepare_cached("UPDATE room SET last = max(last, ?2) WHERE number = ?1")?.execute((head.room, up_to))?;
    Ok(up_to - head.seq + 1)
}

#[cfg(test)]
mod tests {
    use super::{super::schema, *};

    const DAY: Millis = 24 * 60 * 60 * 1000;

    /// So many rooms with one message each, of the first day.
    fn many_rooms(count: i64) -> Connection {
        let mut db = Connection::open_in_memory().expect("memory");
        schema::migrate(&mut db).expect("tables");
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                   INSERT INTO room (number, key, log) SELECT i, 'r' || i, 'x' FROM n";
        db.execute(sql, [count]).expect("rooms");
        let sql = "INSERT INTO message SELECT number, 1, number, 1, 'ann', 'hi', NULL FROM room";
        db.execute(sql, []).expect("messages");
        db
    }

    /// The steps that it took, and how many messages are left.
    fn prune(db: &mut Connection, mut bounds: Bounds, now: Millis) -> (usize, i64) {
        let steps = 1 + (0..10_000).take_while(|_| step(db, &mut bounds, now).expect("a step")).count();
        assert_eq!(bounds.searched, 0, "the next search begins at the first room");
        (steps, db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("a count"))
    }

    /// Whoever says one word in each of many rooms must not be faster than the pruning, which pauses after each step.
    #[test]
    fn many_rooms_with_a_message_each_take_few_steps() {
        let mut db = many_rooms(3000);
        let (steps, left) = prune(&mut db, Bounds { rows: Some(1000), ..Bounds::default() }, 0);
        assert_eq!(left, 1000);
        assert!(steps < 10, "{steps}");
        let oldest: i64 = db.query_row("SELECT min(date) FROM message", [], |row| row.get(0)).expect("a date");
        assert_eq!(oldest, 2001, "the oldest are gone");
        let (steps, left) = prune(&mut db, Bounds { days: Some(1), ..Bounds::default() }, 2 * DAY);
        assert_eq!(left, 0);
        assert!(steps < 50, "{steps}");
    }

    /// Those who talk wait for a step: it must not look at all rooms.
    #[test]
    fn a_search_for_old_messages_looks_at_few_rooms_in_a_step() {
        let mut db = many_rooms(1000);
        let (steps, left) = prune(&mut db, Bounds { days: Some(1), ..Bounds::default() }, DAY);
        assert_eq!(left, 1000);
        assert!(steps >= 1000 / ROOMS as usize, "{steps}");
    }
}

//! What is asked of a file.
//!
//! Owns the questions. Each one looks at a part of one room only, found by its index, so that it makes no difference how much there is.

use crate::chat::protocol::{ByteBudget, StoredMessage};
use crate::chat::rules::RoomSnapshot;
use rusqlite::{Connection, OptionalExtension, Result, Row};
use std::sync::Arc;

/// A room, as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) number: i64,
    pub(super) log: Arc<str>,
    /// The last number given.
    pub(super) last: u64,
}

pub(super) fn room(db: &Connection, key: &str) -> Result<Option<Room>> {
    let mut query = db.prepare_cached(
        "SELECT number, log, max(last, ifnull((SELECT max(seq) FROM message WHERE room = number), 0))
         FROM room WHERE key = ?1",
    )?;
    query.query_row([key], |row| Ok(Room { number: row.get(0)?, log: row.get(1)?, last: natural(row, 2)? })).optional()
}

/// What there is of a room, at most so many messages.
pub(super) fn load_room(db: &Connection, key: &str, messages: usize) -> Result<Option<RoomSnapshot>> {
    let Some(room) = room(db, key)? else { return Ok(None) };
    let key = key.into();
    let mut entries = Vec::new();
    let mut next = room.last;
    each(db, &key, &room, (0, room.last), " DESC", |entry| {
        let fits = entry.seq == next && entries.len() < messages;
        next = next.saturating_sub(1);
        entries.extend(fits.then_some(entry));
        fits
    })?;
    entries.reverse();
    Ok(Some(RoomSnapshot { log: room.log, last: room.last, messages: entries }))
}

/// The messages behind `after` and up to `up_to`: the first ones that fit into so many bytes, but at least one; and whether
/// there are more.
pub(super) fn load_messages(
    db: &Connection,
    key: &str,
    after: u64,
    up_to: u64,
    bytes: usize,
) -> Result<(Vec<StoredMessage>, bool)> {
    let Some(room) = room(db, key)? else { return Ok((Vec::new(), false)) };
    let (mut part, mut found, mut are_more) = (ByteBudget::new(bytes), Vec::new(), false);
    each(db, &key.into(), &room, (after, up_to), "", |entry| {
        are_more = !part.spend(&entry);
        found.extend((!are_more).then_some(entry));
        !are_more
    })?;
    Ok((found, are_more))
}

/// Messages behind `after` and up to `up_to`, in this order, as long as `more` wants.
pub(super) fn each(
    db: &Connection,
    key: &Arc<str>,
    room: &Room,
    (after, up_to): (u64, u64),
    order: &str,
    mut more: impl FnMut(StoredMessage) -> bool,
) -> Result<()> {
    let mut query = db.prepare_cached(&format!(
        "SELECT seq, date, id, name, text, nonce FROM message
         WHERE room = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq{order}"
    ))?;
    let mut rows = query.query((room.number, integer(after), integer(up_to)))?;
    while let Some(row) = rows.next()? {
        if !more(entry(key, row)?) {
            break;
        }
    }
    Ok(())
}

/// A row of `seq, date, id, name, text, nonce`.
fn entry(room: &Arc<str>, row: &Row<'_>) -> Result<StoredMessage> {
    Ok(StoredMessage {
        room: room.clone(),
        seq: natural(row, 0)?,
        date: natural(row, 1)?,
        id: natural(row, 2)?,
        name: row.get(3)?,
        text: row.get(4)?,
        nonce: row.get(5)?,
    })
}

/// SQLite's integers have a sign; what is negative was not written here, and counts as 0.
pub(super) fn natural(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

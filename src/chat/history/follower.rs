//! The file of a node in a cluster: all nodes decide which messages a room has, also while this one is away.
//!
//! Each numbering of a room is a row of the table `room`. The current one has the room's key. When another one begins, it gets a
//! key of its own, and gets the room's key back if the node reads the stream again.

use super::error::Result;
use super::new_log_name;
use super::store::{LAST, Store};
use crate::chat::protocol::{Millis, StoredMessage};
use crate::chat::rules::Erasure;
use log::debug;
use rusqlite::OptionalExtension;
use std::{slice, sync::Arc};

/// The place of a message among those that wait, and the room and the name of the numbering that begins with it.
pub(super) type Numbering = (usize, Arc<str>, Arc<str>);

impl Store {
    /// Within a transaction: adds messages that the file does not have, and begins each numbering before the message at its
    /// place. Returns how many messages were new.
    pub(super) fn follow(&self, messages: &[StoredMessage], numberings: &[Numbering], log: &str) -> Result<usize> {
        let (mut added, mut numberings) = (0, numberings.iter().peekable());
        for (at, message) in messages.iter().enumerate() {
            while let Some((_, room, log)) = numberings.next_if(|(place, ..)| *place <= at) {
                self.begin(room, log)?;
            }
            added += self.follow_one(message, log)?;
        }
        numberings.try_for_each(|(_, room, log)| self.begin(room, log))?;
        Ok(added)
    }

    fn follow_one(&self, message: &StoredMessage, log: &str) -> Result<usize> {
        let date = "SELECT date FROM message WHERE room = number AND seq = ?2";
        let mut find = self.db.prepare_cached(&format!("SELECT {LAST}, ({date}) FROM room WHERE key = ?1"))?;
        let found = find.query_row((&message.room, message.seq), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (last, date): (u64, Option<Millis>) = found.unwrap_or_default();
        if date.is_some_and(|date| date != message.date) {
            // Redis lost it, and no node that knew it was left to give the numbering a new name.
            let sql = "UPDATE room SET key = key || '~' || ?1, log = ?1 WHERE key = ?2";
            self.db.execute(sql, (new_log_name(), &message.room))?;
        } else if message.seq <= last {
            // It is there, or was deleted by age. Only an operator changes it.
            let numbers = Erasure::Numbers(message.room.clone(), vec![message.seq]);
            return if message.is_deleted() { self.erase(&numbers).map(|_| 0) } else { Ok(0) };
        }
        self.add(slice::from_ref(message), log)
    }

    /// Gives a room this numbering.
    fn begin(&self, room: &str, log: &str) -> Result<()> {
        let current = self.db.query_row("SELECT log FROM room WHERE key = ?", [room], |row| row.get(0));
        if current.optional()?.is_some_and(|current: String| current == log) {
            return Ok(());
        }
        // Random, so that no user has a room of this name.
        let sql = "UPDATE room SET key = key || '~' || ?2 WHERE key = ?1";
        if self.db.execute(sql, (room, new_log_name()))? > 0 {
            debug!("history: {room:?} has a new numbering; earlier messages are in a room with ~ after its name");
        }
        let sql = "UPDATE room SET key = ?1 WHERE log = ?2 AND substr(key, 1, length(?1) + 1) = ?1 || '~'";
        if self.db.execute(sql, (room, log))? == 0 {
            self.db.execute("INSERT INTO room (key, log) VALUES (?, ?)", (room, log))?;
        }
        Ok(())
    }
}

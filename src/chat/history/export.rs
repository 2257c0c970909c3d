//! A whole history as JSON lines: to print it, to save it elsewhere, and to read it again.
//!
//! A `room` comes before its messages: `{"type":"room","room":"","log":"1x9","last":2}`, then
//! `{"type":"message","room":"","name":"ann","text":"hi","id":1,"date":0,"seq":1}`, with a `nonce` if the message has one.

use super::{HistoryError, Settings, new_log_name, open::resolve, state_file::Writer, store::Store};
use crate::chat::protocol::{StoredMessage, is_deceptive};
use crate::chat::rules::RoomSnapshot;
use serde::{Deserialize, Serialize};
use std::{io, path::Path, sync::Arc};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Record {
    /// A room, before its messages.
    Room {
        /// Its folded name. The lobby's is empty.
        #[serde(rename = "room")]
        key: Arc<str>,
        /// The name of its log.
        log: Arc<str>,
        /// The last message number that was used in it.
        last: u64,
    },
    /// A message, and its room.
    Message {
        /// As in [`Record::Room`].
        room: Arc<str>,
        /// The message.
        #[serde(flatten)]
        message: StoredMessage,
    },
}

/// Calls `each` for all records of a file, or for those of one room, sorted by room and number, until it returns false.
/// The file may be in use.
///
/// # Errors
/// The file cannot be read.
pub fn each_record(path: &Path, only: Option<&str>, mut each: impl FnMut(Record) -> bool) -> Result<(), HistoryError> {
    let store = Store::open_read_only(&resolve(path)?)?;
    for (key, RoomSnapshot { log, last, .. }) in store.rooms(only)? {
        let wants_more = each(Record::Room { key: key.clone(), log, last });
        let each_message = |message| each(Record::Message { room: key.clone(), message });
        if !wants_more || !store.each_message(&key, 0, last, each_message)? {
            break;
        }
    }
    Ok(())
}

/// Adds the lines of an export to a file, which is created if necessary: all of them or none. Messages that the file has
/// already are skipped. Returns how many messages were added.
///
/// # Errors
/// The file is not writable, or a server uses it; a line is not part of an export; or the file has another message under
/// the same number.
pub fn import(path: &Path, lines: impl Iterator<Item = io::Result<String>>) -> Result<usize, HistoryError> {
    let settings = Settings { sync: true, ..Settings::new(resolve(path)?) };
    let (mut writer, is_behind) = Writer::open(&settings)?;
    let (mut added, log) = (0, new_log_name());
    writer.store.transaction(|store| {
        if is_behind {
            store.rename_logs(&log)?;
        }
        for (line, nth) in lines.zip(1..) {
            let line = line?;
            match serde_json::from_str(&line) {
                Ok(Record::Room { key, log, last }) => {
                    let sql = "INSERT INTO room (key, log, last) VALUES (?, ?, ?)
                               ON CONFLICT (key) DO UPDATE SET last = max(last, excluded.last)";
                    store.db.execute(sql, (key, log, last))?;
                }
                Ok(Record::Message { room, message }) => {
                    added += store.add(&[StoredMessage { room, ..message }], &log)?
                }
                Err(_) if line.is_empty() => {}
                Err(_) => return Err(HistoryError::Temporary(format!("line {nth} is not a line of an export"))),
            }
        }
        Ok(())
    })?;
    writer.position = writer.store.position()?;
    writer.write_line_durably()?;
    Ok(added)
}

impl Record {
    /// The record as one line of JSON. Characters that would control a terminal, or deceive its user, are escaped.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A record is always JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        if !json.contains(is_deceptive) {
            return json;
        }
        let escape = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        json.chars().map(|c| if is_deceptive(c) { escape(c) } else { c.to_string() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is read: the message itself has no room.
    fn record(message: StoredMessage) -> Record {
        Record::Message { room: message.room, message: StoredMessage { room: "".into(), ..message } }
    }

    fn message() -> StoredMessage {
        let mut message = StoredMessage::new("küche \"1\"", 7, "<ann>", "two\nlines \u{1f44b}\u{0}");
        (message.date, message.id, message.nonce) = (1_700_000_000_000, 3, Some("n-1".into()));
        message
    }

    /// Clients choose nonces freely, and `--json` is read in terminals.
    #[test]
    fn control_characters_are_escaped() {
        let nonce = "\u{9b}2J\u{7f}\u{1b}c\u{202e}\u{2066}\u{200b}\u{e0041}";
        let record = record(StoredMessage { nonce: Some(nonce.into()), ..message() });
        let line = record.to_json();
        assert!(
            !line.contains(is_deceptive) && line.contains("\\u009b2J") && line.contains("\\udb40\\udc41"),
            "{line}"
        );
        assert_eq!(serde_json::from_str(&line).ok(), Some(record));
    }

    #[test]
    fn written_lines_are_read_and_others_rejected() {
        let bare = StoredMessage { nonce: None, room: "".into(), ..message() };
        let room = Record::Room { key: "".into(), log: "1x9".into(), last: 7 };
        assert_eq!(room.to_json(), r#"{"type":"room","room":"","log":"1x9","last":7}"#);
        for record in [record(message()), record(bare), room] {
            let line = record.to_json();
            assert!(!line.contains('\n') && !line.contains("null"), "{line}");
            assert_eq!(serde_json::from_str(&line).ok(), Some(record));
        }
        for wrong in [
            "",
            "[]",
            r#"{"type":"userlist"}"#,
            r#"{"type":"message","room":"","seq":1,"date":-1,"id":1,"name":"a","text":"b"}"#,
        ] {
            assert!(serde_json::from_str::<Record>(wrong).is_err(), "{wrong}");
        }
    }
}

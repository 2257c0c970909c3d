//! A whole history, record by record: to print, to save elsewhere, to read again.
//!
//! Owns the JSON lines. A `room` comes before its messages: `{"type":"room","room":"","log":"1x9","last":2}`, then
//! `{"type":"message","room":"","seq":1,"date":0,"id":1,"name":"ann","text":"hi"}`, and a `nonce` where there is one.

use super::{
    file::File,
    mark::Mark,
    opening,
    problem::{Problem, Unusable},
    read,
    settings::Durability,
    token,
};
use crate::chat::protocol::StoredMessage;
use rusqlite::Connection;
use serde_json::{Value, to_string};
use std::{
    io::{self, BufRead},
    path::Path,
    sync::Arc,
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A room, before its messages.
    Room {
        /// Its key; the lobby's is empty.
        key: Arc<str>,
        /// Names its numbering.
        log: Arc<str>,
        /// The last number that was given in it.
        last: u64,
    },
    /// A message.
    Message(StoredMessage),
}

/// How much was there, and how much was new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Messages that were read.
    pub read: u64,
    /// Messages that the file did not have.
    pub added: u64,
}

/// Shows what a file has, of all rooms or of the one with that key, in order of rooms, then of numbers. The file may be
/// in use.
///
/// # Errors
/// The file cannot be read, or what `each` says.
pub fn each_record(
    path: &Path,
    room: Option<&str>,
    mut each: impl FnMut(Record) -> io::Result<()>,
) -> Result<(), Problem> {
    if !path.exists() {
        return Err(Problem::NoPlace("there is no such file".to_owned()));
    }
    let Some(db) = opening::to_read(path)? else { return Ok(()) };
    let mut query = db.prepare("SELECT key FROM room ORDER BY key")?;
    let keys: Vec<Arc<str>> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for key in keys.iter().filter(|key| room.is_none_or(|room| *room == ***key)) {
        each_of(&db, key, &mut each)?;
    }
    Ok(())
}

fn each_of(db: &Connection, key: &Arc<str>, each: &mut impl FnMut(Record) -> io::Result<()>) -> Result<(), Problem> {
    let Some(room) = read::room(db, key)? else { return Ok(()) };
    each(Record::Room { key: key.clone(), log: room.log.clone(), last: room.last })?;
    let mut said = Ok(());
    read::each(db, key, &room, (0, u64::MAX), "", |entry| {
        said = each(Record::Message(entry));
        said.is_ok()
    })?;
    Ok(said?)
}

/// Adds what was exported to a file, or makes one of it: all, or nothing. Messages that it has already are passed over.
///
/// # Errors
/// The file cannot be written, or a server is using it; a line that is none of ours, or a message whose number the file
/// has given to another one.
pub fn import(path: &Path, lines: impl BufRead) -> Result<Imported, Unusable> {
    add(path, lines).map_err(|problem| Unusable { file: path.to_owned(), problem })
}

fn add(path: &Path, lines: impl BufRead) -> Result<Imported, Problem> {
    let mut file = File::open(path, Durability::Full, token())?;
    let (_mark, _) = Mark::take(path)?;
    let mut numbered = lines.lines().zip(1..).filter(|(line, _)| !line.as_ref().is_ok_and(|line| line.is_empty()));
    let records = std::iter::from_fn(|| numbered.next()).map(|(line, nth): (io::Result<String>, u64)| {
        Record::from_json(&line?).ok_or_else(|| Problem::Other(format!("line {nth} is no line of an export")))
    });
    let imported = file.import(records).map_err(|problem| match problem {
        Problem::Taken => Problem::Other("it has other messages under the same numbers; import into a new file".into()),
        problem => problem,
    })?;
    file.close()?;
    Ok(imported)
}

impl Record {
    /// As JSON, in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Room { key, log, last } => {
                format!(r#"{{"type":"room","room":{},"log":{},"last":{last}}}"#, quoted(key), quoted(log))
            }
            Self::Message(entry) => {
                let StoredMessage { room, seq, date, id, name, text, nonce } = entry;
                let nonce = nonce.as_ref().map(|nonce| format!(r#","nonce":{}"#, quoted(nonce))).unwrap_or_default();
                format!(
                    r#"{{"type":"message","room":{},"seq":{seq},"date":{date},"id":{id},"name":{},"text":{}{nonce}}}"#,
                    quoted(room),
                    quoted(name),
                    quoted(text)
                )
            }
        }
    }

    fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| Some(Arc::from(value.get(name)?.as_str()?));
        let number = |name: &str| value.get(name)?.as_u64().filter(|number| *number < 1 << 53);
        match value.get("type")?.as_str()? {
            "room" => {
                let log: Arc<str> = text("log").filter(|log: &Arc<str>| is_token(log))?;
                Some(Self::Room { key: text("room")?, log, last: number("last")? })
            }
            "message" => Some(Self::Message(StoredMessage {
                room: text("room")?,
                seq: number("seq").filter(|seq| *seq > 0)?,
                date: number("date")?,
                id: number("id")?,
                name: text("name")?,
                text: text("text")?,
                nonce: text("nonce"),
            })),
            _ => None,
        }
    }
}

fn is_token(log: &str) -> bool {
    !log.is_empty() && log.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// As JSON, which leaves some characters as they are that a terminal would obey, or be deceived by: they become escapes.
fn quoted(text: &str) -> String {
    // A string is always JSON.
    let json = to_string(text).unwrap_or_default();
    if !json.contains(is_deceptive) {
        return json;
    }
    let escaped = |c: char| if is_deceptive(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    json.chars().map(escaped).collect()
}

/// DEL and C1 (ECMA-48), line separators, and what changes the direction of text; all of them have four digits.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A nonce is whatever its client says; `--json` is read in terminals, too.
    #[test]
    fn no_terminal_obeys_a_line() {
        let nonce = "\u{9b}2J\u{7f}\u{1b}c\u{202e}\u{2066}";
        let (room, name, text) = ("".into(), "ann".into(), "hi \u{85} \u{1f44b}".into());
        let record =
            Record::Message(StoredMessage { room, seq: 1, date: 0, id: 1, name, text, nonce: Some(nonce.into()) });
        let line = record.to_json();
        assert!(!line.contains(|c: char| c.is_control() || is_deceptive(c)) && line.contains("\\u009b2J"), "{line}");
        assert_eq!(Record::from_json(&line), Some(record));
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let entry = StoredMessage {
            room: "küche \"1\"".into(),
            seq: 7,
            date: 1_700_000_000_000,
            id: 3,
            name: "<ann>".into(),
            text: "two\nlines \u{1f44b}\u{0}".into(),
            nonce: Some("n-1".into()),
        };
        let bare = StoredMessage { nonce: None, room: "".into(), ..entry.clone() };
        let room = Record::Room { key: "".into(), log: "1x9".into(), last: 7 };
        for record in [Record::Message(entry), Record::Message(bare), room] {
            let line = record.to_json();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Record::from_json(&line), Some(record));
        }
        for wrong in [
            "",
            "[]",
            r#"{"type":"userlist"}"#,
            r#"{"type":"room","room":"","log":"A-Z","last":1}"#,
            r#"{"type":"message","room":"","seq":0,"date":0,"id":1,"name":"a","text":"b"}"#,
            r#"{"type":"message","room":"","seq":1,"date":-1,"id":1,"name":"a","text":"b"}"#,
            r#"{"type":"message","room":"","seq":1,"date":0,"id":9007199254740992,"name":"a","text":"b"}"#,
        ] {
            assert_eq!(Record::from_json(wrong), None, "{wrong}");
        }
    }
}

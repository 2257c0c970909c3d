//! Opens a file, after a look at its first bytes: SQLite changes a file that it opens, so it gets only ours.

use super::{Durability, error::HistoryError, store::Store};
use crate::ws::http::percent_encoded;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long one attempt waits for another program's lock.
const BUSY: Duration = Duration::from_millis(200);

/// The first bytes of a file, <https://sqlite.org/fileformat.html> 1.3.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Marks files of chinwag, in the header's `application_id`.
const CHINWAG: &[u8; 4] = b"chin";

/// The version of the tables, in the header's `user_version`.
const VERSION: i64 = 1;

/// `room`: `key` is the room's folded name, and `log` the name of its log. `last` is the number of the last message that
/// was deleted, so that it is not used again. `message`: sorted by room and number, so that the last messages of a room
/// lie together. `note`: `next_id` is above all connection ids.
const TABLES: &str = "
    CREATE TABLE note (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE room (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, log TEXT NOT NULL, last INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE message (
        room INTEGER NOT NULL, seq INTEGER NOT NULL, date INTEGER NOT NULL, id INTEGER NOT NULL,
        name TEXT NOT NULL, text TEXT NOT NULL, nonce TEXT, PRIMARY KEY (room, seq)
    ) WITHOUT ROWID;
    INSERT INTO note VALUES ('next_id', 1);
    PRAGMA user_version = 1;
";

/// Keeps the number of a deleted message. Files of earlier builds do not have it.
const TRIGGER: &str = "
    CREATE TRIGGER IF NOT EXISTS message_deleted AFTER DELETE ON message BEGIN
        UPDATE room SET last = max(last, OLD.seq) WHERE number = OLD.room;
    END;
";

impl Store {
    /// Opens or creates a file for writing.
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, HistoryError> {
        // Before SQLite may write: it completes what a killed program has left.
        match Self::open_read_only(path) {
            Err(error) if error.is_permanent() => return Err(error),
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(path, flags)?;
        if db.is_readonly("main")? {
            return Err(HistoryError::ReadOnly);
        }
        db.busy_timeout(BUSY)?;
        if version(&db)? == 0 {
            // Before the write-ahead log is in use, so that the mark is in the file itself.
            db.pragma_update(None, "application_id", i32::from_be_bytes(*CHINWAG))?;
        }
        configure(&db, durability)?;
        create_tables(&mut db)?;
        Ok(Self { db, is_writable: true })
    }

    /// Opens a file that is not, or need not be, writable. A file that does not exist counts as empty.
    pub(super) fn open_read_only(path: &Path) -> Result<Self, HistoryError> {
        let mut db = Connection::open_in_memory()?;
        if check_header(path)? {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let unshared = match fs::metadata(beside(path, "-wal")) {
                Ok(log) if log.len() > 0 => None,
                // Without a log SQLite can read the file alone, and creates nothing next to a damaged one.
                _ => Some(connect(&immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?),
            };
            // Only this one notices a process that writes meanwhile. It fails in a folder that is not writable.
            db = connect(path, flags).or_else(|error| unshared.ok_or(error))?;
        } else {
            create_tables(&mut db)?;
        }
        Ok(Self { db, is_writable: false })
    }
}

fn create_tables(db: &mut Connection) -> Result<(), HistoryError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        transaction.execute_batch(TABLES)?;
    }
    transaction.execute_batch(TRIGGER)?;
    Ok(transaction.commit()?)
}

/// Whether there can be a file of this name.
pub(super) fn check_path(path: &Path) -> Result<(), HistoryError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if path.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(HistoryError::Unusable("it is a folder, or its folder does not exist".to_owned()));
    }
    Ok(())
}

/// Whether the file has content, which is ours then.
fn check_header(path: &Path) -> Result<bool, HistoryError> {
    let mut header = Vec::new();
    match File::open(path).and_then(|file| file.take(72).read_to_end(&mut header)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(HistoryError::Unusable("this user may not read it; choose another file".to_owned()));
        }
        read => read?,
    };
    match header.get(68..72) {
        _ if header.is_empty() => Ok(false),
        _ if !header.starts_with(MAGIC) => Err(HistoryError::damaged("its first bytes are wrong")),
        Some(id) if id == CHINWAG => Ok(true),
        _ => Err(HistoryError::Unusable("it is a database of another program; choose another file".to_owned())),
    }
}

/// Opens a file with content and reads from its first pages.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, HistoryError> {
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    version(&db)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

/// The version of the tables. 0: there are none yet.
fn version(db: &Connection) -> Result<i64, HistoryError> {
    match db.pragma_query_value(None, "user_version", |row| row.get(0))? {
        version @ 0..=VERSION => Ok(version),
        _ => Err(HistoryError::Unusable("a newer chinwag made it; use that one, or choose another file".to_owned())),
    }
}

/// Sets what differs from SQLite's defaults.
fn configure(db: &Connection, durability: Durability) -> Result<(), HistoryError> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(HistoryError::Other(format!("its file system has no write-ahead logging (journal_mode {mode})")));
    }
    let synchronous = if durability == Durability::Full { "full" } else { "normal" };
    // A cache of 512 KiB is enough: rooms grow at their ends, and their latest messages are read. secure_delete: deleted
    // messages are overwritten.
    db.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -512; PRAGMA temp_store = memory;
         PRAGMA secure_delete = true; PRAGMA journal_size_limit = 4194304;"
    ))?;
    Ok(())
}

/// The path as a URI (RFC 3986 2.1) that tells SQLite that the file does not change.
fn immutable(path: &Path) -> PathBuf {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte);
    format!("file:{}?immutable=1", percent_encoded(path.as_os_str().as_bytes(), is_plain)).into()
}

/// The path of a file next to this one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    #[test]
    fn file_of_an_earlier_build_gets_the_trigger() {
        let path = env::temp_dir().join(format!("chinwag-trigger-{}.db", process::id()));
        let store = Store::open(&path, Durability::Normal).expect("a new file");
        store.db.execute_batch("DROP TRIGGER message_deleted").expect("the trigger is there");
        drop(store);
        let store = Store::open(&path, Durability::Normal).expect("the same file");
        store.db.execute_batch("DROP TRIGGER message_deleted").expect("the trigger is there again");
        drop(store);
        fs::remove_file(&path).expect("removed");
    }
}

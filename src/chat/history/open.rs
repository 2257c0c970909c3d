//! Opens a file, after a look at its first bytes: SQLite changes a file that it opens, so it gets only ours.

use super::{
    Durability, Settings,
    error::HistoryError,
    files::{Watch, beside, create_private},
    store::{PAGE, Position, Store},
};
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

/// SQLite's default for the length of the write-ahead log, in pages.
const MAX_LOG_PAGES: u64 = 1000;

/// The first bytes of a file, <https://sqlite.org/fileformat.html> 1.3.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Marks files of chinwag, in the header's `application_id`.
const CHINWAG: &[u8; 4] = b"chin";

/// The version of the tables, in the header's `user_version`.
const VERSION: i64 = 1;

/// `room`: `key` is the room's folded name, and `log` the name of its log. `last` is the number of the last message that
/// was deleted, so that it is not used again. `message`: sorted by room and number, so that the last messages of a room
/// lie together. `note`: `next_id` is above all connection ids, `numbering` is the last name that was given to all logs.
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
    pub(super) fn open(settings: &Settings) -> Result<Self, HistoryError> {
        let path = &settings.path;
        // Before SQLite may write: it completes what a killed program has left.
        match Self::open_read_only(path) {
            Err(error) if error.is_permanent() => return Err(error),
            _ => {}
        }
        // SQLite gives its other files the mode of this one.
        create_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(path, flags)?;
        if db.is_readonly("main")? {
            return Err(HistoryError::ReadOnly);
        }
        db.busy_timeout(BUSY)?;
        if version(&db)? == 0 {
            // Must be the first: lets the file shrink.
            db.pragma_update(None, "auto_vacuum", "incremental")?;
            // Before the write-ahead log is in use, so that the mark is in the file itself.
            db.pragma_update(None, "application_id", i32::from_be_bytes(*CHINWAG))?;
        }
        configure(&db, settings)?;
        create_tables(&mut db)?;
        Ok(Self { db, watch: Some(Watch::new(path)) })
    }

    /// After another program has written into the files: whether they are sound, and have at least the known messages.
    pub(super) fn still_has(&self, known: &Position) -> bool {
        let Some(watch) = &self.watch else { return true };
        if check_header(&watch.path).is_ok_and(|has_content| !has_content) {
            return false;
        }
        // A connection of its own, which has nothing in its cache.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let found = connect(&watch.path, flags).and_then(|db| {
            let state: String = db.pragma_query_value(None, "quick_check", |row| row.get(0))?;
            Ok((state, Self { db, watch: None }.position()?))
        });
        match found {
            Ok((state, found)) => state == "ok" && found.numbering == known.numbering && found.used >= known.used,
            Err(error) => !error.is_permanent(),
        }
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
        Ok(Self { db, watch: None })
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

/// The path of the file, without symbolic links. SQLite follows them.
///
/// # Errors
/// The path cannot name a regular file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, HistoryError> {
    let name = path.as_os_str().as_bytes();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match fs::metadata(path) {
        _ if name.is_empty() || name == b":memory:" || name.starts_with(b"file:") => {
            "this is not the name of a file; write one, such as ./chat.db"
        }
        Ok(found) if found.is_dir() => "it is a folder; write the name of a file in it",
        Ok(found) if !found.is_file() => "it is a device, a pipe or a socket; choose another file",
        Ok(_) => return Ok(fs::canonicalize(path)?),
        Err(_) if path.is_symlink() => "it is a link to a file that does not exist; choose another file",
        Err(_) if name.ends_with(b"/") || folder.is_some_and(|folder| !folder.is_dir()) => {
            "it is a folder, or its folder does not exist"
        }
        Err(_) => return Ok(path.to_owned()),
    };
    Err(HistoryError::Unusable(why.to_owned()))
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
fn configure(db: &Connection, settings: &Settings) -> Result<(), HistoryError> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(HistoryError::Other(format!("its file system has no write-ahead logging (journal_mode {mode})")));
    }
    let synchronous = if settings.durability == Durability::Full { "full" } else { "normal" };
    let (pages, bytes) = (log_pages(settings.bytes), log_pages(settings.bytes) * PAGE);
    // A cache of 512 KiB is enough: rooms grow at their ends, and their latest messages are read. secure_delete: deleted
    // messages are overwritten.
    db.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -512; PRAGMA temp_store = memory;
         PRAGMA secure_delete = true; PRAGMA wal_autocheckpoint = {pages}; PRAGMA journal_size_limit = {bytes};"
    ))?;
    Ok(())
}

/// The length in pages at which the write-ahead log begins anew, if the files may have this many bytes in all.
pub(super) fn log_pages(most: Option<u64>) -> u64 {
    most.map_or(MAX_LOG_PAGES, |most| (most / 16 / PAGE).clamp(4, MAX_LOG_PAGES))
}

/// The path as a URI (RFC 3986 2.1) that tells SQLite that the file does not change.
fn immutable(path: &Path) -> PathBuf {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte);
    format!("file:{}?immutable=1", percent_encoded(path.as_os_str().as_bytes(), is_plain)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    #[test]
    fn file_of_an_earlier_build_gets_the_trigger() {
        let path = env::temp_dir().join(format!("chinwag-trigger-{}.db", process::id()));
        let store = Store::open(&Settings::new(&path)).expect("a new file");
        store.db.execute_batch("DROP TRIGGER message_deleted").expect("the trigger is there");
        drop(store);
        let store = Store::open(&Settings::new(&path)).expect("the same file");
        store.db.execute_batch("DROP TRIGGER message_deleted").expect("the trigger is there again");
        drop(store);
        fs::remove_file(&path).expect("removed");
    }
}

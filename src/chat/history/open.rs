//! Opens a file, after a look at its first bytes: SQLite changes a file that it opens, so it gets only ours.

use super::Settings;
use super::error::{HistoryError, READ_ONLY, Result};
use super::store::{PAGE, Store};
use crate::ws::http::percent_encoded;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::os::unix::{
    ffi::OsStrExt,
    fs::{MetadataExt, OpenOptionsExt},
};
use std::path::{Path, PathBuf};
use std::{io, time::Duration};

/// How long one attempt waits for another program's lock.
const BUSY: Duration = Duration::from_millis(200);

/// SQLite's default for the length of the write-ahead log, in pages.
const MAX_LOG_PAGES: u64 = 1000;

/// "chin": marks files of chinwag, in the header's `application_id`.
const CHINWAG: i64 = 0x6368_696e;

/// The version of the tables, in the header's `user_version`.
const VERSION: i64 = 1;

/// `room`: `key` is the room's folded name, and `log` the name of its log. `last` is the number of the last message that
/// was deleted, so that it is not used again. `message`: sorted by room and number, so that the last messages of a room
/// lie together. `note`: `next_id` is above all connection ids, `numbering` is the last name that was given to all logs.
const TABLES: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS room (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, log TEXT NOT NULL, last INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS message (
        room INTEGER NOT NULL, seq INTEGER NOT NULL, date INTEGER NOT NULL, id INTEGER NOT NULL,
        name TEXT NOT NULL, text TEXT NOT NULL, nonce TEXT, PRIMARY KEY (room, seq)
    ) WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS message_deleted AFTER DELETE ON message BEGIN
        UPDATE room SET last = max(last, OLD.seq) WHERE number = OLD.room;
    END;
    INSERT OR IGNORE INTO note VALUES ('next_id', 1);
    PRAGMA user_version = 1;
    COMMIT;
";

impl Store {
    /// Opens or creates a file for writing.
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let path = &settings.path;
        // Before SQLite may write: it completes what a killed program has left.
        if let Err(error @ HistoryError::Permanent(_)) = Self::open_read_only(path) {
            return Err(error);
        }
        // SQLite gives its other files the mode of this one.
        create_private(path)?;
        let (db, is_new) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if is_new {
            // Must be the first: lets the file shrink.
            db.pragma_update(None, "auto_vacuum", "incremental")?;
            // Before the write-ahead log is in use, so that the mark is in the file itself.
            db.pragma_update(None, "application_id", CHINWAG)?;
        }
        let synchronous = if settings.sync { "full" } else { "normal" };
        let (pages, bytes) = (log_pages(settings.bytes), log_pages(settings.bytes) * PAGE);
        // A cache of 512 KiB is enough: rooms grow at their ends, and their latest messages are read. secure_delete: deleted
        // messages are overwritten.
        db.execute_batch(&format!(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -512;
             PRAGMA temp_store = memory; PRAGMA secure_delete = true; PRAGMA wal_autocheckpoint = {pages};
             PRAGMA journal_size_limit = {bytes};"
        ))?;
        if is_new {
            db.execute_batch(TABLES)?;
        }
        Ok(Self { db, id: id(path) })
    }

    /// A store in memory.
    pub(super) fn empty() -> Result<Self> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(TABLES)?;
        Ok(Self { db, id: None })
    }

    /// Opens a file that is not, or need not be, writable.
    pub(super) fn open_read_only(path: &Path) -> Result<Self> {
        match File::open(path).map_err(|error| error.kind()) {
            Err(io::ErrorKind::NotFound) => return Err(HistoryError::Temporary("the file does not exist".into())),
            Err(io::ErrorKind::PermissionDenied) => {
                return Err(HistoryError::Permanent("this user may not read it; choose another file".into()));
            }
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let unshared = match fs::metadata(beside(path, "-wal")) {
            Ok(log) if log.len() > 0 => None,
            // Without a log SQLite can read the file alone, and creates nothing next to a damaged one.
            _ => Some(connect(&immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?),
        };
        // Only this one notices a process that writes meanwhile. It fails in a folder that is not writable.
        match connect(path, flags).or_else(|error| unshared.ok_or(error))? {
            (_, true) => Err(HistoryError::Temporary("the file is empty".into())),
            (db, false) => Ok(Self { db, id: id(path) }),
        }
    }
}

/// The path of the file, without symbolic links. SQLite follows them.
///
/// # Errors
/// The path cannot name a regular file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let name = path.as_os_str().as_bytes();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match fs::metadata(path) {
        _ if name.is_empty() || name == b":memory:" || name.starts_with(b"file:") => {
            "this is not the name of a file; write one, such as ./chat.db"
        }
        Ok(found) if found.is_file() => return Ok(fs::canonicalize(path)?),
        Ok(_) => "it is a folder, a device, a pipe or a socket; write the name of a file",
        Err(_) if path.is_symlink() => "it is a link to a file that does not exist; choose another file",
        Err(_) if name.ends_with(b"/") || folder.is_some_and(|folder| !folder.is_dir()) => {
            "it is a folder, or its folder does not exist"
        }
        Err(_) => return Ok(path.to_owned()),
    };
    Err(HistoryError::Permanent(why.into()))
}

/// Opens a file and reads from its first pages. Accepts only our files and empty ones. Also returns whether it has no tables.
fn connect(path: &Path, flags: OpenFlags) -> Result<(Connection, bool)> {
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) && db.is_readonly("main")? {
        return Err(HistoryError::Temporary(READ_ONLY.into()));
    }
    db.busy_timeout(BUSY)?;
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (id, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    match (id, tables) {
        (CHINWAG, _) if version > VERSION => {
            Err(HistoryError::Permanent("a newer chinwag made it; use that one, or choose another file".into()))
        }
        (CHINWAG, _) | (0, 0) => Ok((db, tables == 0)),
        _ => Err(HistoryError::Permanent("it is a database of another program; choose another file".into())),
    }
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

/// Creates a file that only this user may read, unless it exists.
pub(super) fn create_private(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The path of a file next to this one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Device and inode.
pub(super) fn id(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

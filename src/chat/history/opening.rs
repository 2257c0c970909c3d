//! How a file is opened: looked at first, written to only when it is known to be ours.
//!
//! Owns the settings that SQLite is told.

use super::{
    problem::Problem,
    schema::{self, Kind},
    settings::Durability,
};
use crate::ws::http::percent_encoded;
use rusqlite::{Connection, OpenFlags};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::Path,
    time::Duration,
};

/// How long a lock of another program is waited for, each time.
const BUSY: Duration = Duration::from_millis(200);

/// Bytes at the beginning of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Opens, or makes, a file to write to.
///
/// # Errors
/// Why not; the file is as it was.
pub(super) fn to_write(path: &Path, durability: Durability) -> Result<Connection, Problem> {
    has_a_place(path)?;
    is_no_other(path)?;
    may_be_written(path)?;
    // SQLite brings any file up to date that it may write to, if the last program left it in the middle of something.
    unless_final(to_read(path))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    schema::recognise(&db)?;
    if db.is_readonly("main")? {
        return Err(Problem::ReadOnly);
    }
    settle(&db, durability)?;
    schema::migrate(&mut db)?;
    Ok(db)
}

/// Opens a file that is there, and cannot or need not be written to. `None`: there is nothing in it.
///
/// # Errors
/// Why not.
pub(super) fn to_read(path: &Path) -> Result<Option<Connection>, Problem> {
    if fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Ok(None);
    }
    is_no_other(path)?;
    if has_no_wal(path) {
        // Next to a file that is not ours, nothing is made.
        unless_final(read_unshared(path))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).map_err(Problem::from).and_then(look);
    match opened {
        // Where SQLite may not make the files next to it that it shares with writers: there are none.
        Err(Problem::Other(_) | Problem::ReadOnly) if has_no_wal(path) => read_unshared(path),
        opened => opened,
    }
}

/// A file in which nobody writes.
fn read_unshared(path: &Path) -> Result<Option<Connection>, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    look(Connection::open_with_flags(unshared(path), flags)?)
}

/// What else there is to say of it is said in its turn.
fn unless_final<T>(looked: Result<T, Problem>) -> Result<(), Problem> {
    looked.map(drop).or_else(|problem| if problem.is_final() { Err(problem) } else { Ok(()) })
}

fn look(db: Connection) -> Result<Option<Connection>, Problem> {
    db.busy_timeout(BUSY)?;
    let kind = schema::recognise(&db)?;
    Ok((kind != Kind::Empty).then_some(db))
}

/// What is not as SQLite has it by default.
fn settle(db: &Connection, durability: Durability) -> Result<(), Problem> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Problem::Other(format!("its file system cannot do write-ahead logging (journal_mode {mode})")));
    }
    let synchronous = match durability {
        Durability::Normal => "normal",
        Durability::Full => "full",
    };
    db.pragma_update(None, "synchronous", synchronous)?;
    // 512 KiB: writes go to the end of tables, and reads to what was written lately.
    db.pragma_update(None, "cache_size", -512)?;
    db.pragma_update(None, "temp_store", "memory")?;
    // What was deleted is to be gone.
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update_and_check(None, "journal_size_limit", 4 << 20, |_| Ok(()))?;
    Ok(())
}

/// # Errors
/// [`Problem::NoPlace`], which is a mistake in what was asked for.
pub(super) fn has_a_place(path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Problem::NoPlace(format!("there is no folder {}; make it first", folder.display())));
    }
    if path.is_dir() {
        return Err(Problem::NoPlace("this is a folder; name a file".to_owned()));
    }
    Ok(())
}

/// A file that has something else in it is not even shown to SQLite.
fn is_no_other(path: &Path) -> Result<(), Problem> {
    let mut start = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?.take(MAGIC.len() as u64).read_to_end(&mut start)?,
    };
    match start.is_empty() || start == MAGIC {
        true => Ok(()),
        false => Err(Problem::Corrupt("it does not begin like one".to_owned())),
    }
}

/// SQLite's own word for it is that it cannot open it.
fn may_be_written(path: &Path) -> Result<(), Problem> {
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn has_no_wal(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    fs::metadata(wal).map_or(true, |wal| wal.len() == 0)
}

/// The path as a URI (RFC 3986 2.1) that says that nobody changes the file.
fn unshared(path: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte);
    format!("file:{}?immutable=1", percent_encoded(path.as_os_str().as_bytes(), is_plain))
}

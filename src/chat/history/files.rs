//! The files of an open database by name: they are private, and somebody may remove or replace them.

use super::{error::HistoryError, open::beside, store::Store};
use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The endings of SQLite's files. While one process has the database open, each name keeps its inode.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

/// What was removed, replaced or truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Database,
    /// The write-ahead log or its index: the database itself is complete without them, after a checkpoint.
    Log,
}

/// The files as they were when the database was opened.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    ids: [Option<(u64, u64)>; 3],
    /// The length of the database after the last write. Nobody else makes it shorter.
    length: u64,
}

impl Watch {
    pub(super) fn new(path: &Path) -> Self {
        let ids = ENDINGS.map(|ending| fs::metadata(beside(path, ending)).ok().map(|file| id(&file)));
        let mut watch = Self { path: path.to_owned(), ids, length: 0 };
        watch.note_length();
        watch
    }

    /// Must be called after each write.
    pub(super) fn note_length(&mut self) {
        self.length = fs::metadata(&self.path).map_or(0, |file| file.len());
    }

    pub(super) fn change(&self) -> Option<Change> {
        let found = ENDINGS.map(|ending| fs::metadata(beside(&self.path, ending)).ok());
        let is_short = found[0].as_ref().is_some_and(|file| file.len() < self.length);
        let found = found.map(|file| file.as_ref().map(id));
        match found == self.ids {
            _ if is_short || found[0] != self.ids[0] => Some(Change::Database),
            true => None,
            false => Some(Change::Log),
        }
    }

    /// Frees the names: files of somebody else and a truncated database get another name, which is returned.
    fn clear(&self) -> io::Result<Option<PathBuf>> {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let aside = beside(&self.path, &format!("-replaced-{seconds}"));
        for (ending, ours) in ENDINGS.into_iter().zip(self.ids) {
            let file = beside(&self.path, ending);
            match fs::symlink_metadata(&file) {
                Err(_) => {}
                // The connection still has their content.
                Ok(found) if Some(id(&found)) == ours && !ending.is_empty() => fs::remove_file(&file)?,
                Ok(_) => fs::rename(&file, beside(&aside, ending))?,
            }
        }
        Ok(aside.exists().then_some(aside))
    }
}

impl Store {
    /// What happened to the files of a writable database.
    pub(super) fn change(&self) -> Option<Change> {
        self.watch.as_ref()?.change()
    }

    /// Writes what only the write-ahead log has into the database.
    pub(super) fn checkpoint(&self) -> Result<(), HistoryError> {
        let mut query = self.db.prepare("PRAGMA wal_checkpoint(FULL)")?;
        let (is_busy, frames, done): (bool, i64, i64) =
            query.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if is_busy || done < frames { Err(HistoryError::Locked) } else { Ok(()) }
    }
}

/// What is left of a database whose file was removed, replaced or truncated.
#[derive(Debug)]
pub(super) struct Rescued {
    pub(super) is_complete: bool,
    /// The new name of the file that was there instead.
    pub(super) aside: Option<PathBuf>,
}

/// Writes the content of an open database under its name again, and closes it. On errors it stays open. The content is not
/// complete if fewer message numbers are used in it.
pub(super) fn rescue(slot: &mut Option<Store>, used: u64) -> Result<Rescued, HistoryError> {
    let Some((db, watch)) = slot.as_ref().and_then(|store| Some((&store.db, store.watch.as_ref()?))) else {
        return Ok(Rescued { is_complete: false, aside: None });
    };
    let (path, copy) = (watch.path.clone(), beside(&watch.path, "-new"));
    let _ = fs::remove_file(&copy);
    create_private(&copy)?;
    let copied = db.execute("VACUUM INTO CAST(?1 AS TEXT)", [copy.as_os_str().as_bytes()]);
    let copied = copied.map_err(HistoryError::from).and_then(|_| Store::open_read_only(&copy)?.position());
    let is_complete = match copied {
        Err(error) if !error.is_permanent() => return Err(error),
        copied => copied.is_ok_and(|position| position.used >= used),
    };
    let aside = watch.clear()?;
    // SQLite removes the write-ahead log by its name when it closes a database: before the new one has that name.
    *slot = None;
    if is_complete {
        fs::rename(&copy, &path)?
    } else {
        fs::remove_file(&copy)?
    }
    Ok(Rescued { is_complete, aside })
}

/// Creates a file that only this user may read, unless it exists.
pub(super) fn create_private(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Device and inode.
pub(super) fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

//! The files of an open database by name: they are private, and other programs may remove or replace them.

use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The endings of SQLite's files. While one process has the database open, each name keeps its inode.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

/// What was removed, replaced or truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Database,
    /// The database was truncated to this length, or another program has compacted it.
    Shorter(u64),
    /// Another program has written into the database: a change by SQLite, or a copy over it.
    Written,
    /// The write-ahead log or its index: the database itself is complete without them, after a checkpoint.
    Log,
}

/// The files as they were when the database was opened.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) path: PathBuf,
    ids: [Option<(u64, u64)>; 3],
    /// The length of the database after the last write, and the time of that. A shorter file was truncated by another program.
    length: u64,
    written_at: Option<SystemTime>,
}

impl Watch {
    pub(super) fn new(path: &Path) -> Self {
        let ids = ENDINGS.map(|ending| fs::metadata(beside(path, ending)).ok().map(|file| id(&file)));
        let mut watch = Self { path: path.to_owned(), ids, length: 0, written_at: None };
        watch.note_write();
        watch
    }

    /// Must be called after each write.
    pub(super) fn note_write(&mut self) {
        let file = fs::metadata(&self.path).ok();
        self.length = file.as_ref().map_or(0, Metadata::len);
        self.written_at = file.and_then(|file| file.modified().ok());
    }

    pub(super) fn change(&self) -> Option<Change> {
        let found = ENDINGS.map(|ending| fs::metadata(beside(&self.path, ending)).ok());
        let shorter = found[0].as_ref().map(Metadata::len).filter(|length| *length < self.length).map(Change::Shorter);
        let written_at = found[0].as_ref().and_then(|file| file.modified().ok());
        let written = (written_at != self.written_at).then_some(Change::Written);
        let found = found.map(|file| file.as_ref().map(id));
        match found == self.ids {
            _ if found[0] != self.ids[0] => Some(Change::Database),
            true => shorter.or(written),
            false => Some(Change::Log),
        }
    }

    /// Frees the names. The files of other programs and a truncated database get another name, which is returned.
    pub(super) fn clear(&self) -> io::Result<Option<PathBuf>> {
        // Not in seconds: it may happen again soon, and must not replace what was kept.
        let time = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let aside = beside(&self.path, &format!("-replaced-{time}"));
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

/// The path of a file next to this one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

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

/// What another program did to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The database was removed or replaced.
    Database,
    /// The database was written: by SQLite, by a copy over it, or it was truncated.
    Written,
    /// The write-ahead log or its index was removed or replaced. The database is complete without them, after a checkpoint.
    Log,
}

/// The files as they were when the database was opened.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) path: PathBuf,
    ids: [Option<(u64, u64)>; 3],
    /// The length of the database after the last write, and the time of that.
    written: (u64, Option<SystemTime>),
}

impl Watch {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), ids: ids(path), written: written(path) }
    }

    /// Must be called after each write.
    pub(super) fn note_write(&mut self) {
        self.written = written(&self.path);
    }

    pub(super) fn change(&self) -> Option<Change> {
        let found = ids(&self.path);
        if found[0] != self.ids[0] {
            Some(Change::Database)
        } else if found != self.ids {
            Some(Change::Log)
        } else {
            (written(&self.path) != self.written).then_some(Change::Written)
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

/// Device and inode of each of SQLite's files.
fn ids(path: &Path) -> [Option<(u64, u64)>; 3] {
    ENDINGS.map(|ending| fs::metadata(beside(path, ending)).ok().map(|file| id(&file)))
}

/// The length of a file, and when it was written.
fn written(path: &Path) -> (u64, Option<SystemTime>) {
    fs::metadata(path).map_or((0, None), |file| (file.len(), file.modified().ok()))
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

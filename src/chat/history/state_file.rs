//! `FILE-state`: a lock against a second chinwag, and one line that says which messages clients may know.
//!
//! The line has the name of the file's numbering, how many message numbers were used in it, and when it was written. The
//! history and the line fit each other unless one of them was restored from a backup, or copied from elsewhere. While sent
//! messages cannot be stored, the line begins with "behind". In both cases the next process that opens the history gives
//! all rooms new log names, because numbers were used that the history does not have. The line is overwritten by one of
//! the same length, which works on a full disk.

use super::{
    error::HistoryError,
    files::{beside, id},
    store::Position,
    wall_clock,
};
use crate::chat::protocol::Millis;
use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const COMPLETE: &str = "in step";
const BEHIND: &str = "behind ";

/// The file system notes when the file was changed, in steps of at most 10 ms. A longer difference to the time in the line
/// means that another program wrote the file.
const TOLERANCE: Millis = 200;

/// The file, which stays locked until this is dropped.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: File,
    is_behind: bool,
    /// What clients know.
    pub(super) position: Position,
    /// The line as it was found, and when the file was changed.
    found: (String, Millis),
}

impl StateFile {
    /// Locks the history at `path`.
    ///
    /// # Errors
    /// Another chinwag has locked it, or an error of the operating system.
    pub(super) fn lock(path: &Path) -> Result<Self, HistoryError> {
        let path = beside(path, "-state");
        // In a shared folder the name could be a symbolic link, and chinwag would overwrite its target.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link);
        let mut file = options.open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(HistoryError::Unusable("another chinwag uses it; choose another file".to_owned()));
            }
            result => result.map_err(io::Error::from)?,
        }
        let (mut line, metadata) = (Vec::new(), file.metadata()?);
        file.read_to_end(&mut line)?;
        let changed = metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000;
        let found = (String::from_utf8(line).unwrap_or_default(), Millis::try_from(changed).unwrap_or_default());
        Ok(Self { path, file, is_behind: found.0.starts_with(BEHIND), position: Position::default(), found })
    }

    /// Why clients may know message numbers that this history does not have, if they may.
    pub(super) fn misfit(&self, history: &Position) -> Option<&'static str> {
        let (line, changed) = &self.found;
        let mut fields = line.get(COMPLETE.len()..).unwrap_or_default().split_whitespace();
        let (numbering, used, date) = (fields.next(), fields.next(), fields.next());
        let number = |field: Option<&str>| field?.parse::<u64>().ok();
        let (Some(numbering), Some(used), Some(date)) = (numbering, number(used), number(date)) else {
            return Some("its state file is missing");
        };
        if numbering != history.numbering {
            Some("its state file belongs to another file")
        } else if used > history.used {
            Some("it is older than its state file")
        } else if changed.abs_diff(date) > TOLERANCE {
            Some("its state file was copied")
        } else {
            self.is_behind.then_some("messages could not be stored")
        }
    }

    /// Whether the name still belongs to this file.
    pub(super) fn is_in_place(&self) -> bool {
        let same = |found| self.file.metadata().is_ok_and(|file| id(&file) == id(&found));
        fs::metadata(&self.path).is_ok_and(same)
    }

    /// Notes what the history has.
    pub(super) fn set_position(&mut self, position: Position) {
        self.position = position;
        self.write(true);
    }

    /// Notes that more numbers are used, before clients know them. `kill -9` does not lose it.
    pub(super) fn add(&mut self, numbers: usize) {
        self.position.used += numbers as u64;
        if numbers > 0 {
            self.write(false);
        }
    }

    /// Writes the same again, to find out whether that is possible.
    pub(super) fn is_writable(&self) -> bool {
        self.write(false)
    }

    pub(super) fn set_behind(&mut self, is_behind: bool) {
        if self.is_behind != is_behind {
            self.is_behind = is_behind;
            // If that fails, it is tried again.
            self.is_behind ^= !self.write(true);
        }
    }

    /// Whether the line is written. If `is_durable`, a power failure does not lose it, and its block is allocated.
    fn write(&self, is_durable: bool) -> bool {
        let word = if self.is_behind { BEHIND } else { COMPLETE };
        let Position { numbering, used } = &self.position;
        // Once more if the thread had to wait, and the time in the line is not that of the change.
        for _ in 0..3 {
            let date = wall_clock();
            let line = format!("{word} {numbering:>16} {used:>20} {date:>20}\n");
            if let Err(error) = self.file.write_all_at(line.as_bytes(), 0) {
                warn!("history: cannot write the state file: {error}");
                return false;
            }
            if wall_clock().abs_diff(date) < TOLERANCE / 2 {
                break;
            }
        }
        !is_durable || self.file.sync_data().inspect_err(|error| warn!("history: the state file: {error}")).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::symlink, process};

    #[test]
    fn symbolic_link_is_not_followed() {
        let folder = env::temp_dir().join(format!("chinwag-state-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (other, path) = (folder.join("other"), folder.join("chat.db"));
        fs::write(&other, "precious, and not ours").expect("written");
        symlink(&other, beside(&path, "-state")).expect("a link");
        assert!(StateFile::lock(&path).is_err());
        assert_eq!(fs::read_to_string(&other).expect("text"), "precious, and not ours");
        fs::remove_file(beside(&path, "-state")).expect("gone");
        assert!(StateFile::lock(&path).is_ok());
        fs::remove_dir_all(&folder).expect("gone");
    }
}

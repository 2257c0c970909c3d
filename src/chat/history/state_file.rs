//! `FILE-state`: a lock against a second chinwag, and one word that says whether the history lacks messages.
//!
//! While sent messages cannot be stored, the word is "behind". The next process that opens the history then gives all
//! rooms new log names, because numbers were used that the history does not have. The word is overwritten by one of the
//! same length, which works on a full disk.

use super::{error::HistoryError, open::beside};
use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

const COMPLETE: &[u8; 8] = b"in step\n";
const BEHIND: &[u8; 8] = b"behind \n";

/// The file, which stays locked until this is dropped.
#[derive(Debug)]
pub(super) struct StateFile {
    file: File,
    pub(super) is_behind: bool,
}

impl StateFile {
    /// Locks the history at `path`.
    ///
    /// # Errors
    /// Another chinwag has locked it, or an error of the operating system.
    pub(super) fn lock(path: &Path) -> Result<Self, HistoryError> {
        // In a shared folder the name could be a symbolic link, and chinwag would overwrite its target.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(no_link);
        let mut file = options.open(beside(path, "-state"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(HistoryError::Unusable("another chinwag uses it; choose another file".to_owned()));
            }
            result => result.map_err(io::Error::from)?,
        }
        let mut word = Vec::new();
        file.read_to_end(&mut word)?;
        if word.len() != COMPLETE.len() {
            file.write_all_at(COMPLETE, 0)?;
            // Allocates the block now, so that the word can be overwritten on a full disk.
            file.sync_all()?;
        }
        Ok(Self { file, is_behind: word == BEHIND })
    }

    pub(super) fn set_behind(&mut self, is_behind: bool) {
        if self.is_behind == is_behind {
            return;
        }
        let word = if is_behind { BEHIND } else { COMPLETE };
        match self.file.write_all_at(word, 0).and_then(|()| self.file.sync_data()) {
            Ok(()) => self.is_behind = is_behind,
            Err(error) => warn!("history: cannot write the state file: {error}"),
        }
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
        assert!(!StateFile::lock(&path).expect("a state file").is_behind);
        fs::remove_dir_all(&folder).expect("gone");
    }
}

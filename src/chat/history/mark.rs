//! A small file next to the history: a lock against a second chinwag, and a word that survives a full disk.
//!
//! Owns `FILE-state`. While messages that people have seen cannot be written, it says "behind": whoever opens the
//! history next knows that numbers were handed out which the file does not have, and gives its numberings new names.
//! The word is written over another one of the same length, which needs no room on the disk.

use super::problem::Problem;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const IN_STEP: &[u8; 8] = b"in step\n";
const BEHIND: &[u8; 8] = b"behind \n";

/// The file, locked as long as this lives.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    /// Locks the history at `path`, and says whether it is behind what was handed out.
    ///
    /// # Errors
    /// [`Problem::InUse`], and what the operating system says.
    pub(super) fn take(path: &Path) -> Result<(Self, bool), Problem> {
        // In a folder where others may write, the name may lead to any file of ours.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(no_link);
        let mut file = options.open(beside(path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Problem::InUse),
            locked => locked.map_err(io::Error::from)?,
        }
        let mut word = Vec::new();
        file.read_to_end(&mut word)?;
        if word.len() != IN_STEP.len() {
            file.write_all_at(IN_STEP, 0)?;
            // So that it has its place on the disk before that is full.
            file.sync_all()?;
        }
        Ok((Self(file), word == BEHIND))
    }

    /// Whether the file has what was handed out.
    ///
    /// # Errors
    /// The word could not be written.
    pub(super) fn set(&self, in_step: bool) -> io::Result<()> {
        self.0.write_all_at(if in_step { IN_STEP } else { BEHIND }, 0)?;
        self.0.sync_data()
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-state");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::symlink, process};

    #[test]
    fn a_link_leads_to_nobodys_file() {
        let folder = env::temp_dir().join(format!("chinwag-mark-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (other, path) = (folder.join("other"), folder.join("chat.db"));
        fs::write(&other, "precious, and not ours").expect("written");
        symlink(&other, beside(&path)).expect("a link");
        assert!(Mark::take(&path).is_err());
        assert_eq!(fs::read_to_string(&other).expect("text"), "precious, and not ours");
        fs::remove_file(beside(&path)).expect("gone");
        assert!(!Mark::take(&path).expect("a mark").1);
        fs::remove_dir_all(&folder).expect("gone");
    }
}

//! A small file next to the history: a lock against a second chinwag, and a word that survives a full disk.
//!
//! Owns `FILE-state`. While messages that people have seen cannot be written, it says "behind": whoever opens the
//! history next knows that numbers were handed out which the file does not have, and gives its numberings new names.
//! The word is written over another one of the same length, which needs no room on the disk.

use super::problem::Problem;
use rustix::fs::{FlockOperation, flock};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
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
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(beside(path))?;
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

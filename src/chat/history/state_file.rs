//! `FILE-state`: a lock against a second chinwag, and one line that says which messages clients may know.
//!
//! The line has the name of the file's numbering, and how many message numbers were used in it. If it knows more than the
//! history, a backup was restored. While sent messages cannot be stored, the number is the largest there is. In both cases the
//! next process gives all rooms new log names. The line always has the same length: it can be written on a full disk.

use super::{
    Settings,
    error::HistoryError,
    open::beside,
    store::{Position, Store},
};
use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// A history that is open for writing. No other chinwag writes into it.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) state_file: StateFile,
}

impl Writer {
    /// Opens or creates a file and locks it. Also returns whether clients may know message numbers that it does not have: then
    /// all logs must get new names.
    pub(super) fn open(settings: &Settings) -> Result<(Self, bool), HistoryError> {
        // The history comes first: nothing is created next to a file of another program.
        let store = Store::open(settings)?;
        let (mut state_file, found) = StateFile::lock(&settings.path)?;
        state_file.position = store.position()?;
        let is_behind = !fits(&found, &state_file.position);
        if is_behind && !state_file.position.numbering.is_empty() {
            warn!(
                "history: {}: clients may have messages that it does not have, because it or its state file was replaced, or a disk has failed; the numbering gets a new name, and returning clients get a gap",
                settings.path.display()
            );
        }
        Ok((Self { store, state_file }, is_behind))
    }
}

/// Whether the history has all messages that the line knows.
fn fits(line: &str, history: &Position) -> bool {
    let mut fields = line.lines().next().unwrap_or_default().split_whitespace();
    let (numbering, used) = (fields.next(), fields.next().and_then(|used| used.parse::<u64>().ok()));
    numbering == Some(&history.numbering) && used.is_some_and(|used| used <= history.used)
}

/// The file, which stays locked until this is dropped.
#[derive(Debug)]
pub(super) struct StateFile {
    file: File,
    /// What clients know.
    position: Position,
    /// Clients know messages that could not be stored.
    is_behind: bool,
}

impl StateFile {
    /// Locks the history at `path`. Also returns the content of the file.
    ///
    /// # Errors
    /// Another chinwag has locked it, or an error of the operating system.
    fn lock(path: &Path) -> Result<(Self, String), HistoryError> {
        // In a shared folder the name could be a symbolic link, and chinwag would overwrite its target.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link);
        let mut file = options.open(beside(path, "-state"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(HistoryError::permanent("another chinwag uses it; choose another file"));
            }
            result => result.map_err(io::Error::from)?,
        }
        let mut found = Vec::new();
        file.read_to_end(&mut found)?;
        let state_file = Self { file, position: Position::default(), is_behind: false };
        Ok((state_file, String::from_utf8_lossy(&found).into_owned()))
    }

    /// Notes what the history has.
    pub(super) fn set_position(&mut self, position: Position) {
        self.position = position;
        self.write_durably();
    }

    /// Notes that more numbers are used, before clients know them. `kill -9` does not lose it.
    pub(super) fn add(&mut self, numbers: usize) {
        self.position.used += numbers as u64;
        if numbers > 0 {
            let _ = self.write().inspect_err(|error| warn!("history: cannot write the state file: {error}"));
        }
    }

    pub(super) fn set_behind(&mut self, is_behind: bool) {
        if self.is_behind != is_behind {
            self.is_behind = is_behind;
            // If that fails, it is tried again.
            self.is_behind ^= !self.write_durably();
        }
    }

    /// Also finds out whether the disk can be written to.
    pub(super) fn write(&self) -> io::Result<()> {
        let used = if self.is_behind { u64::MAX } else { self.position.used };
        self.file.write_all_at(format!("{:>16} {used:>20}\n", self.position.numbering).as_bytes(), 0)
    }

    /// Whether it is written. A power failure does not lose it, and its block is allocated.
    fn write_durably(&self) -> bool {
        let written = self.write().and_then(|()| self.file.sync_data());
        written.inspect_err(|error| warn!("history: cannot write the state file: {error}")).is_ok()
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

    #[test]
    fn history_that_lacks_numbers_does_not_fit() {
        let history = Position { numbering: "a1".into(), used: 7 };
        for (line, expected) in [
            ("              a1                    7\n", true),
            ("a1 6\n", true),
            ("a1 8\n", false),
            ("a1 18446744073709551615\n", false),
            ("b2 7\n", false),
            ("a1\n", false),
            ("", false),
        ] {
            assert_eq!(fits(line, &history), expected, "{line:?}");
        }
    }
}

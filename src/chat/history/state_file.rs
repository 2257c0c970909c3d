//! `FILE-state`: a lock against a second chinwag, and one line that says which messages clients may know.
//!
//! The line has the name of the file's numbering, how many message numbers were used in it, and when it was written. If it
//! knows more than the history, or was copied, a backup was restored. While sent messages cannot be stored, the number is the
//! largest there is. In all cases the next process gives all rooms new log names. The line is overwritten by one of the same
//! length, which works on a full disk.

use super::error::{HistoryError, Result};
use super::store::{Position, Store};
use super::{Settings, open::beside, wall_clock};
use crate::chat::protocol::Millis;
use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// A longer time between the line's and the last change of its file means that the file was copied.
const TOLERANCE: Millis = 1000;

/// A history that is open for writing. No other chinwag writes into it.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Store,
    /// Stays locked until this is dropped.
    state_file: File,
    /// What clients know.
    pub(super) position: Position,
    /// Clients know messages that could not be stored.
    is_behind: bool,
}

impl Writer {
    /// Opens or creates a file and locks it. Also returns whether clients may know message numbers that it does not have: then
    /// all logs must get new names.
    ///
    /// # Errors
    /// Another chinwag has locked it, or an error of the operating system or of the file.
    pub(super) fn open(settings: &Settings) -> Result<(Self, bool)> {
        // The history comes first: nothing is created next to a file of another program.
        let store = Store::open(settings)?;
        let mut state_file = lock(&settings.path)?;
        let (mut line, metadata, position) = (Vec::new(), state_file.metadata()?, store.position()?);
        state_file.read_to_end(&mut line)?;
        let changed = Millis::try_from(metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000).unwrap_or_default();
        let is_behind = !fits(&String::from_utf8_lossy(&line), changed, &position);
        if is_behind && !position.numbering.is_empty() {
            warn!(
                "history: {}: clients may have messages that it does not have, because it or its state file was replaced, or a disk has failed; the numbering gets a new name, and returning clients get a gap",
                settings.path.display()
            );
        }
        Ok((Self { store, state_file, position, is_behind: false }, is_behind))
    }

    /// Must be called before clients know messages that could not be stored, and when they are stored.
    pub(super) fn set_behind(&mut self, is_behind: bool) -> Result<()> {
        if is_behind || self.is_behind {
            self.is_behind = is_behind;
            self.write_line_durably()?;
        }
        Ok(())
    }

    /// Must be called before clients know more numbers. `kill -9` does not lose the line.
    pub(super) fn write_line(&self) -> Result<()> {
        let used = if self.is_behind { u64::MAX } else { self.position.used };
        let line = format!("{:>16} {used:>20} {:>20}\n", self.position.numbering, wall_clock());
        Ok(self.state_file.write_all_at(line.as_bytes(), 0)?)
    }

    /// A power failure does not lose the line, and its block is allocated.
    pub(super) fn write_line_durably(&self) -> Result<()> {
        self.write_line()?;
        Ok(self.state_file.sync_data()?)
    }
}

/// Opens or creates the file for the history at `path`, and locks it.
fn lock(path: &Path) -> Result<File> {
    // In a shared folder the name could be a symbolic link, and chinwag would overwrite its target.
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link);
    let file = options.open(beside(path, "-state"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(HistoryError::Permanent("another chinwag uses it; choose another file".into()))
        }
        result => Ok(result.map(|()| file).map_err(io::Error::from)?),
    }
}

/// Whether the history has all messages that the line knows, and the file of the line was changed when the line says.
fn fits(line: &str, changed: Millis, history: &Position) -> bool {
    let fields: Vec<_> = line.lines().next().unwrap_or_default().split_whitespace().collect();
    let [numbering, used, date] = fields[..] else { return false };
    let is_below = |text: &str, most: u64| text.parse::<u64>().is_ok_and(|number| number <= most);
    let is_own = date.parse().is_ok_and(|date: Millis| date.abs_diff(changed) <= TOLERANCE);
    numbering == history.numbering && is_below(used, history.used) && is_own
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
        assert!(lock(&path).is_err());
        assert_eq!(fs::read_to_string(&other).expect("text"), "precious, and not ours");
        fs::remove_file(beside(&path, "-state")).expect("gone");
        assert!(lock(&path).is_ok());
        fs::remove_dir_all(&folder).expect("gone");
    }

    #[test]
    fn history_that_lacks_numbers_does_not_fit() {
        let history = Position { numbering: "a1".into(), used: 7 };
        for (line, expected) in [
            ("              a1                    7                 5000\n", true),
            ("a1 6 5999\n", true),
            ("a1 6 3999\n", false),
            ("a1 8 5000\n", false),
            ("a1 18446744073709551615 5000\n", false),
            ("b2 7 5000\n", false),
            ("a1 7\n", false),
            ("", false),
        ] {
            assert_eq!(fits(line, 5000, &history), expected, "{line:?}");
        }
    }
}

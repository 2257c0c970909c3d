//! What can go wrong with a history file.

use rusqlite::ErrorCode;
use std::{fmt, io};

pub(super) const FULL: &str = "the disk is full";
pub(super) const READ_ONLY: &str = "it is not writable";
pub(super) const LOCKED: &str = "another program has locked it";

pub(super) type Result<T, E = HistoryError> = std::result::Result<T, E>;

/// Why messages cannot be stored or read. The text is one line that says what to do.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file is tried again: the disk is full, fails or does not respond, the file is locked or not writable.
    Temporary(String),
    /// Only a person can help, and a write might do harm: the file is damaged, in use, or not of this chinwag.
    Permanent(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Temporary(text) | Self::Permanent(text)) = self;
        f.write_str(text)
    }
}

/// The same text as [`Display`](fmt::Display), because `fn main() -> Result<(), …>` prints errors with `Debug`.
impl fmt::Debug for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for HistoryError {}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Temporary(match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => FULL.into(),
            Some(ErrorCode::ReadOnly) => READ_ONLY.into(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LOCKED.into(),
            Some(ErrorCode::SystemIoFailure) => format!("the disk failed ({error})"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                let line = format!("it is not a SQLite database, or it is damaged ({error}); choose another file");
                return Self::Permanent(line);
            }
            _ => error.to_string(),
        })
    }
}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        Self::Temporary(match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FULL.into(),
            _ => error.to_string(),
        })
    }
}

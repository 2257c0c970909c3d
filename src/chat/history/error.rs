//! What can go wrong with a history file, and when the log says so.

use rusqlite::ErrorCode;
use std::{
    fmt, io, mem,
    time::{Duration, Instant},
};

pub(super) const FULL: &str = "the disk is full";
pub(super) const READ_ONLY: &str = "it is not writable";
pub(super) const LOCKED: &str = "another program has locked it";

/// The time between two log lines about the same error.
const REMINDER: Duration = Duration::from_secs(60);

pub(super) type Result<T, E = HistoryError> = std::result::Result<T, E>;

/// Why messages cannot be stored or read. The text is one line that says what to do.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The disk took longer than [`DEADLINE`](super::DEADLINE).
    NotResponding,
    /// The file is tried again: the disk is full or fails, the file is locked or not writable.
    Temporary(String),
    /// Only a person can help, and a write might do harm: the file is damaged, in use, or not of this chinwag.
    Permanent(String),
}

impl HistoryError {
    pub(super) fn damaged(reason: impl fmt::Display) -> Self {
        Self::Permanent(format!("it is not a SQLite database, or it is damaged ({reason}); choose another file"))
    }

    pub(super) fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotResponding => "the disk does not respond",
            Self::Temporary(text) | Self::Permanent(text) => text,
        })
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
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Temporary(FULL.into()),
            Some(ErrorCode::ReadOnly) => Self::Temporary(READ_ONLY.into()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Temporary(LOCKED.into()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error),
            Some(ErrorCode::SystemIoFailure) => Self::Temporary(format!("the disk failed ({error})")),
            _ => Self::Temporary(error.to_string()),
        }
    }
}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Temporary(FULL.into())
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::Temporary(READ_ONLY.into()),
            _ => Self::Temporary(error.to_string()),
        }
    }
}

/// The error that keeps messages out of the file, and the log lines about it: one when it begins, at most one a minute
/// while it lasts, and one when it is over.
#[derive(Debug, Default)]
pub(super) struct ErrorReport {
    pub(super) error: Option<HistoryError>,
    /// The error that was logged last, and when.
    logged: Option<(HistoryError, Instant)>,
    /// The beginning of the current error was logged.
    is_logged: bool,
}

impl ErrorReport {
    pub(super) fn is_permanent(&self) -> bool {
        self.error.as_ref().is_some_and(HistoryError::is_permanent)
    }

    /// Returns the line to log, if the error is new or the last line is a minute old. The caller logs it without a lock.
    pub(super) fn raise(&mut self, error: HistoryError, now: Instant) -> Option<String> {
        // A permanent error stays.
        if self.is_permanent() {
            return None;
        }
        self.error = Some(error.clone());
        let is_known = |(known, at): &(HistoryError, Instant)| *known == error && now.duration_since(*at) < REMINDER;
        if self.logged.as_ref().is_some_and(is_known) {
            return None;
        }
        let plan = match error.is_permanent() {
            true => "messages are not stored until a restart",
            false => "messages wait in memory until they can be stored",
        };
        let line = format!("{error}. The chat continues; {plan}");
        (self.logged, self.is_logged) = (Some((error, now)), true);
        Some(line)
    }

    /// Ends the error. Returns a line, unless its beginning was not logged and nothing was dropped.
    pub(super) fn clear(&mut self, dropped: u64) -> Option<String> {
        self.error.take()?;
        let loss = match (dropped, mem::take(&mut self.is_logged)) {
            (0, false) => return None,
            (0, true) => "nothing was lost".to_owned(),
            (count, _) => format!("dropped messages: {count}, and the logs of all rooms have new names"),
        };
        Some(format!("messages are stored again; {loss}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_logged_when_it_begins_once_a_minute_and_when_it_ends() {
        let (mut report, start) = (ErrorReport::default(), Instant::now());
        let full = || HistoryError::Temporary(FULL.into());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(report.raise(full(), start).expect("it is new").starts_with("the disk is full"));
        assert_eq!(report.raise(full(), after(59)), None);
        assert!(report.raise(full(), after(60)).is_some(), "a minute has passed");
        assert!(report.clear(0).expect("it ends").contains("nothing was lost"));
        assert_eq!(report.clear(0), None);
        assert_eq!((report.raise(full(), after(61)), report.clear(0)), (None, None), "it comes and goes");
        assert!(report.raise(HistoryError::NotResponding, after(61)).is_some(), "another error");
        assert!(report.clear(7).expect("messages were dropped").contains("messages: 7"));
        assert!(report.raise(HistoryError::Permanent("damaged".into()), after(62)).is_some());
        assert_eq!(report.raise(full(), after(999)), None);
        assert!(report.is_permanent(), "a permanent error stays");
    }
}

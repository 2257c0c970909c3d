//! What can go wrong with a history file, and when the log says so.

use rusqlite::ErrorCode;
use std::{
    fmt, io, mem,
    time::{Duration, Instant},
};

/// The time between two log lines about the same error.
const REMINDER: Duration = Duration::from_secs(60);

/// Why messages cannot be stored or read. The text is one line that says what to do.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The disk has no space left.
    DiskFull,
    /// The file or its folder is not writable.
    ReadOnly,
    /// Another program holds a lock for too long.
    Locked,
    /// The disk took longer than [`DEADLINE`](super::DEADLINE).
    NotResponding,
    /// The file was removed or replaced, and cannot be written again for this reason.
    Removed(String),
    /// The file has other messages under the same numbers.
    Conflict,
    /// The file is damaged, belongs to another program or a newer version, is in use, or is not readable.
    Unusable(String),
    /// Another error of the operating system or of SQLite.
    Other(String),
}

impl HistoryError {
    /// Whether only a person can help: a retry cannot succeed, and a write might do harm.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Conflict | Self::Unusable(_))
    }

    pub(super) fn damaged(reason: impl fmt::Display) -> Self {
        Self::Unusable(format!("it is not a SQLite database, or it is damaged ({reason}); choose another file"))
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Removed(why) = self {
            return write!(f, "it was removed or replaced while in use, and cannot be written again ({why})");
        }
        f.write_str(match self {
            Self::DiskFull => "the disk is full",
            Self::ReadOnly => "it is not writable",
            Self::Locked => "another program has locked it",
            Self::NotResponding => "the disk does not respond",
            Self::Conflict => "it has other messages under the same numbers; choose a new file",
            Self::Unusable(text) | Self::Removed(text) | Self::Other(text) => text,
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
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error),
            Some(ErrorCode::SystemIoFailure) => Self::Other(format!("the disk failed ({error})")),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// The error that keeps messages out of the file, and the log lines about it: one when it begins, at most one a minute
/// while it lasts, and one when it is over.
#[derive(Debug, Default)]
pub(super) struct ErrorReport {
    pub(super) error: Option<HistoryError>,
    /// When the last error was logged.
    logged_at: Option<Instant>,
    /// Whether this error was logged.
    is_logged: bool,
}

impl ErrorReport {
    pub(super) fn is_permanent(&self) -> bool {
        self.error.as_ref().is_some_and(HistoryError::is_permanent)
    }

    pub(super) fn raise(&mut self, error: HistoryError) {
        match &self.error {
            // A permanent error stays. A disk that does not respond is a symptom, and any other error says more.
            Some(_) if self.is_permanent() || error == HistoryError::NotResponding => return,
            known if error.is_permanent() || *known == Some(HistoryError::NotResponding) => self.logged_at = None,
            _ => {}
        }
        self.error = Some(error);
    }

    /// The line to log now, if the error is new or the last line is a minute old. The caller logs it without a lock.
    pub(super) fn due_line(&mut self, now: Instant) -> Option<String> {
        let error = self.error.as_ref()?;
        if self.logged_at.is_some_and(|at| now.duration_since(at) < REMINDER) {
            return None;
        }
        (self.logged_at, self.is_logged) = (Some(now), true);
        let plan = match error.is_permanent() {
            true => "messages are not stored until a restart",
            false => "messages wait in memory until they can be stored",
        };
        Some(format!("{error}. The chat continues; {plan}"))
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

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn error_is_logged_when_it_begins_once_a_minute_and_when_it_ends() {
        let (mut report, start) = (ErrorReport::default(), Instant::now());
        report.raise(HistoryError::DiskFull);
        assert!(report.due_line(start).expect("a new error is logged").starts_with("the disk is full"));
        report.raise(HistoryError::DiskFull);
        assert_eq!(report.due_line(after(start, 59)), None);
        assert!(report.due_line(after(start, 60)).is_some(), "a minute has passed");
        assert_eq!(report.due_line(after(start, 119)), None);
        assert!(report.clear(0).expect("it was logged").contains("nothing was lost"));
        assert_eq!((report.clear(0), report.due_line(after(start, 999))), (None, None));
    }

    #[test]
    fn changing_errors_are_logged_once_a_minute_and_lost_messages_always() {
        let (mut report, start) = (ErrorReport::default(), Instant::now());
        let mut count = 0;
        for time in 0..60 {
            report.raise(if time % 2 == 0 { HistoryError::DiskFull } else { HistoryError::Locked });
            count += usize::from(report.due_line(after(start, time)).is_some());
        }
        assert_eq!(count, 1);
        report.clear(0);
        let mut lines = Vec::new();
        for time in (61..181).step_by(3) {
            report.raise(HistoryError::NotResponding);
            lines.extend(report.due_line(after(start, time)));
            lines.extend(report.clear(0));
        }
        assert_eq!(lines.len(), 4, "two errors, and the end of each: {lines:?}");
        report.raise(HistoryError::DiskFull);
        assert!(report.clear(7).expect("messages were dropped").contains("messages: 7"));
    }

    #[test]
    fn cause_replaces_symptom_and_permanent_error_stays() {
        let (mut report, now) = (ErrorReport::default(), Instant::now());
        for (error, is_logged) in [
            (HistoryError::NotResponding, true),
            (HistoryError::DiskFull, true),
            (HistoryError::NotResponding, false),
            (HistoryError::Conflict, true),
            (HistoryError::DiskFull, false),
        ] {
            report.raise(error.clone());
            assert_eq!(report.due_line(now).is_some(), is_logged, "{error}");
        }
        assert_eq!(report.error, Some(HistoryError::Conflict));
    }
}

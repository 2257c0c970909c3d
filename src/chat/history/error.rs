//! What can go wrong with a history file, and when the log says so.

use log::Level;
use rusqlite::ErrorCode;
use std::{
    fmt, io,
    path::Path,
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
        let advice = "choose another file, or move this one away";
        Self::Unusable(format!("it is not a SQLite database, or it is damaged ({reason}); {advice}"))
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full",
            Self::ReadOnly => "it is not writable",
            Self::Locked => "another program has locked it",
            Self::NotResponding => "the disk does not respond",
            Self::Conflict => "it has other messages under the same numbers; choose a new file",
            Self::Unusable(text) | Self::Other(text) => text,
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
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Locked
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error),
            Some(ErrorCode::CannotOpen) => Self::Other(format!("{error}, or to create files next to it")),
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

/// A line for the log. It is written after the lock is released.
pub(super) type Line = (Level, String);

pub(super) fn log_line(line: Option<Line>) {
    if let Some((level, text)) = line {
        log::log!(level, "history: {text}");
    }
}

/// The error that keeps messages out of the file, and the log lines about it: one when it begins, at most one a minute
/// while it lasts, and one when it is over.
#[derive(Debug)]
pub(super) struct ErrorReport {
    file: String,
    /// The error, and when the trouble began.
    current: Option<(HistoryError, Instant)>,
    logged_at: Option<Instant>,
}

impl ErrorReport {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.display().to_string(), current: None, logged_at: None }
    }

    pub(super) fn error(&self) -> Option<&HistoryError> {
        self.current.as_ref().map(|(error, _)| error)
    }

    pub(super) fn is_permanent(&self) -> bool {
        self.error().is_some_and(HistoryError::is_permanent)
    }

    pub(super) fn raise(&mut self, error: HistoryError, now: Instant) {
        // A permanent error stays. A disk that does not respond is a symptom, and any other error says more.
        if self.is_permanent() || self.current.is_some() && error == HistoryError::NotResponding {
            return;
        }
        if error.is_permanent() || self.error() == Some(&HistoryError::NotResponding) {
            self.logged_at = None;
        }
        let since = self.current.as_ref().map_or(now, |(_, since)| *since);
        self.current = Some((error, since));
    }

    /// The line to log now, if the error is new or the last line is a minute old.
    pub(super) fn due_line(&mut self, now: Instant, waiting: u64, dropped: u64) -> Option<Line> {
        let (error, since) = self.current.as_ref()?;
        if self.logged_at.is_some_and(|at| now.duration_since(at) < REMINDER) {
            return None;
        }
        self.logged_at = Some(now);
        let plan = match error.is_permanent() {
            true => "messages are not stored until a restart",
            false => "messages wait in memory until they can be stored",
        };
        let (file, seconds) = (&self.file, now.duration_since(*since).as_secs());
        let counts = format!("waiting: {waiting}, dropped: {dropped}, for {seconds} s");
        Some((Level::Error, format!("{file}: {error}. The chat continues; {plan} ({counts})")))
    }

    /// Ends the trouble. Returns a line, unless its beginning was not logged and nothing was dropped.
    pub(super) fn clear(&mut self, now: Instant, dropped: u64) -> Option<Line> {
        let (_, since) = self.current.take()?;
        if dropped == 0 && self.logged_at.is_none_or(|at| at < since) {
            return None;
        }
        let seconds = now.duration_since(since).as_secs_f32();
        let loss = match dropped {
            0 => "nothing was lost".to_owned(),
            count => format!("dropped messages: {count}, and the logs of all rooms have new names"),
        };
        Some((Level::Warn, format!("{}: stored again after {seconds:.1} s; {loss}", self.file)))
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
        let (mut report, start) = (ErrorReport::new(Path::new("chat.db")), Instant::now());
        report.raise(HistoryError::DiskFull, start);
        let (_, first) = report.due_line(start, 1, 0).expect("a new error is logged");
        assert!(first.contains("chat.db: the disk is full"), "{first}");
        report.raise(HistoryError::DiskFull, after(start, 2));
        assert_eq!(report.due_line(after(start, 59), 3, 0), None);
        let (_, reminder) = report.due_line(after(start, 60), 3, 1).expect("a minute has passed");
        assert!(reminder.contains("waiting: 3, dropped: 1, for 60 s"), "{reminder}");
        assert_eq!(report.due_line(after(start, 119), 3, 0), None);
        assert!(report.clear(after(start, 119), 0).expect("it was logged").1.contains("nothing was lost"));
        assert_eq!((report.clear(after(start, 121), 0), report.due_line(after(start, 999), 0, 0)), (None, None));
    }

    #[test]
    fn changing_errors_are_logged_once_a_minute_and_lost_messages_always() {
        let (mut report, start) = (ErrorReport::new(Path::new("chat.db")), Instant::now());
        let mut count = 0;
        for time in 0..60 {
            report.raise(if time % 2 == 0 { HistoryError::DiskFull } else { HistoryError::Locked }, after(start, time));
            count += usize::from(report.due_line(after(start, time), 1, 0).is_some());
        }
        assert_eq!(count, 1);
        report.clear(after(start, 60), 0);
        let mut lines = Vec::new();
        for time in (61..181).step_by(3) {
            report.raise(HistoryError::NotResponding, after(start, time));
            lines.extend(report.due_line(after(start, time), 1, 0));
            lines.extend(report.clear(after(start, time + 2), 0));
        }
        assert_eq!(lines.len(), 4, "two errors, and the end of each: {lines:?}");
        report.raise(HistoryError::DiskFull, after(start, 183));
        assert!(report.clear(after(start, 184), 7).expect("messages were dropped").1.contains("messages: 7"));
    }

    #[test]
    fn cause_replaces_symptom_and_permanent_error_stays() {
        let (mut report, now) = (ErrorReport::new(Path::new("chat.db")), Instant::now());
        for (error, is_logged) in [
            (HistoryError::NotResponding, true),
            (HistoryError::DiskFull, true),
            (HistoryError::NotResponding, false),
            (HistoryError::Conflict, true),
            (HistoryError::DiskFull, false),
        ] {
            report.raise(error.clone(), now);
            assert_eq!(report.due_line(now, 0, 0).is_some(), is_logged, "{error}");
        }
        assert_eq!(report.error(), Some(&HistoryError::Conflict));
    }
}

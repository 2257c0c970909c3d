//! What can be wrong with a file, and what to do about it.
//!
//! Owns the sentences, and which problems may pass by themselves.

use rusqlite::{Error, ErrorCode};
use std::{fmt, io, path::PathBuf};

/// Why messages cannot be kept, or read.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is no room on the disk, or the file may not grow.
    Full,
    /// The file, or its folder, may not be written to.
    ReadOnly,
    /// Another program holds a lock on it for longer than is waited for.
    Locked,
    /// The disk took longer than [`DEADLINE`](super::DEADLINE).
    Slow,
    /// Another chinwag keeps its history in it.
    InUse,
    /// There is no such folder, or a folder of that name is there.
    NoPlace(String),
    /// It is no SQLite database, or its pages are damaged.
    Corrupt(String),
    /// It is a database, but not of chinwag.
    Foreign,
    /// A newer chinwag made it, with this version of the schema.
    Newer(i64),
    /// Somebody else has written messages into it, with the numbers that are ours to give.
    Taken,
    /// Nobody reads what is printed of it.
    Closed,
    /// Anything else that the operating system or SQLite says.
    Other(String),
}

impl Problem {
    /// Whether only a person can help: trying again is of no use, and writing might do harm.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Corrupt(_) | Self::Foreign | Self::Newer(_) | Self::Taken | Self::InUse)
    }

    /// What to do, for whoever has just named that file.
    fn advice(&self) -> &'static str {
        match self {
            Self::InUse => "; stop that one, or choose another file",
            Self::Corrupt(_) | Self::Foreign => "; choose another file, or move this one away",
            Self::Newer(_) => "; use that one, or choose another file",
            Self::ReadOnly => "; give this user the right to read and write it, or choose another file",
            _ => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk is full"),
            Self::ReadOnly => f.write_str("it may not be written to"),
            Self::Locked => f.write_str("another program has locked it"),
            Self::Slow => f.write_str("the disk does not answer"),
            Self::InUse => f.write_str("another chinwag uses it"),
            Self::NoPlace(why) => f.write_str(why),
            Self::Corrupt(why) => write!(f, "it is no SQLite database, or damaged ({why})"),
            Self::Foreign => f.write_str("it is a database of another program"),
            Self::Newer(version) => write!(f, "a newer chinwag made it (schema {version})"),
            Self::Taken => f.write_str("somebody else writes messages into it"),
            Self::Closed => f.write_str("nobody reads on"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// As [`Display`](fmt::Display): `fn main() -> Result<(), …>` prints errors with `Debug`, and people read them.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problem {}

/// Why a file cannot be used, and what to do: a mistake in what was asked for, in one line.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.file.display(), self.problem, self.problem.advice())
    }
}

/// As [`Problem`]'s.
impl fmt::Debug for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Unusable {}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Locked
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            Some(ErrorCode::CannotOpen) => Self::Other(format!("{error}, or to make files next to it")),
            Some(ErrorCode::SystemIoFailure) => Self::Other(format!("the disk failed ({error})")),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full,
            io::ErrorKind::BrokenPipe => Self::Closed,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Other(error.to_string()),
        }
    }
}

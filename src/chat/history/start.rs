//! What can be done with the file now, and what is done when that changes.
//!
//! Owns the file and the word next to it. One that cannot be written is read; one that is opened late is written on.

use super::{
    file::{self, File},
    mark::Mark,
    opening,
    problem::Problem,
    settings::Settings,
    shared::Source,
    shelf::Lost,
};
use crate::chat::protocol::StoredMessage;
use log::warn;
use rusqlite::Connection;
use std::sync::Arc;

/// What there is of the file.
#[derive(Debug)]
pub(super) enum Access {
    /// It can be written.
    Write(File),
    /// It can be read.
    Read(Connection),
    /// There is nothing in it yet.
    Empty,
    /// It cannot be read.
    Unreadable,
}

/// The thread's own, from the start.
#[derive(Debug)]
pub(super) struct Start {
    settings: Settings,
    run: Arc<str>,
    pub(super) mark: Option<Mark>,
    pub(super) access: Access,
    problem: Option<Problem>,
    /// All numberings are to be called `run`: people know messages by their old names that the file has not.
    rename: bool,
    /// As it was noted.
    is_behind: bool,
}

impl Start {
    /// # Errors
    /// Those that are [final](Problem::is_final), and a file that may be neither read nor written. Any other problem is
    /// kept, to be told.
    pub(super) fn new(settings: &Settings, run: Arc<str>) -> Result<Self, Problem> {
        let mut start = Self {
            settings: settings.clone(),
            run,
            mark: None,
            access: Access::Unreadable,
            problem: None,
            rename: false,
            is_behind: false,
        };
        match start.open(true) {
            Ok(()) => Ok(start),
            Err(problem) if problem.is_final() => Err(problem),
            Err(problem) => {
                start.read_only();
                match (&problem, &start.access) {
                    (Problem::ReadOnly, Access::Unreadable) => Err(problem),
                    _ => Ok(Self { rename: true, problem: Some(problem), ..start }),
                }
            }
        }
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        self.problem.clone()
    }

    pub(super) fn first_id(&self) -> u64 {
        match &self.access {
            Access::Write(file) => file.next_id(),
            Access::Read(db) => file::next_id(db).unwrap_or(1),
            Access::Empty | Access::Unreadable => 1,
        }
    }

    /// Opens it to write.
    fn open(&mut self, first: bool) -> Result<(), Problem> {
        let was_empty = matches!(self.access, Access::Empty);
        // The file first: next to one that is not ours, nothing is made.
        let mut file = File::open(&self.settings.path, self.settings.durability, self.run.clone())?;
        if was_empty && file.next_id() > 1 {
            return Err(Problem::Taken);
        }
        if self.mark.is_none() {
            let (mark, behind) = Mark::take(&self.settings.path)?;
            self.rename |= behind;
            self.is_behind = behind;
            self.mark = Some(mark);
        }
        if first {
            file.forget_empty_rooms()?;
        }
        if self.rename {
            file.rename_logs(&self.run)?;
            self.rename = false;
        }
        self.access = Access::Write(file);
        if first {
            self.note(false);
        }
        Ok(())
    }

    /// What can still be read is read.
    fn read_only(&mut self) {
        self.access = match opening::to_read(&self.settings.path) {
            Ok(Some(db)) => Access::Read(db),
            Ok(None) => Access::Empty,
            Err(_) => Access::Unreadable,
        };
    }

    pub(super) fn write(&mut self, batches: &[Arc<[StoredMessage]>], lost: &Lost) -> Result<(), Problem> {
        if let Some(name) = lost.anew.as_ref().filter(|name| **name != self.run) {
            self.run = name.clone();
            self.rename = true;
        }
        if !matches!(self.access, Access::Write(_)) {
            self.open(false)?;
        }
        let Access::Write(file) = &mut self.access else { return Ok(()) };
        let renamed = if self.rename { file.rename_logs(&self.run) } else { Ok(()) };
        self.rename &= renamed.is_err();
        let written = renamed.and_then(|()| file.write(batches, &lost.numbers));
        if written == Err(Problem::Full) {
            file.give_back();
        }
        // With these the connection is as good as ever.
        if !matches!(written, Ok(()) | Err(Problem::Full | Problem::Locked)) {
            self.read_only();
        }
        written
    }

    /// Notes whether the file lacks what people have seen.
    pub(super) fn note(&mut self, behind: bool) {
        if self.is_behind == behind {
            return;
        }
        self.is_behind = behind;
        if let Some(Err(error)) = self.mark.as_ref().map(|mark| mark.set(!behind)) {
            warn!("history: cannot note whether the file is behind: {error}");
        }
    }

    pub(super) fn source(&self) -> Option<Source<'_>> {
        let db = match &self.access {
            Access::Write(file) => Some(&file.db),
            Access::Read(db) => Some(db),
            Access::Empty => None,
            Access::Unreadable => return None,
        };
        Some(Source { db, run: &self.run, renamed: self.rename })
    }
}

//! The thread that reads and writes the file.
//!
//! Owns the file, and what is done when it cannot be written: it is opened anew, now and then.

use super::{
    file::{self, File},
    keeper::{RETRY, Shared, Source, State, tell},
    mark::Mark,
    opening,
    problem::Problem,
    prune::{self, Bounds},
    settings::Settings,
};
use crate::protocol::{Entry, Millis};
use log::warn;
use rusqlite::Connection;
use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Between two looks at what has become too old.
const TIDY: Duration = Duration::from_secs(60);

/// Between two steps of deleting, so that those who speak come first.
const PAUSE: Duration = Duration::from_millis(20);

/// What there is of the file.
#[derive(Debug)]
enum Access {
    /// It can be written.
    Write(File),
    /// It can be read.
    Read(Connection),
    /// There is nothing in it yet.
    Nothing,
    /// It cannot be read.
    None,
}

/// The thread's own, from the start.
#[derive(Debug)]
pub(super) struct Start {
    settings: Settings,
    run: Arc<str>,
    mark: Option<Mark>,
    access: Access,
    problem: Option<Problem>,
    /// All numberings are to be called `run`: people know messages by their old names that the file has not.
    rename: bool,
    /// As it was noted.
    is_behind: bool,
}

impl Start {
    /// # Errors
    /// [`Problem::InUse`] only. Any other problem is kept, to be told.
    pub(super) fn new(settings: &Settings, run: Arc<str>) -> Result<Self, Problem> {
        let mut start = Self {
            settings: settings.clone(),
            run,
            mark: None,
            access: Access::None,
            problem: None,
            rename: false,
            is_behind: false,
        };
        match start.open(true) {
            Err(Problem::InUse) => return Err(Problem::InUse),
            Err(problem) => {
                start.rename = true;
                start.problem = Some(problem);
                start.read_only();
            }
            Ok(()) => {}
        }
        Ok(start)
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        self.problem.clone()
    }

    pub(super) fn first_id(&self) -> u64 {
        match &self.access {
            Access::Write(file) => file.next_id(),
            Access::Read(db) => file::next_id(db).unwrap_or(1),
            Access::Nothing | Access::None => 1,
        }
    }

    /// Opens it to write.
    fn open(&mut self, first: bool) -> Result<(), Problem> {
        let was_nothing = matches!(self.access, Access::Nothing);
        // The file first: next to one that is not ours, nothing is made.
        let file = File::open(&self.settings.path, self.settings.durability, self.run.clone())?;
        if was_nothing && file.next_id() > 1 {
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
            file.rename_logs()?;
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
            Ok(None) => Access::Nothing,
            Err(_) => Access::None,
        };
    }

    fn write(&mut self, batches: &[Arc<[Entry]>], lost: &HashMap<Arc<str>, u64>) -> Result<(), Problem> {
        if !matches!(self.access, Access::Write(_)) {
            self.open(false)?;
        }
        let Access::Write(file) = &mut self.access else { return Ok(()) };
        let written = file.write(batches, lost);
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
    fn note(&mut self, behind: bool) {
        if self.is_behind == behind {
            return;
        }
        self.is_behind = behind;
        if let Some(Err(error)) = self.mark.as_ref().map(|mark| mark.set(!behind)) {
            warn!("history: cannot note whether the file is behind: {error}");
        }
    }

    fn source(&self) -> Option<Source<'_>> {
        let db = match &self.access {
            Access::Write(file) => Some(&file.db),
            Access::Read(db) => Some(db),
            Access::Nothing => None,
            Access::None => return None,
        };
        Some(Source { db, run: &self.run, renamed: self.rename })
    }
}

/// Starts the thread.
///
/// # Errors
/// The operating system refuses it.
pub(super) fn spawn(start: Start, bounds: Bounds, shared: &Arc<Shared>) -> Result<(), Problem> {
    let now = Instant::now();
    let tidy_at = (!bounds.are_none()).then_some(now);
    let mut work = Work { start, bounds, shared: shared.clone(), retry_at: now, tidy_at, since_tidy: 0 };
    thread::Builder::new().name("history".into()).stack_size(512 * 1024).spawn(move || work.run())?;
    Ok(())
}

struct Work {
    start: Start,
    bounds: Bounds,
    shared: Arc<Shared>,
    /// While there is trouble.
    retry_at: Instant,
    tidy_at: Option<Instant>,
    /// Messages written since the last look at what is too much.
    since_tidy: u64,
}

/// What is next.
enum Next {
    Answer,
    Write,
    Tidy,
    End,
}

impl Work {
    fn run(&mut self) {
        loop {
            match self.next() {
                Next::Answer => self.answer(),
                Next::Write => self.write(),
                Next::Tidy => self.tidy(),
                Next::End => return self.end(),
            }
        }
    }

    /// Waits until there is something to do.
    fn next(&self) -> Next {
        let mut state = self.shared.lock();
        loop {
            let now = Instant::now();
            let troubled = state.alarm.problem().is_some_and(|problem| *problem != Problem::Slow);
            if !state.asks.is_empty() {
                return Next::Answer;
            }
            if state.closing {
                return Next::End;
            }
            if !state.shelf.is_empty() && (!troubled || self.may_retry(&state, now)) {
                return Next::Write;
            }
            if !troubled && self.tidy_at.is_some_and(|at| at <= now) {
                return Next::Tidy;
            }
            state = self.wait(state, now, troubled);
        }
    }

    fn may_retry(&self, state: &State, now: Instant) -> bool {
        !state.alarm.problem().is_some_and(Problem::is_final) && self.retry_at <= now
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, now: Instant, troubled: bool) -> MutexGuard<'a, State> {
        let retry_at = (troubled && !state.shelf.is_empty()).then_some(self.retry_at).filter(|at| *at > now);
        let tidy_at = self.tidy_at.filter(|_| !troubled);
        let work = &self.shared.work;
        match [retry_at, tidy_at].into_iter().flatten().min() {
            None => work.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(at) => work.wait_timeout(state, at - now).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn answer(&self) {
        let asks = std::mem::take(&mut self.shared.lock().asks);
        let source = self.start.source();
        for ask in asks {
            ask(source.as_ref());
        }
        let state = self.shared.lock();
        let was_slow = state.alarm.problem() == Some(&Problem::Slow) && state.shelf.is_empty();
        drop(state);
        if was_slow {
            self.recovered();
        }
    }

    fn write(&mut self) {
        let mut state = self.shared.lock();
        let (batches, until) = state.shelf.first();
        let lost = state.shelf.take_lost();
        drop(state);
        match self.start.write(&batches, &lost) {
            Ok(()) => self.written(&batches, until),
            Err(problem) => self.failed(problem, lost),
        }
    }

    fn written(&mut self, batches: &[Arc<[Entry]>], until: u64) {
        let mut state = self.shared.lock();
        state.shelf.written(until);
        let was_trouble = state.alarm.problem().is_some() && state.shelf.is_empty();
        drop(state);
        if was_trouble {
            self.start.note(false);
            self.recovered();
        }
        self.shared.done.notify_all();
        self.since_tidy += batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
        if self.since_tidy >= self.bounds.slack() {
            self.tidy_at = Some(Instant::now());
        }
    }

    fn recovered(&self) {
        let mut state = self.shared.lock();
        let lost = state.shelf.lost_count();
        state.shelf.forget_count();
        let line = state.alarm.clear(Instant::now(), lost);
        drop(state);
        tell(line);
    }

    fn failed(&mut self, problem: Problem, lost: HashMap<Arc<str>, u64>) {
        let now = Instant::now();
        self.retry_at = now + RETRY;
        let mut state = self.shared.lock();
        state.shelf.put_back(lost);
        drop(state);
        // Before anybody sees what the file has not.
        self.start.note(true);
        let mut state = self.shared.lock();
        let line = state.alarm.raise(problem, now);
        let (waiting, lost) = (state.shelf.len(), state.shelf.lost_count());
        let line = line.or_else(|| state.alarm.remind(now, waiting, lost));
        drop(state);
        self.shared.done.notify_all();
        tell(line);
    }

    /// One step of deleting what is not to be kept.
    fn tidy(&mut self) {
        let Access::Write(file) = &mut self.start.access else {
            self.tidy_at = Some(Instant::now() + TIDY);
            return;
        };
        let more = prune::step(&mut file.db, &self.bounds, today());
        let pause = match more {
            Ok(true) => PAUSE,
            Ok(false) => TIDY,
            Err(problem) => {
                warn!("history: old messages cannot be deleted: {problem}");
                TIDY
            }
        };
        self.since_tidy = 0;
        self.tidy_at = Some(Instant::now() + pause);
    }

    /// One last try to write what waits, and the end.
    fn end(&mut self) {
        loop {
            let before = self.shared.lock().shelf.len();
            if before == 0 {
                break;
            }
            self.write();
            if self.shared.lock().shelf.len() >= before {
                break;
            }
        }
        if let Access::Write(file) = std::mem::replace(&mut self.start.access, Access::None) {
            if let Err(problem) = file.close() {
                warn!("history: not closed in good order: {problem}");
            }
        }
        // Whoever comes next may have it.
        self.start.mark = None;
        self.shared.lock().ended = true;
        self.shared.done.notify_all();
    }
}

fn today() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

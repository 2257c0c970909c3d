//! The thread that reads and writes the file.
//!
//! Owns its time: what comes first, and when what failed is tried again.

use super::{
    alarm::tell,
    problem::Problem,
    prune::{self, Bounds},
    shared::{Shared, State},
    shelf::Lost,
    start::{Access, Start},
};
use crate::{
    chat::protocol::{Millis, StoredMessage},
    ws::spawn,
};
use log::warn;
use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// As long as there is trouble, it is tried again so often.
const RETRY: Duration = Duration::from_secs(2);

/// Between two looks at what has become too old.
const TIDY: Duration = Duration::from_secs(60);

/// Between two steps of deleting, so that those who speak come first.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts the thread.
///
/// # Errors
/// The operating system refuses it.
pub(super) fn spawn(start: Start, bounds: Bounds, shared: &Arc<Shared>) -> Result<(), Problem> {
    let now = Instant::now();
    let tidy_at = (!bounds.are_none()).then_some(now);
    let mut work =
        Work { start, bounds, shared: shared.clone(), retry_at: now, tidy_at, since_tidy: 0, unreadable: false };
    Ok(spawn::spawn("history", 512 * 1024, Box::new(move || work.run()))?)
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
    /// What was asked last could not be read.
    unreadable: bool,
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

    fn answer(&mut self) {
        let asks = std::mem::take(&mut self.shared.lock().asks);
        let source = self.start.source();
        let trouble = asks.into_iter().filter_map(|ask| ask(source.as_ref()).err()).last();
        let mut state = self.shared.lock();
        state.is_slow = false;
        let was_slow = state.alarm.problem() == Some(&Problem::Slow) || self.unreadable;
        self.unreadable = trouble.is_some();
        let line = trouble.and_then(|problem| state.alarm.raise(problem, Instant::now()));
        let passes = state.alarm.problem().is_some_and(|problem| !problem.is_final());
        let is_over = was_slow && passes && !self.unreadable && state.shelf.is_empty();
        drop(state);
        tell(line);
        if is_over {
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

    fn written(&mut self, batches: &[Arc<[StoredMessage]>], until: u64) {
        let mut state = self.shared.lock();
        state.shelf.written(until);
        state.is_slow = false;
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

    fn failed(&mut self, problem: Problem, lost: Lost) {
        let now = Instant::now();
        self.retry_at = now + RETRY;
        let mut state = self.shared.lock();
        state.shelf.put_back(lost);
        state.is_slow = false;
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
        let more = prune::step(&mut file.db, &mut self.bounds, today());
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
        if let Access::Write(file) = std::mem::replace(&mut self.start.access, Access::Unreadable) {
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

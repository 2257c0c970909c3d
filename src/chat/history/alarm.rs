//! What people are told when a history is in trouble: once, when it becomes one that was not told of yet, else at most once
//! a minute, and when it is over. Trouble that comes again within a minute is told of when that has passed.
//!
//! Owns those sentences. It makes them only: whoever holds a lock logs them when it has let go.

use super::problem::Problem;
use log::{error, warn};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Between two reminders.
const REMINDER: Duration = Duration::from_secs(60);

/// Problems that are told of in one trouble: some have words in them that may always be others.
const MOST_PROBLEMS: usize = 8;

/// Whether there is trouble with a file.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Its name.
    file: String,
    trouble: Option<Trouble>,
    /// When trouble was told of last.
    told: Option<Instant>,
}

#[derive(Debug)]
struct Trouble {
    problem: Problem,
    since: Instant,
    /// All that it looked like.
    known: Vec<Problem>,
    /// Whether people know of it.
    is_told: bool,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Error(String),
    Warning(String),
}

/// Logs a line, if there is one; with no lock held.
pub(super) fn tell(line: Option<Line>) {
    match line {
        Some(Line::Error(text)) => error!("{text}"),
        Some(Line::Warning(text)) => warn!("{text}"),
        None => {}
    }
}

impl Alarm {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.display().to_string(), trouble: None, told: None }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.trouble.as_ref().map(|trouble| &trouble.problem)
    }

    /// Something is wrong. Told when nothing was before, or something else. What only a person can help with is not
    /// forgotten over what passes.
    pub(super) fn raise(&mut self, problem: Problem, now: Instant) -> Option<Line> {
        if self.problem().is_some_and(|known| *known == problem || known.is_final() && !problem.is_final()) {
            return None;
        }
        let is_due = self.is_due(now) || problem.is_final();
        let text = self.sentence(&problem);
        let Some(trouble) = &mut self.trouble else {
            let known = vec![problem.clone()];
            self.trouble = Some(Trouble { problem, since: now, known, is_told: is_due });
            return is_due.then(|| self.tell(now, text));
        };
        trouble.problem = problem.clone();
        let is_news = !trouble.known.contains(&problem) && trouble.known.len() < MOST_PROBLEMS;
        if is_news {
            trouble.known.push(problem.clone());
        }
        match problem.is_final() {
            true => Some(self.tell(now, text)),
            // The same trouble that only looks different: reminders keep their pace.
            false => (is_news && trouble.is_told).then_some(Line::Warning(text)),
        }
    }

    fn sentence(&self, problem: &Problem) -> String {
        let what = match problem {
            Problem::Taken => "nothing is kept until it is restarted",
            _ if problem.is_final() => "nothing is kept until it is restarted with another file",
            _ => "messages wait in memory, and it is tried again",
        };
        format!("history: {}: {problem}. The chat goes on; {what}", self.file)
    }

    fn tell(&mut self, now: Instant, text: String) -> Line {
        self.told = Some(now);
        self.trouble.iter_mut().for_each(|trouble| trouble.is_told = true);
        Line::Error(text)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.told.is_none_or(|told| now.duration_since(told) >= REMINDER)
    }

    /// It is still so: a reminder, when it is time for one.
    pub(super) fn remind(&mut self, now: Instant, waiting: usize, lost: u64) -> Option<Line> {
        let trouble = self.trouble.as_ref().filter(|_| self.is_due(now))?;
        let (problem, time) = (&trouble.problem, now.duration_since(trouble.since).as_secs());
        let text = format!(
            "history: still, after {time} s: {problem}. Messages that wait in memory: {waiting}, that are not kept: {lost}"
        );
        Some(self.tell(now, text))
    }

    /// It is over.
    pub(super) fn clear(&mut self, now: Instant, lost: u64) -> Option<Line> {
        let trouble = self.trouble.take().filter(|trouble| trouble.is_told || lost > 0)?;
        let time = now.duration_since(trouble.since).as_secs_f32();
        let loss = match lost {
            0 => "nothing was lost".to_owned(),
            lost => format!("messages of that time that are not kept: {lost}; no number is given twice"),
        };
        Some(Line::Warning(format!("history: it works again after {time:.1} s; {loss}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_once_then_at_most_once_a_minute_and_when_it_is_over() {
        let (mut alarm, start) = (Alarm::new(Path::new("chat.db")), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let Some(Line::Error(first)) = alarm.raise(Problem::Full, start) else { panic!("it is told") };
        assert!(first.contains("chat.db: the disk is full"), "{first}");
        assert_eq!(alarm.raise(Problem::Full, after(2)), None);
        assert_eq!(alarm.remind(after(59), 3, 0), None);
        let reminder = alarm.remind(after(60), 3, 1).expect("a minute has passed");
        assert!(
            format!("{reminder:?}").contains("Messages that wait in memory: 3, that are not kept: 1"),
            "{reminder:?}"
        );
        assert_eq!(alarm.remind(after(119), 3, 0), None);
        assert!(matches!(alarm.raise(Problem::Slow, after(119)), Some(Line::Warning(_))));
        assert!(matches!(alarm.clear(after(120), 0), Some(Line::Warning(_))));
        assert_eq!((alarm.clear(after(121), 0), alarm.remind(after(999), 0, 0)), (None, None));
    }

    /// What has no line is told of by a reminder, if it lasts.
    #[test]
    fn what_comes_and_goes_and_what_changes_to_and_fro_is_told_of_once_a_minute() {
        let (mut alarm, start) = (Alarm::new(Path::new("chat.db")), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut lines = 0;
        for time in 0..60 {
            let problem = if time % 2 == 0 { Problem::Full } else { Problem::Locked };
            lines += usize::from(alarm.raise(problem, after(time)).is_some());
            lines += usize::from(alarm.remind(after(time), 1, 0).is_some());
        }
        assert_eq!(lines, 2, "each of them once");
        for time in 0..60 {
            lines += usize::from(alarm.raise(Problem::Other(time.to_string()), after(time)).is_some());
        }
        assert!(lines <= MOST_PROBLEMS, "{lines}");
        assert!(alarm.clear(after(60), 0).is_some());
        let mut coming = |time| [alarm.raise(Problem::Slow, after(time)), alarm.clear(after(time + 2), 0)];
        let told: Vec<_> = (61..181).step_by(3).flat_map(&mut coming).flatten().collect();
        assert_eq!(told.len(), 4, "once a minute, and each time that it is over: {told:?}");
        alarm.raise(Problem::Full, after(181));
        assert!(alarm.clear(after(182), 7).is_some(), "what is lost is always told");
        assert!(alarm.raise(Problem::Taken, after(183)).is_some(), "and what is final");
        assert_eq!((alarm.raise(Problem::Slow, after(184)), alarm.problem()), (None, Some(&Problem::Taken)));
    }
}

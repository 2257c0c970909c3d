//! What people are told when a history is in trouble: once, when it becomes another one, else at most once a minute, and
//! when it is over.
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

/// Whether there is trouble with a file.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Its name.
    file: String,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    problem: Problem,
    since: Instant,
    told: Instant,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Error(String),
    Warning(String),
}

impl Line {
    pub(super) fn log(self) {
        match self {
            Self::Error(text) => error!("{text}"),
            Self::Warning(text) => warn!("{text}"),
        }
    }
}

impl Alarm {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.display().to_string(), trouble: None }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.trouble.as_ref().map(|trouble| &trouble.problem)
    }

    /// Something is wrong. Told when nothing was before, or something else.
    pub(super) fn raise(&mut self, problem: Problem, now: Instant) -> Option<Line> {
        if self.problem() == Some(&problem) {
            return None;
        }
        let what = match problem {
            Problem::Taken => "nothing is kept until it is restarted",
            _ if problem.is_final() => "nothing is kept until it is restarted with another file",
            _ => "messages wait in memory, and it is tried again",
        };
        let text = format!("history: {}: {problem}. The chat goes on; {what}", self.file);
        // While it is the same trouble that only looks different, reminders keep their pace.
        let (since, told) = self.trouble.as_ref().map_or((now, now), |trouble| (trouble.since, trouble.told));
        let first = self.trouble.is_none() || problem.is_final();
        self.trouble = Some(Trouble { problem, since, told: if first { now } else { told } });
        Some(if first { Line::Error(text) } else { Line::Warning(text) })
    }

    /// It is still so: a reminder, when it is time for one.
    pub(super) fn remind(&mut self, now: Instant, waiting: usize, lost: u64) -> Option<Line> {
        let trouble = self.trouble.as_mut().filter(|trouble| now.duration_since(trouble.told) >= REMINDER)?;
        trouble.told = now;
        let (problem, time) = (&trouble.problem, now.duration_since(trouble.since).as_secs());
        Some(Line::Error(format!(
            "history: still, after {time} s: {problem}. Messages that wait in memory: {waiting}, that are not kept: {lost}"
        )))
    }

    /// It is over.
    pub(super) fn clear(&mut self, now: Instant, lost: u64) -> Option<Line> {
        let trouble = self.trouble.take()?;
        let time = now.duration_since(trouble.since).as_secs_f32();
        let loss = match lost {
            0 => "nothing was lost".to_owned(),
            lost => format!("messages of that time that are not kept: {lost}; no number is given twice"),
        };
        Some(Line::Warning(format!("history: written again after {time:.1} s; {loss}")))
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
}

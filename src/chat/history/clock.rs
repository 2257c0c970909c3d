//! Tells whether the system's clock can be right: a wrong one must not delete messages.

use crate::chat::protocol::{Millis, date_time};
use log::warn;
use std::time::{Duration, Instant};

const DAY: Millis = 24 * 60 * 60 * 1000;

/// How long an operator has to correct the clock.
const GRACE: Duration = Duration::from_secs(60 * 60);

#[derive(Debug)]
pub(super) struct Clock {
    /// The last date that was believed, and when.
    date: Millis,
    at: Instant,
    /// How far the clock may be ahead of the date that follows from that. The machine may have slept, or been off.
    tolerance: Millis,
    doubted_at: Option<Instant>,
}

impl Clock {
    /// At a start, the last known date is that of the newest message.
    pub(super) fn starting(newest: Option<Millis>, now: Instant) -> Self {
        let tolerance = if newest.is_some() { 365 * DAY } else { Millis::MAX };
        Self { date: newest.unwrap_or_default(), at: now, tolerance, doubted_at: None }
    }

    /// The date by which messages are deleted now. If the clock has jumped ahead, that is the expected date for an hour.
    pub(super) fn plausible(&mut self, date: Millis, now: Instant) -> Millis {
        let passed = Millis::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(Millis::MAX);
        let expected = self.date.saturating_add(passed);
        if date > expected.saturating_add(self.tolerance) {
            let doubted_at = *self.doubted_at.get_or_insert_with(|| {
                let (date, expected) = (date_time(date / 1000, ' '), date_time(expected / 1000, ' '));
                warn!("history: the system's clock has jumped to {date}, but {expected} was expected; if it is wrong, set it within an hour: after that, messages are deleted by it");
                now
            });
            if now.saturating_duration_since(doubted_at) < GRACE {
                return expected;
            }
        }
        *self = Self { date, at: now, tolerance: DAY, doubted_at: None };
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Millis = 365 * DAY;
    const HOUR: Millis = DAY / 24;

    /// What is believed at these times, given as hours since the start, from a clock that shows these dates.
    fn believed(newest: Option<Millis>, shown: &[(Millis, Millis)]) -> Vec<Millis> {
        let start = Instant::now();
        let mut clock = Clock::starting(newest, start);
        let at = |hours: Millis| start + Duration::from_millis(hours * HOUR);
        shown.iter().map(|(hours, date)| clock.plausible(*date, at(*hours))).collect()
    }

    #[test]
    fn clock_that_jumps_ahead_is_not_believed_for_an_hour() {
        let now = 50 * YEAR;
        for (newest, shown, expected) in [
            // The right clock, and a file that was not in use for 360 days.
            (Some(now - 360 * DAY), &[(0, now), (1, now + HOUR)][..], &[now, now + HOUR][..]),
            (None, &[(0, now)], &[now]),
            // Years ahead at the start, then set right.
            (Some(now), &[(0, now + 10 * YEAR), (0, now)], &[now, now]),
            // Years ahead while running, for half an hour or for longer.
            (
                Some(now),
                &[(0, now), (1, now + 9 * YEAR), (1, now), (2, now + HOUR)],
                &[now, now + HOUR, now, now + HOUR],
            ),
            (Some(now), &[(0, now + 9 * YEAR), (1, now + 9 * YEAR)], &[now, now + 9 * YEAR]),
            // Backwards: nothing is too old. Then forwards again.
            (Some(now), &[(0, now), (0, now - 9 * YEAR), (0, now)], &[now, now - 9 * YEAR, now - 9 * YEAR]),
            // A machine that slept for less than a day.
            (Some(now), &[(0, now), (0, now + 23 * HOUR)], &[now, now + 23 * HOUR]),
        ] {
            assert_eq!(believed(newest, shown), expected, "{shown:?}");
        }
    }
}

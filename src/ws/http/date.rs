//! The `Date` of responses.

use std::time::{SystemTime, UNIX_EPOCH};

/// `Date` and its line end. Nothing if the clock is before 1970: a server without a clock sends no `Date` (RFC 9110 6.6.1).
pub(crate) fn date_line() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or_else(|_| String::new(), |time| format!("Date: {}\r\n", imf_fixdate(time.as_secs())))
}

/// The form `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7).
fn imf_fixdate(seconds: u64) -> String {
    let ((year, month, day), (hour, minute, second)) = date_and_time(seconds);
    let name = |names: &'static str, at: u64| names.split(' ').nth(at as usize).unwrap_or_default();
    let weekday = name("Thu Fri Sat Sun Mon Tue Wed", seconds / 86_400 % 7);
    let month = name("- Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day in the Gregorian calendar, and hour, minute and second, from seconds since 1970 in UTC.
///
/// The days are counted in years that begin in March, so that a leap day is the last day of its year.
pub(crate) fn date_and_time(seconds: u64) -> ((u64, u64, u64), (u64, u64, u64)) {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let date = (era * 400 + year_of_era + u64::from(month <= 2), month, day);
    (date, (second / 3_600, second / 60 % 60, second % 60))
}

/// Seconds since 1970, from what [`date_and_time`] makes of them. `None` if there is no such date or time.
#[cfg(feature = "chat")]
pub(crate) fn seconds(date: (u64, u64, u64), time: (u64, u64, u64)) -> Option<u64> {
    let ((year, month, day), (hour, minute, second)) = (date, time);
    let (year, march_month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * march_month + 2) / 5 + day.checked_sub(1)?;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3_600 + minute * 60 + second;
    (date_and_time(seconds) == (date, time)).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "chat")]
    #[test]
    fn seconds_are_the_inverse_of_dates() {
        for second in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_735_689_599, 4_107_542_399, 253_402_300_799] {
            let (date, time) = date_and_time(second);
            assert_eq!(seconds(date, time), Some(second));
        }
        for (date, time) in [
            ((1969, 12, 31), (0, 0, 0)),
            ((2023, 2, 29), (0, 0, 0)),
            ((2023, 13, 1), (0, 0, 0)),
            ((2023, 0, 1), (0, 0, 0)),
            ((2023, 1, 0), (0, 0, 0)),
            ((2023, 1, 1), (24, 0, 0)),
            ((0, 1, 1), (0, 0, 0)),
        ] {
            assert_eq!(seconds(date, time), None, "{date:?} {time:?}");
        }
    }

    #[test]
    fn dates_have_the_form_of_the_standard() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(imf_fixdate(seconds), expected);
        }
    }

    #[test]
    fn now_is_a_date_of_this_clock() {
        let line = date_line();
        assert!(line.len() == 37 && line.starts_with("Date: ") && line.ends_with(" GMT\r\n"), "{line}");
    }
}

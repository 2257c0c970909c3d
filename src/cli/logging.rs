//! Log lines on stderr: time, level, where, what.
//!
//! Owns their format: UTC times without a time zone library.

use env_logger::{Builder, Target};
use log::LevelFilter;
use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

/// Starts logging at that level, unless `RUST_LOG` says otherwise.
pub(crate) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level).parse_default_env().target(Target::Stderr);
    builder.format(|line, record| {
        writeln!(line, "{} {:5} {}: {}", utc_now(), record.level(), record.target(), record.args())
    });
    builder.init();
}

fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    utc(since.as_secs(), since.subsec_millis())
}

/// RFC 3339. The days are counted in years that begin in March, so that a leap day is the last day of its year.
fn utc(seconds: u64, millis: u32) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_date_does() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (seconds, text) in table {
            assert_eq!(utc(seconds, 0), text);
        }
    }
}

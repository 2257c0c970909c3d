//! Dates, from the days since 1970.
//!
//! Owns the Gregorian calendar, in ten lines instead of a library. Knows no clock.

/// Year, month and day so many days after 1970-01-01, in the Gregorian calendar.
///
/// The days are counted in years that begin in March, so that a leap day is the last day of its year.
#[must_use]
pub fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

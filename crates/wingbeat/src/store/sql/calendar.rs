//! Days of the Gregorian calendar (<https://howardhinnant.github.io/date_algorithms.html>).

/// Year, month and day of a day since the first one of the year 0.
pub(in crate::store) fn civil(days: i64) -> (i64, i64, i64) {
    // From the first of March, so that leap days come last.
    let days = days - 60;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

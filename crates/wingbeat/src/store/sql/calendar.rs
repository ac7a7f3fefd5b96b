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

/// How many days before this one there are since the first one of the year 0.
#[cfg(feature = "mariadb")]
pub(in crate::store) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    era * 146_097 + day_of_era + 60
}

#[cfg(all(test, feature = "mariadb"))]
mod tests {
    use super::*;

    #[test]
    fn days_are_found_again() {
        for day in (-800_000..4_000_000).step_by(13) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!((civil(0), civil(730_485)), ((0, 1, 1), (2000, 1, 1)));
    }
}

//! Dates as JSON has them.

/// The first and the last millisecond that JavaScript has a date for are so far from 1970.
const FARTHEST: u64 = 8_640_000_000_000_000;

/// Milliseconds since 1970 as JavaScript prints dates, `2026-01-31T12:00:00.000Z`; years beyond 0 to 9999 have a sign and
/// six digits. `None` where it has no date: 100 million days before 1970 and after.
pub fn iso_date(millis: i64) -> Option<String> {
    if millis.unsigned_abs() > FARTHEST {
        return None;
    }
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Counted from the first of March of a year 0: then leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+07}") };
    Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_javascript_makes_of_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_123, "2025-12-31T23:59:59.123Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
            (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
        ] {
            assert_eq!(iso_date(millis).unwrap(), text);
        }
        for beyond in [-8_640_000_000_000_001, 8_640_000_000_000_001, i64::MIN, i64::MAX] {
            assert_eq!(iso_date(beyond), None);
        }
    }
}

//! Points in time as text.

use crate::store::sql::calendar::civil;
use std::fmt::Write as _;

/// From the first day of the year 0 to that of 2000, where PostgreSQL begins to count.
const DAYS_BEFORE: i64 = 730_485;
const DAY: i64 = 86_400_000_000;

/// A timestamp of microseconds as ISO 8601 has it, with milliseconds as JavaScript writes them, or with microseconds where
/// it has any: so it is equal to itself when it comes back.
pub(super) fn timestamp(micros: i64, zone: &str) -> String {
    match micros {
        i64::MAX => return "infinity".to_owned(),
        i64::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let (days, micros) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = civil(days + DAYS_BEFORE);
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = String::with_capacity(27);
    // The year before 1 is called 1 BC, as PostgreSQL reads it.
    let shown = if year > 0 { year } else { 1 - year };
    // Memory takes everything.
    let _ = write!(
        text,
        "{shown:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let _ = match micros % 1000 {
        0 => write!(text, ".{:03}", micros / 1000),
        _ => write!(text, ".{micros:06}"),
    };
    text.push_str(zone);
    if year <= 0 {
        text.push_str(" BC");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn points_in_time_are_written_as_javascript_does() {
        for (micros, text) in [
            (0, "2000-01-01T00:00:00.000Z"),
            (-1, "1999-12-31T23:59:59.999999Z"),
            (951_868_799_999_000 - 946_684_800_000_000, "2000-02-29T23:59:59.999Z"),
            (1_000, "2000-01-01T00:00:00.001Z"),
            (-946_684_800_000_000, "1970-01-01T00:00:00.000Z"),
            (835_459_200_000_000 + 60_000_000, "2026-06-22T16:01:00.000Z"),
            (i64::MAX, "infinity"),
            (-63_113_904_000_000_000, "0000-01-01T00:00:00.000Z"),
        ] {
            let text = text.replace("0000-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z BC");
            assert_eq!(timestamp(micros, "Z"), text, "{micros}");
        }
    }
}

//! Times as tokens have them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wingbeat_core::{Error, Result, iso_date};

/// Seconds since 1970, as the claims of tokens count; foreign tokens may hold any number.
pub(in crate::auth) type Seconds = f64;

#[cfg(not(test))]
pub(in crate::auth) fn now() -> Seconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// In tests time passes as tokio's clock says, which they can pause.
#[cfg(test)]
pub(in crate::auth) fn now() -> Seconds {
    use tokio::time::Instant;
    static START: std::sync::OnceLock<(SystemTime, Instant)> = std::sync::OnceLock::new();
    let (time, instant) = *START.get_or_init(|| (SystemTime::now(), Instant::now()));
    let start = time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    start + Instant::now().saturating_duration_since(instant).as_secs_f64()
}

/// ISO 8601 as JavaScript prints dates. Nothing for times that it has no date for.
pub(in crate::auth) fn iso(time: Seconds) -> Option<String> {
    let milliseconds = (time * 1000.0).floor();
    if milliseconds.is_nan() {
        return None;
    }
    // What is too large becomes the largest there is, which is not a date either.
    iso_date(milliseconds as i64)
}

/// A span as Feathers' configurations write it: `"1d"`, `"2 hours"`, `"90s"`.
pub(in crate::auth) fn span(text: &str) -> Result<Duration> {
    let wrong = || {
        Error::general(format!("Invalid time span '{text}': write a number with a unit, such as 1d, 2h, 30m or 90s"))
    };
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim().to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_in_javascript() {
        assert_eq!(iso(1_700_000_100.0).unwrap(), "2023-11-14T22:15:00.000Z");
        assert_eq!(iso(0.5).unwrap(), "1970-01-01T00:00:00.500Z");
        assert_eq!(iso(1_709_164_800.0).unwrap(), "2024-02-29T00:00:00.000Z");
        assert_eq!(iso(-1.0).unwrap(), "1969-12-31T23:59:59.000Z");
        assert_eq!(iso(f64::MAX), None);
        assert_eq!(iso(f64::NAN), None);
    }

    #[test]
    fn spans_read_as_in_feathers() {
        let day = Duration::from_secs(86_400);
        assert_eq!(
            (span("1d").unwrap(), span("24 hours").unwrap(), span("1.5m").unwrap()),
            (day, day, Duration::from_secs(90))
        );
        for wrong in ["", "1", "d", "-1d", "1 fortnight", "1e999y", "99999999999999999999999y"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}

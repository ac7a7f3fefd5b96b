//! Points in time as text.

use crate::store::sql::calendar::{civil, days};
use mysql_async::Value;
use std::fmt::Write as _;

const MINUTES: i64 = 24 * 60;

/// A moment of UTC as JavaScript writes it, with milliseconds; with microseconds where it has any.
pub(super) fn moment(value: &Value) -> Option<String> {
    let Value::Date(_, _, _, hour, minute, second, micros) = value else { return None };
    let mut text = day(value)?;
    // Memory takes everything.
    let _ = write!(text, "T{hour:02}:{minute:02}:{second:02}");
    let _ = match micros % 1000 {
        0 => write!(text, ".{:03}Z", micros / 1000),
        _ => write!(text, ".{micros:06}Z"),
    };
    Some(text)
}

pub(super) fn day(value: &Value) -> Option<String> {
    let Value::Date(year, month, day, ..) = value else { return None };
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// A time as SQL writes it: it may be negative, and longer than a day.
pub(super) fn time(value: &Value) -> Option<String> {
    let Value::Time(is_negative, days, hours, minutes, seconds, micros) = *value else { return None };
    let (sign, hours) = (if is_negative { "-" } else { "" }, days * 24 + u32::from(hours));
    let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
    if micros > 0 {
        let _ = write!(text, ".{micros:06}");
    }
    Some(text)
}

/// Reads a moment: a date, with a time and its zone or without. Where no zone is said it is UTC.
pub(super) fn read_moment(text: &str) -> Option<Value> {
    let Some((date, rest)) = text.split_once(['T', 't', ' ']) else { return read_day(text) };
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, "Z"),
    };
    let (mut clock, micros) = read_clock(clock)?;
    clock[0] = clock[0].filter(|hour| *hour < 24);
    let (hour, minute, second) = (clock[0]?, clock[1]?, clock[2].unwrap_or(0));
    let Value::Date(year, month, day, ..) = read_day(date)? else { return None };
    let offset = read_offset(offset)?;
    let (mut date, mut of_day) = ((i64::from(year), i64::from(month), i64::from(day)), hour * 60 + minute);
    if offset != 0 {
        let moved = of_day - offset;
        date = civil(days(date.0, date.1, date.2) + moved.div_euclid(MINUTES));
        of_day = moved.rem_euclid(MINUTES);
    }
    let year = u16::try_from(date.0).ok().filter(|year| *year <= 9999)?;
    let small = |number: i64| u8::try_from(number).ok();
    Some(Value::Date(
        year,
        small(date.1)?,
        small(date.2)?,
        small(of_day / 60)?,
        small(of_day % 60)?,
        small(second)?,
        micros,
    ))
}

/// Reads a day that there is.
pub(super) fn read_day(text: &str) -> Option<Value> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(number);
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let is_one = parts.next().is_none() && civil(days(year, month, day)) == (year, month, day);
    is_one
        .then(|| Some(Value::Date(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?, 0, 0, 0, 0)))?
}

pub(super) fn read_time(text: &str) -> Option<Value> {
    let positive = text.strip_prefix('-');
    let (clock, micros) = read_clock(positive.unwrap_or(text))?;
    let (hours, minutes, seconds) = (clock[0]?, clock[1]?, clock[2].unwrap_or(0));
    if hours > 838 {
        return None;
    }
    let small = |number: i64| u8::try_from(number).ok();
    let days = u32::try_from(hours / 24).ok()?;
    Some(Value::Time(positive.is_some(), days, small(hours % 24)?, small(minutes)?, small(seconds)?, micros))
}

/// Hours, minutes and seconds, which may be missing, and microseconds.
fn read_clock(text: &str) -> Option<([Option<i64>; 3], u32)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hours = parts.next().filter(|part| (2..=3).contains(&part.len())).and_then(number);
    let mut sixty = || match parts.next() {
        Some(part) if part.len() == 2 => number(part).filter(|number| *number < 60).map(Some),
        Some(_) => None,
        None => Some(None),
    };
    let (minutes, seconds) = (sixty()?, sixty()?);
    // More digits than are kept are zeros.
    let (kept, rest) = fraction.split_at_checked(6).unwrap_or((fraction, ""));
    if parts.next().is_some() || !rest.bytes().all(|digit| digit == b'0') || fraction.is_empty() {
        return None;
    }
    let micros = number(&format!("{kept:0<6}"))?;
    Some(([hours, minutes, seconds], micros.try_into().ok()?))
}

/// The minutes by which a clock is before UTC.
fn read_offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, text) = text.split_at_checked(1)?;
    let (hours, minutes) = match text.split_once(':') {
        Some(parts) => parts,
        None => text.split_at_checked(2)?,
    };
    let is_right = hours.len() == 2 && (minutes.len() == 2 || minutes.is_empty());
    let (hours, minutes) = (number(hours)?, if minutes.is_empty() { 0 } else { number(minutes)? });
    let offset = (is_right && hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
    Some(if sign == "-" { -offset } else { offset })
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_any_zone_and_written_in_utc() {
        for (text, written) in [
            ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00.000Z"),
            ("2026-01-02", "2026-01-02T00:00:00.000Z"),
            ("2026-01-01T00:30:00.000001+01:00", "2025-12-31T23:30:00.000001Z"),
            ("2024-02-29T23:30:00-0100", "2024-03-01T00:30:00.000Z"),
            ("2000-01-01T00:00:00.1234560000+00", "2000-01-01T00:00:00.123456Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(read_moment(text).and_then(|value| moment(&value)).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "now",
            "2026-02-30T00:00:00Z",
            "2026-13-01",
            "0000-00-00",
            "2026-1-1",
            "2026-01-02T24:00:00Z",
            "2026-01-02T00:60:00Z",
            "2026-01-02T00:00:00.Z",
            "2026-01-02T00:00:00.1234567Z",
            "2026-01-02T00:00:00+25:00",
            "2026-01-02T00:00:00+é",
            "2026-01-02T",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+01:00",
            "+026-01-02",
        ] {
            assert_eq!(read_moment(text), None, "{text}");
        }
    }

    #[test]
    fn times_may_be_negative_and_longer_than_a_day() {
        for text in ["00:00:00", "-838:59:59", "25:01:02.000003", "12:00:00.500000"] {
            assert_eq!(read_time(text).and_then(|value| time(&value)).as_deref(), Some(text));
        }
        for text in ["", "839:00:00", "1:00:00", "00:60:00", "00:00:00Z", "--01:00:00", "12"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}

//! Numbers in columns of type `decimal`, without the loss of a digit.

use super::scalar::Grid;
use crate::store::Comparison;

/// A number on the grid of a column.
#[derive(Debug, PartialEq)]
pub(super) struct Placed {
    /// With as many digits behind the point as the column has.
    pub(super) text: String,
    is_negative: bool,
    /// It lies there, and not beside, farther from zero.
    pub(super) is_exact: bool,
    /// The column has no room for so many digits before the point.
    is_beyond: bool,
}

/// Places a number, as JSON or SQL write it, on the grid of a column; absent if it is no number.
pub(super) fn placed(number: &str, grid: Grid) -> Option<Placed> {
    let unsigned = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 1024 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among the digits that count.
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_start_matches('0');
    let is_zero = digits.is_empty();
    let point = if is_zero { 0 } else { (whole.len() as i64 - zeros as i64).saturating_add(exponent) };
    let is_beyond = !is_zero && point > grid.whole as i64;
    let digit =
        |at: i64| usize::try_from(at).ok().and_then(|at| digits.as_bytes().get(at)).map_or('0', |b| char::from(*b));
    let mut text = String::new();
    let last = point.saturating_add(grid.scale as i64);
    if !is_beyond {
        (0..point.max(0)).for_each(|at| text.push(digit(at)));
        if text.is_empty() {
            text.push('0');
        }
        if grid.scale > 0 {
            text.push('.');
            (point..last).for_each(|at| text.push(digit(at)));
        }
    }
    let is_nothing = !text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let is_negative = number.starts_with('-') && !is_zero;
    if is_negative && !is_nothing {
        text.insert(0, '-');
    }
    let rest = usize::try_from(last).unwrap_or_default();
    let is_exact = !is_beyond && digits.bytes().skip(rest).all(|digit| digit == b'0') && (last >= 0 || is_zero);
    Some(Placed { text, is_negative, is_exact, is_beyond })
}

/// What a comparison with a number asks of a column.
#[derive(Debug, PartialEq)]
pub(super) enum Compared {
    Never,
    All,
    With(Comparison, String),
}

pub(super) fn compared(comparison: Comparison, placed: Placed) -> Compared {
    let is_less = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    if placed.is_beyond {
        return if is_less == placed.is_negative { Compared::Never } else { Compared::All };
    }
    // Beside the grid nothing is equal: what is farther from zero is on one side, all else on the other.
    let comparison = match (placed.is_exact, placed.is_negative, is_less) {
        (true, ..) => comparison,
        (_, false, true) => Comparison::LessOrEqual,
        (_, false, false) => Comparison::Greater,
        (_, true, true) => Comparison::Less,
        (_, true, false) => Comparison::GreaterOrEqual,
    };
    Compared::With(comparison, placed.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { whole: 4, scale: 2 };

    #[test]
    fn numbers_are_placed_as_they_are_written() {
        for (number, text, is_exact) in [
            ("1", "1.00", true),
            ("-0", "0.00", true),
            ("0012.5", "12.50", true),
            ("1.25e1", "12.50", true),
            ("125e-1", "12.50", true),
            ("1e3", "1000.00", true),
            ("-1.005", "-1.00", false),
            ("1.0050", "1.00", false),
            ("1.00500e1", "10.05", true),
            ("1e-2", "0.01", true),
            ("1e-3", "0.00", false),
            ("-1e-300", "0.00", false),
            ("9e-9999999999", "0.00", false),
            ("10000", "", false),
            ("1e999999999999", "", false),
            ("0e999999999999", "0.00", true),
        ] {
            let placed = placed(number, GRID).unwrap();
            let is_exact = is_exact && placed.is_exact || !is_exact && !placed.is_exact;
            assert!(is_exact && (placed.text == text), "{number}: {placed:?}");
        }
        for other in ["", "-", ".", "e1", "1e", "1.2.3", "0x1", "1 ", "NaN", "é"] {
            assert_eq!(placed(other, GRID), None, "{other}");
        }
    }

    #[test]
    fn comparisons_hold_beside_the_grid_and_beyond_it() {
        use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let ask = |comparison, number| compared(comparison, placed(number, GRID).unwrap());
        let with = |comparison, text: &str| Compared::With(comparison, text.to_owned());
        assert_eq!(ask(Less, "1.5"), with(Less, "1.50"));
        assert_eq!(ask(Less, "1.005"), with(LessOrEqual, "1.00"));
        assert_eq!(ask(GreaterOrEqual, "1.005"), with(Greater, "1.00"));
        assert_eq!(ask(LessOrEqual, "-1.005"), with(Less, "-1.00"));
        assert_eq!(ask(Greater, "-1.005"), with(GreaterOrEqual, "-1.00"));
        assert_eq!(ask(Less, "1e9"), Compared::All);
        assert_eq!(ask(Greater, "1e9"), Compared::Never);
        assert_eq!(ask(Less, "-1e9"), Compared::Never);
        assert_eq!(ask(Greater, "-1e9"), Compared::All);
    }
}

//! Places among the events of an application.

use std::fmt;

/// The place of an event among all of an application, as clients keep it: `<epoch>-<number>`, both to the base 36.
///
/// The epoch is another one whenever the application has begun anew, so that a number of an earlier time is never taken for
/// one of this. It has 13 digits and not only decimal ones: our client tells by that what is a place, and not the last
/// argument of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
}

/// The least number of 13 digits to the base 36.
const THIRTEEN_DIGITS: u64 = 36_u64.pow(12);

impl Position {
    /// An epoch for an application that begins.
    pub(crate) fn new_epoch<E>(mut random: impl FnMut() -> Result<u64, E>) -> Result<u64, E> {
        loop {
            let epoch = random()?;
            let text = Position { epoch, number: 0 }.to_string();
            if epoch >= THIRTEEN_DIGITS && text.bytes().any(|digit| digit.is_ascii_lowercase()) {
                return Ok(epoch);
            }
        }
    }

    /// Reads one as it is written, and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Position> {
        let (epoch, number) = text.split_once('-')?;
        let read = |text: &str| u64::from_str_radix(text, 36).ok();
        let position = Position { epoch: read(epoch)?, number: read(number)? };
        (position.to_string() == text).then_some(position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_base36(f, self.epoch)?;
        f.write_str("-")?;
        write_base36(f, self.number)
    }
}

fn write_base36(f: &mut fmt::Formatter<'_>, mut number: u64) -> fmt::Result {
    let mut digits = [0; 13];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
        if number == 0 {
            break;
        }
    }
    f.write_str(str::from_utf8(&digits[at..]).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back_as_they_were_written() {
        for (epoch, number, text) in
            [(0, 0, "0-0"), (35, 36, "z-10"), (u64::MAX, u64::MAX, "3w5e11264sgsf-3w5e11264sgsf")]
        {
            let position = Position { epoch, number };
            assert_eq!((position.to_string(), Position::parse(text)), (text.to_owned(), Some(position)));
        }
    }

    #[test]
    fn an_epoch_has_thirteen_digits_and_a_letter() {
        let decimal = u64::from_str_radix("1780000000000", 36).unwrap();
        let mut random = [0, THIRTEEN_DIGITS - 1, decimal, decimal + 10].into_iter();
        assert_eq!(Position::new_epoch(|| random.next().ok_or(())), Ok(decimal + 10));
        assert_eq!(Position { epoch: decimal + 10, number: 1 }.to_string(), "178000000000a-1");
    }

    #[test]
    fn nothing_else_is_a_position() {
        for text in ["", "-", "1", "1-", "-1", "1-1-1", "+1-1", "01-1", "Z-1", "1-ä", "3w5e11264sgsg-1", "1 -1"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}

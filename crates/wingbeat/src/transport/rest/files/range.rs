//! Which part of a file a request wants (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` says of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    /// All of it: that is also the answer to what is not understood, and to several parts.
    Whole,
    Part(Range<u64>),
    /// A part that is not there.
    Nowhere,
}

pub(super) fn read(header: &str, size: u64) -> Wish {
    parsed(header, size).unwrap_or(Wish::Whole)
}

fn parsed(header: &str, size: u64) -> Option<Wish> {
    let (unit, range) = header.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let last = number(last)?;
    let range = match (number(first)?, last) {
        (None, None) => return None,
        // The last bytes of it.
        (None, Some(length)) => size.saturating_sub(length)..size,
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), last) => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
    };
    Some(if range.is_empty() { Wish::Nowhere } else { Wish::Part(range) })
}

/// A number, if one is there; more than fits is as good as the end.
fn number(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(text.parse().unwrap_or(u64::MAX))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (header, expected) in [
            ("bytes=0-0", Wish::Part(0..1)),
            ("bytes=2-", Wish::Part(2..10)),
            ("bytes=-3", Wish::Part(7..10)),
            ("bytes=-30", Wish::Part(0..10)),
            ("Bytes = 4-99999999999999999999999", Wish::Part(4..10)),
            ("bytes=10-", Wish::Nowhere),
            ("bytes=99999999999999999999999-", Wish::Nowhere),
            ("bytes=-0", Wish::Nowhere),
            ("bytes=5-4", Wish::Whole),
            ("bytes=-", Wish::Whole),
            ("bytes=0-1,3-4", Wish::Whole),
            ("bytes=a-b", Wish::Whole),
            ("bytes=+1-2", Wish::Whole),
            ("lines=0-1", Wish::Whole),
            ("", Wish::Whole),
        ] {
            assert_eq!(read(header, 10), expected, "{header}");
        }
        assert_eq!(read("bytes=0-", 0), Wish::Nowhere);
    }

    proptest! {
        /// The oracle looks at each byte by itself.
        #[test]
        fn a_range_has_the_bytes_that_it_names(first in proptest::option::of(0..40_u64), last in proptest::option::of(0..40_u64), size in 0..30_u64) {
            let text = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let wished = |byte: u64| match (first, last) {
                (Some(first), Some(last)) => first <= byte && byte <= last,
                (Some(first), None) => first <= byte,
                (None, Some(length)) => size - byte <= length,
                (None, None) => true,
            };
            let expected: Vec<u64> = (0..size).filter(|byte| wished(*byte)).collect();
            let is_read = match (first, last) { (Some(first), Some(last)) => first <= last, (None, None) => false, _ => true };
            match read(&format!("bytes={}-{}", text(first), text(last)), size) {
                Wish::Whole => prop_assert!(!is_read),
                Wish::Nowhere => prop_assert!(is_read && expected.is_empty()),
                Wish::Part(range) => prop_assert_eq!(range.collect::<Vec<_>>(), expected),
            }
        }

        #[test]
        fn whatever_stands_there_a_part_lies_within(header in "(bytes=)?[-0-9, a]{0,40}", size in 0..50_u64) {
            if let Wish::Part(range) = read(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}

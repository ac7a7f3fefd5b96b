//! Which form of an answer a client takes.

use http::{HeaderMap, header};
use wingbeat_core::{Error, Result};

/// One JSON text for each record, a line each.
pub(super) const LINES: &str = "application/x-ndjson";

/// Refuses requests whose clients take no JSON, before anything is done.
pub(super) fn acceptable(headers: &HeaderMap) -> Result<()> {
    let takes_json = |(media, quality): (&str, f32)| quality > 0.0 && is_json(media);
    match !headers.contains_key(header::ACCEPT) || ranges(headers).any(takes_json) {
        true => Ok(()),
        false => Err(Error::not_acceptable("Not Acceptable: answers are application/json")),
    }
}

/// Whether a client wants the records of a list a line each rather than as one text. Only one that names that form does.
pub(super) fn wants_lines(headers: &HeaderMap) -> bool {
    let best = |is: fn(&str) -> bool| {
        let qualities = ranges(headers).enumerate().filter(|(_, (media, _))| is(media));
        // The first of those that are wanted as much.
        qualities.map(|(at, (_, quality))| (quality, at)).reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    match (best(|media| media.eq_ignore_ascii_case(LINES)), best(is_json)) {
        (Some((lines, _)), _) if lines <= 0.0 => false,
        (Some((lines, at)), Some((json, json_at))) => lines > json || (lines == json && at < json_at),
        (lines, _) => lines.is_some(),
    }
}

fn is_json(media: &str) -> bool {
    ["application/json", "application/*", "*/*", "*"].iter().any(|one| one.eq_ignore_ascii_case(media))
}

/// What a client accepts, and how much it wants that, from 0 to 1.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = (&str, f32)> {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.replace(' ', "").strip_prefix("q=")?.parse().ok());
        (media, quality.unwrap_or(1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_for_those_who_name_them_and_want_nothing_more() {
        for (accept, lines) in [
            ("application/x-ndjson", true),
            ("Application/X-NDJSON;q=0.5", true),
            ("application/x-ndjson, */*;q=0.1", true),
            ("application/x-ndjson, application/json", true),
            ("application/json, application/x-ndjson", false),
            ("application/json; q=0.5, application/x-ndjson", true),
            ("application/x-ndjson;q=0", false),
            ("*/*", false),
            ("text/csv", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(wants_lines(&headers), lines, "{accept}");
        }
        assert!(!wants_lines(&HeaderMap::new()));
    }
}

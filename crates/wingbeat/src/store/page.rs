//! `$limit`, `$skip` and the page that comes of them.

use super::Answer;
use super::answer::list;
use serde_json::{Map, Value};
use std::io::Write as _;
use wingbeat_core::{Payload, RawJson};

/// How many records a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paginate {
    /// Without a `$limit`; where missing, `max`.
    pub(super) default: Option<u64>,
    /// However large the `$limit`.
    pub(super) max: Option<u64>,
}

impl Paginate {
    /// Reads `params.paginate`: `{default, max}`; anything else asks for no pages.
    pub(super) fn read(value: &Value) -> Option<Paginate> {
        let field = |name| value.get(name).and_then(Value::as_u64);
        let paginate = Paginate { default: field("default"), max: field("max") };
        (paginate.default.is_some() || paginate.max.is_some()).then_some(paginate)
    }

    fn limit(self, asked: Option<u64>) -> u64 {
        let max = self.max.unwrap_or(u64::MAX);
        asked.or(self.default).unwrap_or(max).min(max)
    }
}

/// How many records to answer, if there is a limit. An invalid `$limit` counts as none.
pub(super) fn limit(asked: Option<&Value>, paginate: Option<Paginate>) -> Option<u64> {
    let asked = asked.and_then(integer).and_then(|limit| u64::try_from(limit).ok());
    match paginate {
        Some(paginate) => Some(paginate.limit(asked)),
        None => asked,
    }
}

/// How many records to leave out. An invalid or negative `$skip` counts as 0.
pub(super) fn skip(asked: Option<&Value>) -> u64 {
    asked.and_then(integer).and_then(|skip| u64::try_from(skip).ok()).unwrap_or(0)
}

/// What a page says beside its records.
pub(super) struct Head {
    pub(super) total: Option<u64>,
    pub(super) limit: u64,
    pub(super) skip: Option<u64>,
    /// The cursor of the next page: letters and digits.
    pub(super) next: Option<String>,
}

/// So many bytes are enough for what a page usually says beside its records.
const HEAD: usize = 64;

/// The page as clients see it.
pub(super) fn page(records: Answer, head: Head) -> Payload {
    let said = [("total", head.total), ("limit", Some(head.limit)), ("skip", head.skip)];
    let said = said.into_iter().filter_map(|(name, number)| Some((name, number?)));
    match records {
        Answer::Records(records) => {
            let mut page: Map<String, Value> = said.map(|(name, number)| (name.to_owned(), number.into())).collect();
            page.insert("data".into(), list(records));
            page.extend(head.next.map(|next| ("next".to_owned(), next.into())));
            Payload::from(Value::Object(page)).into_answer()
        }
        Answer::Text(text) => {
            let mut page = Vec::with_capacity(text.text_len() + HEAD);
            page.push(b'{');
            for (name, number) in said {
                // Memory takes everything.
                let _ = write!(page, r#""{name}":{number},"#);
            }
            page.extend_from_slice(br#""data":"#);
            text.write(&mut page);
            if let Some(next) = head.next {
                let _ = write!(page, r#","next":"{next}""#);
            }
            page.push(b'}');
            Payload::from(RawJson::from_written(page)).into_answer()
        }
    }
}

/// The integer part of a number or of the number that a text begins with, as `parseInt` in JavaScript.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        // A float beyond the range of integers becomes the largest or smallest one.
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => {
            let text = text.trim_start();
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let sign = if text.starts_with('-') { -1 } else { 1 };
            (end > 0).then(|| sign * digits[..end].parse().unwrap_or(i64::MAX))
        }
        Value::Array(items) => items.first().and_then(integer),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_are_read_as_in_javascript() {
        for (value, number) in [
            (json!(1.9), Some(1)),
            (json!(-0.5), Some(0)),
            (json!("2"), Some(2)),
            (json!(" -3x"), Some(-3)),
            (json!("99999999999999999999"), Some(i64::MAX)),
            (json!(u64::MAX), Some(i64::MAX)),
            (json!([2]), Some(2)),
            (json!("abc"), None),
            (json!("-"), None),
            (json!(true), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(integer(&value), number, "{value}");
        }
    }

    #[test]
    fn a_limit_is_the_default_unless_asked_and_never_above_the_maximum() {
        let paginate = Some(Paginate { default: Some(2), max: Some(3) });
        for (asked, limited) in
            [(json!(1), 1), (json!(3), 3), (json!(50), 3), (json!(0), 0), (json!(-1), 2), (json!("x"), 2)]
        {
            assert_eq!(limit(Some(&asked), paginate), Some(limited), "{asked}");
        }
        assert_eq!(limit(None, paginate), Some(2));
        assert_eq!(limit(Some(&json!(-1)), None), None);
        assert_eq!(limit(Some(&json!(0)), None), Some(0));
        assert_eq!(limit(None, Some(Paginate { default: None, max: Some(3) })), Some(3));
    }
}

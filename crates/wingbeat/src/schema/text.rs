//! Results that are text, taken apart into records and their members without building values.

use super::reader::{Found, Member, Reader};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::OnceLock;
use wingbeat_core::{RawJson, Result, json};

/// A result: one record, a list, or a page.
pub(super) struct ResultText {
    text: Box<str>,
    found: Found,
    /// The members of each record as values, once somebody has asked for some.
    values: OnceLock<Box<[RecordValues]>>,
}

type RecordValues = OnceLock<Map<String, Value>>;

/// What becomes of members: their new values; those without one are dropped.
pub(super) type Changes<'s> = Vec<(&'s str, Option<Value>)>;

impl ResultText {
    /// Takes a result apart. `None` where values have to be built: for bytes, for escaped names or several members of one
    /// name, and for what is no record.
    pub(super) fn read(raw: &RawJson, is_find: bool) -> Option<ResultText> {
        if !raw.attachments().is_empty() {
            return None;
        }
        let text = std::str::from_utf8(raw.as_bytes()).ok()?;
        let mut found = Reader::read(text, is_find)?;
        let text = match found.is_plain {
            true => Cow::Borrowed(text),
            false => json::plain(text),
        };
        if let Cow::Owned(plain) = &text {
            found = Reader::read(plain, is_find)?;
        }
        Some(ResultText { text: text.into(), found, values: OnceLock::new() })
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.found.records.len()
    }

    /// The text of the value that a record has in a member.
    pub(super) fn get(&self, record: usize, name: &str) -> Option<&str> {
        self.members(record)
            .iter()
            .find(|member| self.is_named(member, name))
            .map(|member| &self.text[member.value.clone()])
    }

    /// The members of a record as values.
    pub(super) fn values(&self, record: usize) -> &Map<String, Value> {
        let all = self.values.get_or_init(|| (0..self.len()).map(|_| RecordValues::new()).collect());
        // Each value was found to have one.
        all[record].get_or_init(|| json::read(&self.text[self.found.records[record].place.clone()]).unwrap_or_default())
    }

    fn members(&self, record: usize) -> &[Member] {
        &self.found.members[self.found.records[record].members.clone()]
    }

    // Of bytes: a part of a text has to be looked at where it begins and ends.
    fn is_named(&self, member: &Member, name: &str) -> bool {
        member.name.len() == name.len() && self.text.as_bytes()[member.name.clone()] == *name.as_bytes()
    }

    /// Writes the result again, with what has changed in its records, in this order, and without the fields `but`.
    pub(super) fn write<'s>(
        &self,
        mut changes_of: impl FnMut(usize, &mut Changes<'s>) -> Result<()>,
        but: &[String],
    ) -> Result<RawJson> {
        let (text, place) = (self.text.as_bytes(), &self.found.place);
        let mut out = Vec::with_capacity(text.len() + text.len() / 2);
        out.extend_from_slice(&text[..place.start]);
        let mut changes = Changes::new();
        for record in 0..self.len() {
            if record > 0 {
                out.push(b',');
            }
            changes.clear();
            changes_of(record, &mut changes)?;
            self.write_record(record, &changes, but, &mut out)?;
        }
        out.extend_from_slice(&text[place.end..]);
        Ok(RawJson::from_written(out))
    }

    fn write_record(
        &self,
        record: usize,
        changes: &[(&str, Option<Value>)],
        but: &[String],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let (text, members) = (self.text.as_bytes(), self.members(record));
        let is_left_out = |name: &str| but.iter().any(|other| other == name);
        let mut separator = b'{';
        let mut begin = |out: &mut Vec<u8>| out.push(std::mem::replace(&mut separator, b','));
        let stays = but.is_empty() && changes.iter().all(|(name, _)| self.get(record, name).is_none());
        if let (true, [first, .., last]) = (stays, members) {
            // In one piece, the new members behind it.
            begin(out);
            out.extend_from_slice(&text[first.name.start - 1..last.value.end]);
        } else {
            for member @ Member { name, value } in members {
                let changed = changes.iter().find(|(changed, _)| self.is_named(member, changed));
                if matches!(changed, Some((_, None))) || but.iter().any(|name| self.is_named(member, name)) {
                    continue;
                }
                begin(out);
                match changed {
                    Some((_, Some(changed))) => {
                        out.extend_from_slice(&text[name.start - 1..value.start]);
                        write_value(out, changed)?;
                    }
                    _ => out.extend_from_slice(&text[name.start - 1..value.end]),
                }
            }
        }
        for (name, value) in changes {
            let is_new = || stays || self.get(record, name).is_none() && !is_left_out(name);
            let Some(value) = value.as_ref().filter(|_| is_new()) else { continue };
            begin(out);
            json::write_text(out, name);
            out.push(b':');
            write_value(out, value)?;
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
        Ok(())
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => {
            json::write_text(out, text);
            Ok(())
        }
        value => json::write(out, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_find: bool) -> Option<ResultText> {
        ResultText::read(&RawJson::parse(text.to_owned()).unwrap(), is_find)
    }

    fn written(text: &str, changes: &[(&'static str, Option<Value>)], but: &[&str]) -> String {
        let but: Vec<String> = but.iter().map(|name| (*name).to_owned()).collect();
        let with = |_, to: &mut Vec<_>| {
            to.extend_from_slice(changes);
            Ok(())
        };
        read(text, true).unwrap().write(with, &but).unwrap().to_string()
    }

    #[test]
    fn members_are_replaced_where_they_stand_dropped_and_added() {
        let page = r#"{"total":2,"data":[{"id":1,"a":"}\"","b":[{"c":1}]},{},{"a":1}],"skip":0}"#;
        let changes = [("a", Some("x".into())), ("b", None), ("d", Some(2.into()))];
        let record = r#"{"a":"x","d":2}"#;
        let resolved = format!(r#"{{"total":2,"data":[{record},{record},{record}],"skip":0}}"#);
        assert_eq!(written(page, &changes, &["id"]), resolved);
        assert_eq!(written(r#"[ { "id" : 1 } ]"#, &[("id", None)], &[]), "[{}]");
        assert_eq!(written("[]", &changes, &[]), "[]");
    }

    #[test]
    fn what_is_no_plain_list_of_records_is_left_to_values() {
        for text in [
            "5",
            "[1]",
            r#"{"total":1}"#,
            r#"{"data":5}"#,
            r#"{"data":[],"data":[]}"#,
            r#"[{"a":1,"a":2}]"#,
            r#"[{"\u0061":1}]"#,
            r#"[{"a":1e400}]"#,
            r#"[{"a":[1e400]}]"#,
        ] {
            assert!(read(text, true).is_none(), "{text}");
        }
    }

    #[test]
    fn records_need_not_have_the_names_of_the_one_before() {
        let text = r#"[{"a":1,"b":2},{"a":3,"b":4,"c":5},{"b":6,"a":7},{"a":8},{},{"ab":9,"a":-1},{"a" : 2,"b":3}]"#;
        let result = read(text, true).unwrap();
        let all: Vec<_> = (0..result.len()).map(|record| Value::Object(result.values(record).clone())).collect();
        assert_eq!(Value::Array(all), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!((result.get(2, "a"), result.get(5, "a"), result.get(4, "a")), (Some("7"), Some("-1"), None));
        for twice in [r#"[{"a":1,"b":2},{"a":1,"b":2,"a":3}]"#, r#"[{"a":1,"b":2},{"a":1,"a":3}]"#] {
            assert!(read(twice, true).is_none(), "{twice}");
        }
    }

    #[test]
    fn values_are_as_javascript_reads_them() {
        let text = r#"[{"a":1.0,"b":-0,"c":"\ud800","d":1.5,"e":123456789012345678901234567890}]"#;
        assert_eq!(
            written(text, &[], &[]),
            "[{\"a\":1,\"b\":0,\"c\":\"\u{fffd}\",\"d\":1.5,\"e\":123456789012345678901234567890}]"
        );
    }
}

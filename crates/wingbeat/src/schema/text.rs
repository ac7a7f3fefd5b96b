//! Results that are text, taken apart into records and their members without building values.

use super::original::Original;
use super::reader::{Member, Reader};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;
use wingbeat_core::{RawJson, Result, json};

/// A result: one record, a list, or a page.
pub(super) struct ResultText {
    records: Vec<RecordText>,
    frame: Frame,
}

/// What stands around the records of a result.
pub(super) struct Frame {
    text: Arc<str>,
    /// Where the records are.
    place: Range<usize>,
}

/// A record in the text of a result.
pub(super) struct RecordText {
    text: Arc<str>,
    place: Range<usize>,
    members: Vec<Member>,
}

impl ResultText {
    /// Takes a result apart. `None` where values have to be built: for bytes, for escaped names or several members of one
    /// name, and for what is no record.
    pub(super) fn read(raw: &RawJson, is_find: bool) -> Option<ResultText> {
        if !raw.attachments().is_empty() {
            return None;
        }
        let text = json::plain(std::str::from_utf8(raw.as_bytes()).ok()?);
        let mut reader = Reader::new(&text);
        let (records, place) = match reader.peek()? {
            b'[' => reader.list()?,
            _ if is_find => reader.page()?,
            _ => {
                let record = reader.record()?;
                let place = record.0.clone();
                (vec![record], place)
            }
        };
        if reader.peek().is_some() {
            return None;
        }
        let text: Arc<str> = text.into();
        let records = records.into_iter().map(|(place, members)| RecordText { text: text.clone(), place, members });
        Some(ResultText { records: records.collect(), frame: Frame { text: text.clone(), place } })
    }

    pub(super) fn into_parts(self) -> (Vec<RecordText>, Frame) {
        (self.records, self.frame)
    }
}

impl Frame {
    /// Writes the result again, with what has `changed` of its records and without the fields `but`.
    pub(super) fn write<'s>(
        self,
        records: &[Arc<Original>],
        mut changed: impl FnMut(&Original) -> Result<Vec<(&'s str, Option<Value>)>>,
        but: &[String],
    ) -> Result<RawJson> {
        let Frame { text, place } = self;
        let mut out = Vec::with_capacity(text.len() + text.len() / 2);
        out.extend_from_slice(text[..place.start].as_bytes());
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let changes = changed(record)?;
            if let Some(record) = record.text() {
                record.write(&changes, but, &mut out)?;
            }
        }
        out.extend_from_slice(text[place.end..].as_bytes());
        Ok(RawJson::from_written(out))
    }
}

impl RecordText {
    /// The text of a member's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let member = self.members.iter().find(|member| self.is_named(member, name))?;
        Some(&self.text[member.value.clone()])
    }

    // Of bytes: a part of a text has to be looked at where it begins and ends.
    fn is_named(&self, member: &Member, name: &str) -> bool {
        self.text.as_bytes()[member.name.clone()] == *name.as_bytes()
    }

    pub(super) fn members(&self) -> Map<String, Value> {
        // Each value was found to have one.
        json::read(&self.text[self.place.clone()]).unwrap_or_default()
    }

    fn write(&self, changes: &[(&str, Option<Value>)], but: &[String], out: &mut Vec<u8>) -> Result<()> {
        let (text, is_left_out) = (self.text.as_bytes(), |name: &str| but.iter().any(|other| other == name));
        let mut separator = b'{';
        let mut begin = |out: &mut Vec<u8>| out.push(std::mem::replace(&mut separator, b','));
        for member @ Member { name, value } in &self.members {
            let changed = changes.iter().find(|(changed, _)| self.is_named(member, changed));
            if matches!(changed, Some((_, None))) || but.iter().any(|name| self.is_named(member, name)) {
                continue;
            }
            begin(out);
            match changed {
                Some((_, Some(changed))) => {
                    out.extend_from_slice(&text[name.start - 1..value.start]);
                    json::write(out, changed)?;
                }
                _ => out.extend_from_slice(&text[name.start - 1..value.end]),
            }
        }
        for (name, value) in changes {
            let Some(value) = value.as_ref().filter(|_| self.get(name).is_none() && !is_left_out(name)) else {
                continue;
            };
            begin(out);
            json::write_text(out, name);
            out.push(b':');
            json::write(out, value)?;
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_find: bool) -> Option<ResultText> {
        ResultText::read(&RawJson::parse(text.to_owned()).unwrap(), is_find)
    }

    fn written(text: &str, changes: &[(&'static str, Option<Value>)], but: &[&str]) -> String {
        let (records, frame) = read(text, true).unwrap().into_parts();
        let records: Vec<_> = records.into_iter().map(|record| Arc::new(Original::from(record))).collect();
        let but: Vec<String> = but.iter().map(|name| (*name).to_owned()).collect();
        frame.write(&records, |_| Ok(changes.to_vec()), &but).unwrap().to_string()
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
    fn values_are_as_javascript_reads_them() {
        let text = r#"[{"a":1.0,"b":-0,"c":"\ud800","d":1.5,"e":123456789012345678901234567890}]"#;
        assert_eq!(
            written(text, &[], &[]),
            "[{\"a\":1,\"b\":0,\"c\":\"\u{fffd}\",\"d\":1.5,\"e\":123456789012345678901234567890}]"
        );
    }
}

//! What a store answers: records as values, or text that is sent as it is.

use super::Record;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use wingbeat_core::{Payload, RawJson, Result, json};

/// Records as a store answers them. Vectors of [`Record`]s become one with `into()`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Values.
    Records(Vec<Record>),
    /// Text, for stores that can write it where they read the record: nothing is built that nobody looks at.
    Text(JsonRecords),
}

impl Answer {
    /// How many records there are.
    pub fn len(&self) -> usize {
        match self {
            Answer::Records(records) => records.len(),
            Answer::Text(text) => text.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records as values.
    ///
    /// # Errors
    /// If text is not what [`JsonRecords`] are made of.
    pub fn into_records(self) -> Result<Vec<Record>> {
        match self {
            Answer::Records(records) => Ok(records),
            Answer::Text(text) => text.into_raw().to(),
        }
    }

    /// How many bytes they are as text, where they are text.
    pub(super) fn text_len(&self) -> Option<usize> {
        match self {
            Answer::Records(_) => None,
            Answer::Text(text) => Some(text.text_len()),
        }
    }

    /// All records, as a list.
    pub(super) fn into_list(self) -> Payload {
        match self {
            Answer::Records(records) => Payload::from(list(records)).into_answer(),
            Answer::Text(text) => Payload::from(text.into_raw()).into_answer(),
        }
    }

    /// The record, where one was meant.
    pub(super) fn into_one(self) -> Result<Option<Payload>> {
        match self {
            Answer::Text(text) if text.count == 1 => {
                let record = RawJson::from_written(Bytes::from(text.list).slice(1..));
                Ok(Some(Payload::from(record).into_answer()))
            }
            answer => {
                let record = answer.into_records()?.pop();
                Ok(record.map(|record| Payload::from(Value::Object(record)).into_answer()))
            }
        }
    }
}

impl Default for Answer {
    fn default() -> Answer {
        Answer::Records(Vec::new())
    }
}

impl From<Vec<Record>> for Answer {
    fn from(records: Vec<Record>) -> Answer {
        Answer::Records(records)
    }
}

impl From<JsonRecords> for Answer {
    fn from(text: JsonRecords) -> Answer {
        Answer::Text(text)
    }
}

pub(super) fn list(records: Vec<Record>) -> Value {
    Value::Array(records.into_iter().map(Value::Object).collect())
}

/// Records as JSON text, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonRecords {
    /// A list without its end.
    list: Vec<u8>,
    count: usize,
}

impl JsonRecords {
    /// None yet.
    pub fn new() -> JsonRecords {
        JsonRecords::default()
    }

    /// Adds a record. It has the fields that [`Find::select`](super::Find::select) asks for, and no others.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn push(&mut self, record: &impl Serialize) -> Result<()> {
        json::write(self.next(), record)
    }

    /// None yet, and room for so many bytes.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn with_capacity(bytes: usize) -> JsonRecords {
        JsonRecords { list: Vec::with_capacity(bytes), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many bytes they are.
    pub(super) fn text_len(&self) -> usize {
        self.list.len()
    }

    /// Where the text of the next record is written.
    pub(super) fn next(&mut self) -> &mut Vec<u8> {
        self.list.push(if self.count == 0 { b'[' } else { b',' });
        self.count += 1;
        &mut self.list
    }

    /// Adds the records of another list.
    #[cfg(feature = "postgres")]
    pub(super) fn append(&mut self, other: &JsonRecords) {
        if let Some(records) = other.list.get(1..) {
            self.next().extend_from_slice(records);
            self.count += other.count - 1;
        }
    }

    /// Appends the list.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.count == 0 { b"[" } else { &self.list });
        out.push(b']');
    }

    fn into_raw(mut self) -> RawJson {
        if self.count == 0 {
            self.list.push(b'[');
        }
        self.list.push(b']');
        RawJson::from_written(self.list)
    }
}

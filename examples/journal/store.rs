//! Records in memory, and every change of them as a line of JSON at the end of a file, from which they are read again.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wingbeat::store::{Answer, Change, Find, Operation, Record, Rows, Store, Target, given_id, sort};
use wingbeat::{Id, Result};

const ID: &str = "id";

/// A store that keeps a journal. Clones share it.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Mutex<Kept>>);

struct Kept {
    records: BTreeMap<Key, Record>,
    file: File,
}

/// Records stand in the order of their ids: numbers before texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

/// Ids are compared by their text: `"7"` is the record 7.
fn key(id: &Id) -> Key {
    let text = id.to_string();
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Key::Number(number),
        _ => Key::Text(text),
    }
}

impl Journal {
    /// Reads what the file has, or begins a new one.
    pub(crate) fn open(path: &Path) -> Result<Journal> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let (mut records, mut whole, mut line) = (BTreeMap::new(), 0, String::new());
        let mut lines = BufReader::new(&file);
        while lines.read_line(&mut line)? > 0 && line.ends_with('\n') {
            for (id, record) in serde_json::from_str::<Vec<Value>>(&line)?.into_iter().filter_map(change) {
                apply(&mut records, &id, record);
            }
            whole += line.len() as u64;
            line.clear();
        }
        // A line without end is a change that was never answered.
        file.set_len(whole)?;
        Ok(Journal(Arc::new(Mutex::new(Kept { records, file }))))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An element of a line: a record as it is from then on, or the id of one that was removed.
fn change(element: Value) -> Option<(Id, Option<Record>)> {
    match element {
        Value::Object(record) => Some((Id::from_value(record.get(ID)?)?, Some(record))),
        removed => Some((Id::from_value(&removed)?, None)),
    }
}

fn apply(records: &mut BTreeMap<Key, Record>, id: &Id, record: Option<Record>) {
    match record {
        Some(record) => drop(records.insert(key(id), record)),
        None => drop(records.remove(&key(id))),
    }
}

impl Kept {
    fn selected(&self, target: &Target) -> Vec<Record> {
        // One record is found by its key, without looking at the others.
        let one = target.id.as_ref().map(|id| self.records.get(&key(id)));
        match one {
            Some(found) => found.into_iter().filter(|record| target.matches(record, ID)).cloned().collect(),
            None => self.records.values().filter(|record| target.matches(record, ID)).cloned().collect(),
        }
    }

    /// One line a call: it is in the file as a whole, or not at all.
    fn write(&mut self, elements: Vec<Value>, operation: Operation<'_>) -> Result<()> {
        let before = self.file.metadata()?.len();
        let line = format!("{}\n", json!(elements));
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.file.set_len(before)?;
            return Err(error.into());
        }
        for (id, record) in elements.into_iter().filter_map(change) {
            // Under the lock, so that the events leave in the order of the writes.
            operation.writes().note(&id);
            apply(&mut self.records, &id, record);
        }
        Ok(())
    }

    fn next_id(&self) -> i64 {
        let numbers = self.records.range(..=Key::Number(i64::MAX));
        numbers.last().map_or(1, |(key, _)| if let Key::Number(last) = key { last + 1 } else { 1 })
    }
}

impl Store for Journal {
    fn id_field(&self) -> &str {
        ID
    }

    fn has_cursors(&self) -> bool {
        true
    }

    async fn find(&self, find: &Find, _: Operation<'_>) -> Result<Rows> {
        let mut found = self.kept().selected(&find.target);
        found.retain(|record| find.is_behind(record));
        sort(&mut found, &find.sort);
        let total = found.len() as u64;
        let (skip, limit) = (find.skip.min(total) as usize, find.limit.unwrap_or(total).min(total) as usize);
        let page: Vec<Record> = found.into_iter().skip(skip).take(limit).collect();
        Ok(Rows::new(page).total(total))
    }

    async fn create(&self, mut records: Vec<Record>, operation: Operation<'_>) -> Result<Answer> {
        let mut kept = self.kept();
        let mut next = kept.next_id();
        for record in &mut records {
            if given_id(record, ID)?.is_none() {
                record.insert(ID.to_owned(), json!(next));
                next += 1;
            }
        }
        kept.write(values(&records), operation)?;
        Ok(records.into())
    }

    async fn change(&self, target: &Target, change: Change, operation: Operation<'_>) -> Result<Answer> {
        let mut kept = self.kept();
        let mut records = kept.selected(target);
        target.check(records.len())?;
        records.iter_mut().for_each(|record| change.apply(record, ID));
        kept.write(values(&records), operation)?;
        Ok(records.into())
    }

    async fn remove(&self, target: &Target, operation: Operation<'_>) -> Result<Answer> {
        let mut kept = self.kept();
        let records = kept.selected(target);
        target.check(records.len())?;
        let ids: Vec<Value> = records.iter().filter_map(|record| record.get(ID).cloned()).collect();
        kept.write(ids, operation)?;
        Ok(records.into())
    }
}

fn values(records: &[Record]) -> Vec<Value> {
    records.iter().cloned().map(Value::Object).collect()
}

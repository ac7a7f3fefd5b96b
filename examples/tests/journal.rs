//! The journal is held to what all stores are held to, and to what it has in its file.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../journal/store.rs"]
mod store;

use serde_json::{Value, json};
use std::fs::{OpenOptions, read_to_string};
use std::io::Write;
use std::path::PathBuf;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use store::Journal;
use wingbeat::store::{Table, contract};
use wingbeat::{Params, service::RawService};

/// A file that nobody else has, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wingbeat-journal-{}-{}.jsonl", id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Place(std::env::temp_dir().join(name))
    }

    fn table(&self) -> Table<Journal> {
        Table::over(Journal::open(&self.0).unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A table with these records. What is open needs no name any longer.
async fn table(records: Vec<Value>) -> Table<Journal> {
    let table = Place::new().table();
    table.clone().multi(true).create(Some(json!(records).into()), &Params::new()).await.unwrap();
    table
}

#[tokio::test]
async fn a_journal_answers_as_every_store() {
    contract::check(table).await;
}

#[tokio::test]
async fn a_journal_says_what_it_writes_in_order() {
    contract::check_order(table).await;
}

#[tokio::test]
async fn what_was_answered_is_there_when_the_journal_is_opened_again() {
    let (place, params) = (Place::new(), Params::new());
    let notes = place.table();
    for text in ["one", "two", "three"] {
        notes.create(Some(json!({"text": text}).into()), &params).await.unwrap();
    }
    notes.patch(1.into(), Some(json!({"done": true}).into()), &params).await.unwrap();
    notes.remove(2.into(), &params).await.unwrap();
    // A program that ended in the middle of a line had not answered.
    OpenOptions::new().append(true).open(&place.0).unwrap().write_all(b"[{\"id\":9").unwrap();
    let notes = place.table();
    let found = notes.find(&params).await.unwrap().into_value().unwrap();
    assert_eq!(found, json!([{"text": "one", "id": 1, "done": true}, {"text": "three", "id": 3}]));
    notes.create(Some(json!({"text": "four"}).into()), &params).await.unwrap();
    assert!(read_to_string(&place.0).unwrap().ends_with("[{\"text\":\"four\",\"id\":4}]\n"));
}

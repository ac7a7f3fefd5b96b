//! Reads that share a transaction.

use super::super::batch;
use super::super::job::{Job, Read, Work};
use super::super::line::Line;
use super::*;
use crate::fair::Source;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Counts the rows, and does something else then.
struct CountingRead {
    counted: Arc<Mutex<Vec<i64>>>,
    then: Option<Box<dyn FnOnce() + Send>>,
}

impl Read for CountingRead {
    fn is_wanted(&self) -> bool {
        true
    }

    fn run(&mut self, connection: &Connection) {
        let count = connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        self.counted.lock().unwrap().push(count);
        if let Some(then) = self.then.take() {
            then();
        }
    }

    fn answer(self: Box<Self>) {}

    fn refuse(self: Box<Self>, error: Error) {
        panic!("{error}");
    }
}

fn asked(line: &Line, counted: &Arc<Mutex<Vec<i64>>>, then: Option<Box<dyn FnOnce() + Send>>) -> Job {
    let (number, since, standing) = (line.number(), Instant::now(), Arc::default());
    let work = Work::Read(Box::new(CountingRead { counted: counted.clone(), then }));
    Job { number, source: Source::SERVER, since, may_be_long: false, place: None, standing, work }
}

#[test]
fn reads_that_wait_together_see_one_moment_and_who_asks_later_a_later_one() {
    let folder = Folder::new("batches");
    let [writer, reader] = [(); 2].map(|()| Connection::open(folder.0.join("data.db")).unwrap());
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    writer.execute_batch("CREATE TABLE a (id INTEGER PRIMARY KEY)").unwrap();
    let wait = Duration::from_secs(60);
    let (line, counted) = (Arc::new(Line::with_long(1, Line::new(1, wait))), Arc::default());
    let then = {
        let (line, counted) = (line.clone(), Arc::clone(&counted));
        move || {
            writer.execute("INSERT INTO a DEFAULT VALUES", []).unwrap();
            // Who has heard of this row must find it.
            line.push(asked(&line, &counted, None)).unwrap();
        }
    };
    let first = asked(&line, &counted, Some(Box::new(then)));
    line.push(asked(&line, &counted, None)).unwrap();
    let last = batch::run(&reader, first, &line, 0, Duration::MAX).unwrap();
    assert_eq!(*counted.lock().unwrap(), [0, 0]);
    assert!(reader.is_autocommit());
    assert!(batch::run(&reader, last, &line, 0, Duration::MAX).is_none());
    assert_eq!(*counted.lock().unwrap(), [0, 0, 1]);
}

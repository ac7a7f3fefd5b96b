//! Writes that share a commit.

use super::super::group;
use super::super::job::{Job, Work, Write};
use super::super::line::Line;
use super::*;
use crate::fair::Source;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A write that says what happens to it.
struct LoggedWrite {
    name: &'static str,
    sql: &'static str,
    log: Arc<Mutex<Vec<String>>>,
}

impl LoggedWrite {
    fn log(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Write for LoggedWrite {
    fn is_wanted(&self) -> bool {
        true
    }

    fn is_alone(&self) -> bool {
        false
    }

    fn run(&mut self, connection: &Connection) -> Result<()> {
        self.log("runs");
        Ok(connection.execute_batch(self.sql)?)
    }

    fn note(&self) {
        self.log("notes");
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        self.log(if outcome.is_ok() { "is done" } else { "failed" });
    }
}

/// What happens to writes that wait together, and how many rows there are afterwards.
fn together(writes: [(&'static str, &'static str); 3]) -> (Vec<String>, i64) {
    let mut connection = Connection::open_in_memory().unwrap();
    let schema = "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)";
    connection.execute_batch(schema).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let commits = log.clone();
    let hook = move || {
        commits.lock().unwrap().push("commit".into());
        false
    };
    connection.commit_hook(Some(hook)).unwrap();
    let mut writes = writes.into_iter().map(|(name, sql)| Box::new(LoggedWrite { name, sql, log: log.clone() }));
    let first = writes.next().unwrap();
    let line = Line::new(1, Duration::from_secs(60));
    for (number, write) in (2..).zip(writes) {
        let (since, standing) = (Instant::now(), Arc::default());
        let work = Work::Write(write);
        line.push(Job { number, source: Source::SERVER, since, may_be_long: false, place: None, standing, work })
            .unwrap();
    }
    let carried = group::run(&connection, first, &line, 0, Duration::MAX);
    assert!(carried.is_none() && connection.is_autocommit());
    let count = connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
    let log = log.lock().unwrap().clone();
    (log, count)
}

#[test]
fn what_waits_together_is_noted_committed_and_then_answered() {
    let insert = "INSERT INTO a DEFAULT VALUES";
    let log = [
        "a runs",
        "b runs",
        "c runs",
        "a notes",
        "b notes",
        "c notes",
        "commit",
        "a is done",
        "b is done",
        "c is done",
    ];
    assert_eq!(together([("a", insert), ("b", insert), ("c", insert)]), (log.map(str::to_owned).into(), 3));
}

#[test]
fn one_that_fails_is_undone_alone() {
    let insert = "INSERT INTO a DEFAULT VALUES";
    let half = "INSERT INTO a VALUES (50, NULL); INSERT INTO a VALUES (50, NULL)";
    let log = ["a runs", "b runs", "b failed", "c runs", "a notes", "c notes", "commit", "a is done", "c is done"];
    assert_eq!(together([("a", insert), ("b", half), ("c", insert)]), (log.map(str::to_owned).into(), 2));
    let (log, count) = together([("a", half), ("b", insert), ("c", insert)]);
    assert_eq!((log[1].as_str(), count), ("a failed", 2));
}

#[test]
fn one_that_loses_the_transaction_or_its_commit_fails_for_itself_only() {
    let insert = "INSERT INTO a DEFAULT VALUES";
    for bad in ["INSERT OR ROLLBACK INTO a VALUES (1, NULL)", "INSERT INTO a VALUES (50, 99)"] {
        let (log, count) = together([("a", insert), ("b", bad), ("c", insert)]);
        let ends: Vec<_> = log.iter().filter(|line| line.ends_with("done") || line.ends_with("failed")).collect();
        assert!(ends.contains(&&"a is done".to_owned()) && ends.contains(&&"b failed".to_owned()), "{log:?}");
        assert_eq!(count, if bad.contains("ROLLBACK") { 1 } else { 2 }, "{log:?}");
    }
}

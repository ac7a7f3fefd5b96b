//! Writes that are committed together.

use super::error::mapped;
use super::job::{Job, Work, Write};
use super::line::Line;
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// When a group has taken as long, it is committed: others wait for what is in it.
pub(super) const LONG: Duration = Duration::from_millis(2);

/// So many writes share a commit at most.
const MOST: usize = 256;

/// Runs a write, and those that wait behind it, in one transaction, and answers each of them after the commit. Answers
/// the job that was taken from the line and does not belong to them. Takes no more of them after `long`.
///
/// Each has a savepoint, so that one that fails is undone alone. Where all are lost (SQLite itself rolls back when a disk
/// is full or a write is interrupted; a commit can fail for one of them) each gets a transaction of its own: nobody fails
/// for another's sake.
pub(super) fn run(
    connection: &Connection,
    first: Box<dyn Write>,
    line: &Line,
    thread: usize,
    long: Duration,
) -> Option<Job> {
    let mut group = Group { connection, done: Vec::new(), is_lost: false };
    let (began, is_alone) = (Instant::now(), first.is_alone());
    let mut carried = None;
    group.add(first);
    while !is_alone && !group.is_lost && group.done.len() < MOST && began.elapsed() < long {
        match line.more(thread) {
            // One that may take long would hold up the answers of the others.
            Some(job) if !job.may_be_long && matches!(&job.work, Work::Write(write) if !write.is_alone()) => {
                line.begin(thread, &job);
                if let Work::Write(write) = job.work {
                    group.add(write);
                }
            }
            other => {
                carried = other;
                break;
            }
        }
    }
    // What comes now is the work of all: whoever leaves interrupts it for nobody.
    line.end(thread);
    group.commit();
    carried
}

struct Group<'c> {
    connection: &'c Connection,
    done: Vec<Box<dyn Write>>,
    is_lost: bool,
}

impl Group<'_> {
    fn add(&mut self, mut write: Box<dyn Write>) {
        let (begin, keep, undo) = match self.done.is_empty() {
            // The lock is taken at once: a transaction that has read can not wait for it.
            true => ("BEGIN IMMEDIATE", None, "ROLLBACK"),
            false => ("SAVEPOINT call", Some("RELEASE call"), "ROLLBACK TO call"),
        };
        if let Err(error) = self.execute(begin) {
            return write.answer(Err(mapped(error)));
        }
        let outcome = write.run(self.connection);
        match outcome.and_then(|()| keep.map_or(Ok(()), |keep| self.execute(keep).map_err(mapped))) {
            Ok(()) => self.done.push(write),
            Err(error) => {
                if self.connection.is_autocommit() {
                    self.is_lost = true;
                } else {
                    let undone = self.execute(undo);
                    let released = undone.and_then(|()| keep.map_or(Ok(()), |keep| self.execute(keep)));
                    self.is_lost = released.is_err();
                }
                write.answer(Err(error));
            }
        }
    }

    fn commit(mut self) {
        if self.is_lost {
            return self.each_alone();
        }
        if self.done.is_empty() {
            return;
        }
        // The next write of these records has to wait for the commit: this is their order.
        self.done.iter().for_each(|write| write.note());
        match self.execute("COMMIT") {
            Ok(()) => self.done.into_iter().for_each(|write| write.answer(Ok(()))),
            Err(_) if self.done.len() > 1 => self.each_alone(),
            Err(error) => {
                self.roll_back();
                if let Some(write) = self.done.pop() {
                    write.answer(Err(mapped(error)));
                }
            }
        }
    }

    fn each_alone(&mut self) {
        self.roll_back();
        for write in self.done.drain(..) {
            let mut alone = Group { connection: self.connection, done: Vec::new(), is_lost: false };
            alone.add(write);
            alone.commit();
        }
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // What could fail here is a transaction that has ended meanwhile.
            let _ = self.execute("ROLLBACK");
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

//! Reads that see the same moment.

use super::job::{Job, Work};
use super::line::Line;
use rusqlite::Connection;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Runs a read, and short ones that waited behind it already, in one transaction. Answers the job that was taken from the
/// line and does not belong to them. Takes no more of them after `long`.
///
/// A connection forgets all pages that it has read when another has committed since its last transaction. In one
/// transaction that is once for all, and so are the locks. Who asks after it has begun may have heard of a commit that it
/// does not see, and has to wait for the next.
pub(super) fn run(connection: &Connection, first: Job, line: &Line, thread: usize, long: Duration) -> Option<Job> {
    let (began, asked) = (Instant::now(), line.asked());
    if !line.reads_together() || first.may_be_long || line.waiting.load(Ordering::Acquire) == 0 {
        read(connection, first, line, thread);
        return None;
    }
    // Without it each has a transaction of its own, as it would have alone.
    let _ = execute(connection, "BEGIN");
    let mut carried = None;
    let mut is_short = read(connection, first, line, thread);
    while is_short && !connection.is_autocommit() && began.elapsed() < long {
        match line.more(thread) {
            Some(job) if !job.may_be_long && job.number <= asked => {
                line.begin(thread, &job);
                is_short = read(connection, job, line, thread);
            }
            other => {
                carried = other;
                break;
            }
        }
    }
    if !connection.is_autocommit() {
        // Nothing was written. One that cannot be ended so is rolled back by the worker.
        let _ = execute(connection, "COMMIT");
    }
    carried
}

/// Reads and answers, unless it turns out long: then others do it.
fn read(connection: &Connection, job: Job, line: &Line, thread: usize) -> bool {
    let Work::Read(mut read) = job.work else { return false };
    read.run(connection);
    if line.has_outgrown(thread) {
        line.hand_on(thread, Job { work: Work::Read(read), ..job });
        return false;
    }
    read.answer();
    true
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

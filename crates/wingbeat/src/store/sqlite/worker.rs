//! What a thread does: one job after the other, on a connection of its own.

use super::error::mapped;
use super::job::{Job, Work};
use super::line::{LONG, Line};
use super::{batch, group};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use wingbeat_core::{Error, Result};

/// So many steps of SQLite's machine lie between two looks at whether the caller is still there: some 20 µs.
const STEPS: i32 = 1000;

/// Prepared statements that a connection keeps.
pub(super) const STATEMENTS: usize = 128;

/// Starts a thread that serves a line with the connection that `open` makes. It lives as long as the line is open, and
/// holds `alive` meanwhile. Before it closes the connection it does what is to be `last`.
pub(super) async fn start(
    line: &Arc<Line>,
    number: usize,
    name: &str,
    alive: impl Send + 'static,
    last: impl FnOnce() + Send + 'static,
    open: impl Fn() -> rusqlite::Result<Connection> + Send + Sync + 'static,
) -> Result<rusqlite::Result<()>> {
    let (opened, opening) = oneshot::channel();
    let line = line.clone();
    let begin = move || {
        if line.steps_aside() {
            step_back();
        }
        let open: Arc<Open> = Arc::new(open);
        let connection = match open_watched(&line, number, &open) {
            Ok(connection) => connection,
            Err(error) => return drop(opened.send(Err(error))),
        };
        let _ = opened.send(Ok(()));
        serve(&line, number, &connection);
        last();
        drop(connection);
        drop(alive);
    };
    thread::Builder::new().name(name.to_owned()).spawn(begin)?;
    opening.await.map_err(|_| Error::general("A thread of the database has ended"))
}

/// Leaves the processor to other threads where these want it: two processors are soon taken by two long statements. A tenth
/// is left for this one.
#[cfg(target_os = "linux")]
fn step_back() {
    // Of this thread, on Linux. Without it all works, only later.
    let _ = rustix::process::nice(10);
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

type Open = dyn Fn() -> rusqlite::Result<Connection> + Send + Sync;

/// A connection whose statements ask the line whether to go on, for this thread.
fn open_watched(line: &Arc<Line>, number: usize, open: &Arc<Open>) -> rusqlite::Result<Connection> {
    let mut connection = open()?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let (watching, open) = (line.clone(), open.clone());
    let mut aside = None;
    let look = move || {
        watching.is_left(number) || {
            if watching.steps_aside() {
                step_aside(&watching, number, &open, &mut aside);
                // The kernel lets it run on for a millisecond and more while others want the processor.
                thread::yield_now();
            }
            false
        }
    };
    connection.progress_handler(STEPS, Some(look))?;
    let waiting = line.clone();
    connection.busy_handler(Some(move |times: i32| {
        if !waiting.may_wait(number) {
            return false;
        }
        thread::sleep(Duration::from_millis(times.clamp(1, 10).unsigned_abs().into()));
        true
    }))?;
    Ok(connection)
}

/// Does another job in the middle of a statement, on a second connection of this thread, if somebody has had less.
fn step_aside(line: &Arc<Line>, number: usize, open: &Arc<Open>, second: &mut Option<Connection>) {
    let Some((aside, job)) = line.step_aside(number) else { return };
    let connection = match second {
        Some(connection) => Ok(&*connection),
        None => open_watched(line, aside, open).map(|connection| &*second.insert(connection)),
    };
    match connection {
        Ok(connection) => drop(attempt(line, aside, connection, job)),
        Err(error) => job.refuse(mapped(error)),
    }
    line.rejoin(number);
}

fn serve(line: &Line, number: usize, connection: &Connection) {
    let mut next = line.next(number);
    while let Some(job) = next {
        next = match attempt(line, number, connection, job) {
            Some(job) => {
                line.begin(number, &job);
                Some(job)
            }
            None => line.next(number),
        };
    }
}

/// Does a job, and leaves the connection as it was. Answers another job that was taken meanwhile.
fn attempt(line: &Line, number: usize, connection: &Connection, job: Job) -> Option<Job> {
    let run = || match job.work {
        Work::Write(write) => group::run(connection, write, line, number, group::LONG),
        Work::Read(_) => batch::run(connection, job, line, number, LONG),
    };
    // What callers drop is their own code; without the thread nobody would be served.
    let carried = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!("a call panicked on a thread of the database");
        None
    });
    // Nothing is left open, whatever a job has done.
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    carried
}

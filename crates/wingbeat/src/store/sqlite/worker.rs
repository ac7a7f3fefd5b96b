//! What a thread does: one job after the other, on a connection of its own.

use super::group;
use super::job::Work;
use super::line::Line;
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
    open: impl FnOnce() -> rusqlite::Result<Connection> + Send + 'static,
) -> Result<rusqlite::Result<()>> {
    let (opened, opening) = oneshot::channel();
    let line = line.clone();
    let begin = move || {
        let opens = || -> rusqlite::Result<Connection> {
            let mut connection = open()?;
            watch_over(&mut connection, &line, number)?;
            Ok(connection)
        };
        let connection = match opens() {
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

fn watch_over(connection: &mut Connection, line: &Arc<Line>, number: usize) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let watching = line.clone();
    connection.progress_handler(STEPS, Some(move || watching.is_left(number)))?;
    let waiting = line.clone();
    connection.busy_handler(Some(move |times: i32| {
        if !waiting.may_wait(number) {
            return false;
        }
        thread::sleep(Duration::from_millis(times.clamp(1, 10).unsigned_abs().into()));
        true
    }))
}

fn serve(line: &Line, number: usize, connection: &Connection) {
    let mut next = line.next(number);
    while let Some(job) = next {
        let run = || match job.work {
            Work::Read(read) => {
                read.run(connection);
                None
            }
            Work::Write(write) => group::run(connection, write, line, number),
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
        next = match carried {
            Some(job) => {
                line.begin(number, &job);
                Some(job)
            }
            None => line.next(number),
        };
    }
}

//! Reads that are done where they are asked for.

use super::job::contained;
use super::worker::STATEMENTS;
use crate::locked;
use rusqlite::Connection;
use std::sync::Mutex;
use std::time::Duration;
use wingbeat_core::{Error, ErrorKind, Result};

/// A connection for reads that go through no queue: a record by its key. To hand such a read to a thread costs more than
/// the read, and it would wait there behind those that go through many records.
///
/// A page that is in no cache is fetched from the disk meanwhile, by the thread of the runtime that asks.
#[derive(Default)]
pub(super) struct Near(Mutex<Option<Connection>>);

impl Near {
    pub(super) fn open(&self, open: impl FnOnce() -> rusqlite::Result<Connection>) -> rusqlite::Result<()> {
        let connection = open()?;
        // Who would have to wait does so elsewhere.
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        *locked(&self.0) = Some(connection);
        Ok(())
    }

    /// Reads, unless somebody else does so here, or another program has the file: that is for the threads.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Option<Result<T>> {
        let near = self.0.try_lock().ok()?;
        let connection = near.as_ref()?;
        let read = contained(|| work(connection));
        let is_busy = |error: &Error| error.kind() == ErrorKind::Unavailable;
        Some(read).filter(|read| !read.as_ref().is_err_and(is_busy))
    }

    pub(super) fn close(&self) {
        *locked(&self.0) = None;
    }
}

//! Connections on which many calls have statements at a time, one behind another.

use super::connection::Connection;
use super::error::lost;
use super::pool::Pool;
use crate::fair::{Gate, Permit};
use crate::locked;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::task::AbortHandle;
use wingbeat_core::Result;

/// So many calls wait at most.
const MOST: usize = 8192;

/// So many calls, one after another, are given the same connection: what comes together leaves in one write, is answered in
/// one read, and wakes one process of the server.
const TOGETHER: usize = 4;

pub(super) struct SharedConnections {
    places: Box<[Place]>,
    next: AtomicUsize,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Place {
    connection: Mutex<Option<Arc<Connection>>>,
    opening: tokio::sync::Mutex<Opening>,
}

#[derive(Default)]
struct Opening {
    /// When it could not be opened last.
    failed: Option<Instant>,
    /// Runs the last that was opened, which counts until it is closed.
    last: Option<AbortHandle>,
}

impl SharedConnections {
    /// So many connections, with so many calls at a time on each.
    pub(super) fn new(connections: usize, calls: usize) -> SharedConnections {
        SharedConnections {
            places: (0..connections).map(|_| Place::default()).collect(),
            next: AtomicUsize::new(0),
            gate: Gate::for_work(connections * calls, MOST),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One of them, for a statement that is short and waits for nobody. Nothing, while one that was given up has not ended.
    pub(super) async fn share(&self, pool: &Pool) -> Result<Option<(Arc<Connection>, Permit)>> {
        let permit = pool.enter(&self.gate).await?;
        let place = &self.places[self.next.fetch_add(1, Relaxed) / TOGETHER % self.places.len()];
        let connection = match place.get() {
            Some(connection) => Some(connection),
            None => Box::pin(place.open(pool)).await?,
        };
        Ok(connection.map(|connection| (connection, permit)))
    }

    /// How many calls have shared them.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.next.load(Relaxed)
    }

    /// Keeps none that is lost: it is closed when nobody holds it any more.
    pub(super) fn forget_lost(&self) {
        self.places.iter().for_each(|place| drop(place.get()));
    }

    pub(super) fn close(&self) {
        self.places.iter().for_each(|place| drop(locked(&place.connection).take()));
    }
}

impl Place {
    fn get(&self) -> Option<Arc<Connection>> {
        let mut connection = locked(&self.connection);
        let _lost = connection.take_if(|connection| connection.is_lost());
        connection.clone()
    }

    async fn open(&self, pool: &Pool) -> Result<Option<Arc<Connection>>> {
        let since = Instant::now();
        let mut opening = self.opening.lock().await;
        if let Some(connection) = self.get() {
            return Ok(Some(connection));
        }
        if opening.last.as_ref().is_some_and(|last| !last.is_finished()) {
            return Ok(None);
        }
        // One has tried for all that have waited for it: else they would try one after another.
        if opening.failed.is_some_and(|at| at > since) {
            return Err(lost());
        }
        let opened = Connection::open(pool).await;
        opening.failed = opened.is_err().then(Instant::now);
        let connection = Arc::new(opened?);
        opening.last = Some(connection.task());
        let mut kept = locked(&self.connection);
        // With the lock: who closes the pool says so first, and then takes out what is kept.
        pool.check_open()?;
        *kept = Some(connection.clone());
        Ok(Some(connection))
    }
}

//! Connections on which many calls have statements at a time, one behind another.

use super::connection::Connection;
use super::error::lost;
use super::pool::Pool;
use crate::fair::{Gate, Permit};
use crate::locked;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use wingbeat_core::Result;

/// So many calls wait at most.
const MOST: usize = 8192;

pub(super) struct SharedConnections {
    places: Box<[Place]>,
    next: AtomicUsize,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Place {
    connection: Mutex<Option<Arc<Connection>>>,
    /// When it could not be opened last.
    opening: tokio::sync::Mutex<Option<Instant>>,
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

    /// One of them, for a statement that is short and waits for nobody.
    pub(super) async fn share(&self, pool: &Pool) -> Result<(Arc<Connection>, Permit)> {
        let permit = pool.enter(&self.gate).await?;
        let place = &self.places[self.next.fetch_add(1, Relaxed) % self.places.len()];
        let connection = match place.get() {
            Some(connection) => connection,
            None => Box::pin(place.open(pool)).await?,
        };
        Ok((connection, permit))
    }

    /// How many calls have shared them.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.next.load(Relaxed)
    }

    pub(super) fn close(&self) {
        self.places.iter().for_each(|place| drop(locked(&place.connection).take()));
    }
}

impl Place {
    fn get(&self) -> Option<Arc<Connection>> {
        locked(&self.connection).clone().filter(|connection| !connection.is_lost())
    }

    async fn open(&self, pool: &Pool) -> Result<Arc<Connection>> {
        let since = Instant::now();
        let mut failed = self.opening.lock().await;
        if let Some(connection) = self.get() {
            return Ok(connection);
        }
        // One has tried for all that have waited for it: else they would try one after another.
        if failed.is_some_and(|at| at > since) {
            return Err(lost());
        }
        let opened = Connection::open(pool).await;
        *failed = opened.is_err().then(Instant::now);
        let connection = Arc::new(opened?);
        *locked(&self.connection) = Some(connection.clone());
        pool.check_open()?;
        Ok(connection)
    }
}

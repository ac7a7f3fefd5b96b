//! Connections to a server, of which each serves one call at a time.

use crate::fair::{Gate, Permit, attended, current};
use crate::locked;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// So many calls wait at most.
const MOST: usize = 8192;

/// A server that connections lead to.
pub(in crate::store) trait Server: Send + Sync + 'static {
    type Connection: Send + 'static;

    /// How many connections there are at most.
    fn connections(&self) -> usize;

    /// How long a call waits for one.
    fn wait(&self) -> Duration;

    fn open(&self) -> impl Future<Output = Result<Self::Connection>> + Send;

    /// Whether one that has served nobody for a while can go on.
    fn revive(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Whether nothing more comes of it.
    fn is_lost(connection: &Self::Connection) -> bool;

    /// Ends a connection, and on the server what it is at.
    fn end(&self, connection: Self::Connection) -> impl Future<Output = ()> + Send;
}

pub(in crate::store) struct Pool<S: Server> {
    pub(in crate::store) server: S,
    /// Connections that serve nobody at the moment.
    idle: Mutex<Vec<S::Connection>>,
    gate: Arc<Gate>,
    is_closed: AtomicBool,
}

impl<S: Server> Pool<S> {
    pub(in crate::store) fn new(server: S) -> Pool<S> {
        let gate = Gate::for_work(server.connections().max(1), MOST);
        Pool { server, idle: Mutex::default(), gate, is_closed: AtomicBool::new(false) }
    }

    /// A connection for one alone, until it is dropped.
    pub(in crate::store) async fn take(self: &Arc<Pool<S>>) -> Result<Taken<S>> {
        let permit = self.enter().await?;
        let connection = loop {
            let Some(mut connection) = self.pop() else { break self.server.open().await? };
            if self.server.revive(&mut connection).await {
                break connection;
            }
            // The others have been left as long, or longer.
            drop(self.take_idle());
        };
        Ok(Taken { pool: self.clone(), inside: Some((connection, permit)), is_clean: true })
    }

    async fn enter(&self) -> Result<Permit> {
        self.check_open()?;
        let source = current();
        if let Some(permit) = self.gate.try_enter(source) {
            return Ok(permit);
        }
        let entering = attended(self.gate.enter(source));
        let permit = timeout(self.server.wait(), entering).await.unwrap_or_else(|_| Err(busy()))?;
        self.check_open()?;
        Ok(permit)
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed.load(Relaxed) { Err(closed()) } else { Ok(()) }
    }

    fn pop(&self) -> Option<S::Connection> {
        locked(&self.idle).pop()
    }

    fn take_idle(&self) -> Vec<S::Connection> {
        std::mem::take(&mut *locked(&self.idle))
    }

    /// Lets nobody in any more, and ends the connections that serve nobody.
    pub(in crate::store) fn close(&self) {
        self.is_closed.store(true, Relaxed);
        let _ended = self.take_idle();
    }
}

/// A connection that serves one call.
pub(in crate::store) struct Taken<S: Server> {
    pool: Arc<Pool<S>>,
    inside: Option<(S::Connection, Permit)>,
    /// Whether it is at nothing, and in no transaction.
    is_clean: bool,
}

impl<S: Server> Taken<S> {
    pub(in crate::store) fn connection(&mut self) -> Result<&mut S::Connection> {
        self.inside.as_mut().map(|(connection, _)| connection).ok_or_else(closed)
    }

    /// It is in the middle of something, until that [ends](Taken::end).
    pub(in crate::store) fn begin(&mut self) {
        self.is_clean = false;
    }

    pub(in crate::store) fn end(&mut self) {
        self.is_clean = self.inside.as_ref().is_some_and(|(connection, _)| !S::is_lost(connection));
    }

    /// Does something on it. Where that is given up the statement is ended on the server, and the connection with it.
    pub(in crate::store) async fn work<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut S::Connection) -> Result<T>,
    ) -> Result<T> {
        self.begin();
        let done = work(self.connection()?).await;
        self.end();
        done
    }
}

impl<S: Server> Drop for Taken<S> {
    fn drop(&mut self) {
        let Some((connection, permit)) = self.inside.take() else { return };
        if self.is_clean && !self.pool.is_closed.load(Relaxed) {
            locked(&self.pool.idle).push(connection);
            return;
        }
        if S::is_lost(&connection) {
            // Where one has been cut off the others are not believed either.
            drop(self.pool.take_idle());
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let pool = self.pool.clone();
        // Its place is taken until what it is at has ended.
        runtime.spawn(async move {
            pool.server.end(connection).await;
            drop(permit);
        });
    }
}

pub(in crate::store) fn busy() -> Error {
    Error::unavailable("The database is busy")
}

pub(in crate::store) fn closed() -> Error {
    Error::unavailable("The database is closed")
}

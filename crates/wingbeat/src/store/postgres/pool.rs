//! Connections: a few that many calls share, and some that each serve one call at a time.
//!
//! Statements that are sent one behind another cost half of what they cost alone, but each waits for those before it. So
//! only reads share: those by a key, which take as long as each other, and on other connections finds that have been
//! [short](super::short). Nothing that others have locked delays these.

use super::connection::Connection;
use super::error::{busy, closed};
use super::server::Server;
use super::shared::SharedConnections;
use super::short;
use crate::fair::{Gate, Permit, attended, current};
use crate::locked;
use crate::store::predictor::Predictor;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use tokio::time::timeout;
use wingbeat_core::Result;

/// So many calls wait at most.
const MOST: usize = 8192;

/// So many reads by a key share a connection at a time.
const AT_A_TIME: usize = 32;

pub(super) struct Pool {
    server: Server,
    keys: SharedConnections,
    pub(super) finds: SharedConnections,
    /// Which finds have been short.
    pub(super) predictor: Predictor,
    /// Connections that serve nobody at the moment.
    idle: Mutex<Vec<Connection>>,
    gate: Arc<Gate>,
    is_closed: AtomicBool,
}

impl Pool {
    pub(super) fn new(server: Server) -> Pool {
        let [keys, finds, own] = server.settings.parts();
        Pool {
            server,
            keys: SharedConnections::new(keys, AT_A_TIME),
            finds: SharedConnections::new(finds, short::AT_A_TIME),
            predictor: Predictor::default(),
            idle: Mutex::default(),
            gate: Gate::for_work(own, MOST),
            is_closed: AtomicBool::new(false),
        }
    }

    /// A connection on which others read by a key as well.
    pub(super) async fn share_keys(&self) -> Result<Option<(Arc<Connection>, Permit)>> {
        self.keys.share(self).await
    }

    /// A connection on which others have finds as well.
    pub(super) async fn share_finds(&self) -> Result<Option<(Arc<Connection>, Permit)>> {
        self.finds.share(self).await
    }

    pub(super) fn has_shared_finds(&self) -> bool {
        !self.finds.is_empty()
    }

    /// A connection for one alone, until it is dropped.
    pub(super) async fn take(self: &Arc<Pool>) -> Result<Taken> {
        let permit = self.enter(&self.gate).await?;
        let idle = loop {
            match locked(&self.idle).pop() {
                Some(connection) if connection.is_lost() => {}
                found => break found,
            }
        };
        let connection = match idle {
            Some(connection) => connection,
            None => Box::pin(Connection::open(&self.server)).await?,
        };
        Ok(Taken { pool: self.clone(), inside: Some((connection, permit)), is_clean: true })
    }

    pub(super) async fn enter(&self, gate: &Arc<Gate>) -> Result<Permit> {
        self.check_open()?;
        let source = current();
        if let Some(permit) = gate.try_enter(source) {
            return Ok(permit);
        }
        let entering = attended(gate.enter(source));
        let permit = timeout(self.server.settings.wait, entering).await.unwrap_or_else(|_| Err(busy()))?;
        self.check_open()?;
        Ok(permit)
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_closed.load(Relaxed) { Err(closed()) } else { Ok(()) }
    }

    /// Lets nobody in any more, and ends the connections that serve nobody.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Relaxed);
        self.keys.close();
        self.finds.close();
        let _ended = std::mem::take(&mut *locked(&self.idle));
    }
}

/// A connection that serves one call.
pub(in crate::store) struct Taken {
    pool: Arc<Pool>,
    inside: Option<(Connection, Permit)>,
    /// Whether it is at nothing, and in no transaction.
    is_clean: bool,
}

impl Taken {
    pub(super) fn connection(&self) -> Result<&Connection> {
        self.inside.as_ref().map(|(connection, _)| connection).ok_or_else(closed)
    }

    /// It is in the middle of something, until that [ends](Taken::end).
    pub(super) fn begin(&mut self) {
        self.is_clean = false;
    }

    pub(super) fn end(&mut self) {
        self.is_clean = self.connection().is_ok_and(|connection| !connection.is_lost());
    }

    /// Does something on it. Where that is given up the statement is ended on the server, and the connection with it.
    pub(super) async fn work<T>(&mut self, work: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.begin();
        let done = work(self.connection()?).await;
        self.end();
        done
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some((connection, permit)) = self.inside.take() else { return };
        if self.is_clean {
            let mut idle = locked(&self.pool.idle);
            // With the lock: who closes the pool says so first, and then takes out what is idle.
            if self.pool.check_open().is_ok() {
                idle.push(connection);
                return;
            }
        }
        let Ok(runtime) = Handle::try_current() else { return };
        // Its place is taken until all its statements have ended. The connection is not used again: the wish to cancel may
        // come late, and would hit another statement.
        runtime.spawn(async move {
            connection.end().await;
            drop(permit);
        });
    }
}

impl Deref for Pool {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

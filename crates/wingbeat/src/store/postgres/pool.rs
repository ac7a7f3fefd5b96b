//! Connections: a few that many calls share, and some that each serve one call at a time.
//!
//! Statements that are sent one behind another cost half of what they cost alone, but each waits for those before it. So
//! only reads by a key are shared: these take as long as each other, and nothing that others have locked delays them.

use super::connection::Connection;
use super::error::{busy, closed, lost};
use super::server::Server;
use crate::fair::{Gate, Permit, attended, current};
use crate::locked;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::time::timeout;
use wingbeat_core::Result;

/// So many calls wait at most.
const MOST: usize = 8192;

/// So many statements are on their way on a connection that is shared.
const AT_A_TIME: usize = 32;

pub(super) struct Pool {
    server: Server,
    shared: Box<[Shared]>,
    next: AtomicUsize,
    shared_gate: Arc<Gate>,
    /// Connections that serve nobody at the moment.
    idle: Mutex<Vec<Connection>>,
    gate: Arc<Gate>,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Shared {
    connection: Mutex<Option<Arc<Connection>>>,
    /// When it could not be opened last.
    opening: tokio::sync::Mutex<Option<Instant>>,
}

impl Pool {
    pub(super) fn new(server: Server) -> Pool {
        let (shared, own) = (server.settings.shared(), server.settings.own());
        Pool {
            server,
            shared: (0..shared).map(|_| Shared::default()).collect(),
            next: AtomicUsize::new(0),
            shared_gate: Gate::for_work(shared * AT_A_TIME, MOST),
            idle: Mutex::default(),
            gate: Gate::for_work(own, MOST),
            is_closed: AtomicBool::new(false),
        }
    }

    /// A connection on which others have statements as well, for one that is short and waits for nobody.
    pub(super) async fn share(&self) -> Result<(Arc<Connection>, Permit)> {
        let permit = self.enter(&self.shared_gate).await?;
        let shared = &self.shared[self.next.fetch_add(1, Relaxed) % self.shared.len()];
        if let Some(connection) = shared.get() {
            return Ok((connection, permit));
        }
        let since = Instant::now();
        let mut failed = shared.opening.lock().await;
        if let Some(connection) = shared.get() {
            return Ok((connection, permit));
        }
        // One has tried for all that have waited for it: else they would try one after another.
        if failed.is_some_and(|at| at > since) {
            return Err(lost());
        }
        let opened = Connection::open(&self.server).await;
        *failed = opened.is_err().then(Instant::now);
        let connection = Arc::new(opened?);
        *locked(&shared.connection) = Some(connection.clone());
        self.check_open()?;
        Ok((connection, permit))
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
            None => Connection::open(&self.server).await?,
        };
        Ok(Taken { pool: self.clone(), inside: Some((connection, permit)), is_clean: true })
    }

    async fn enter(&self, gate: &Arc<Gate>) -> Result<Permit> {
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

    fn check_open(&self) -> Result<()> {
        if self.is_closed.load(Relaxed) { Err(closed()) } else { Ok(()) }
    }

    /// Lets nobody in any more, and ends the connections that serve nobody.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Relaxed);
        self.shared.iter().for_each(|shared| drop(locked(&shared.connection).take()));
        let _ended = std::mem::take(&mut *locked(&self.idle));
    }
}

impl Shared {
    fn get(&self) -> Option<Arc<Connection>> {
        locked(&self.connection).clone().filter(|connection| !connection.is_lost())
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
        if self.is_clean && !self.pool.is_closed.load(Relaxed) {
            locked(&self.pool.idle).push(connection);
            return;
        }
        if connection.is_closed() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let pool = self.pool.clone();
        // Its place is taken until the statement has ended. The connection is not used again: the wish to cancel may come
        // late, and would hit another statement.
        runtime.spawn(async move {
            pool.server.cancel(connection.cancel_token()).await;
            drop((connection, permit));
        });
    }
}

impl Deref for Pool {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

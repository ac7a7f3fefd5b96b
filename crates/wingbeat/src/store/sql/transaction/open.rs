//! The transaction in which the running code is.

use super::{Begun, Database};
use std::any::Any;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};
use tokio::task_local;
use wingbeat_core::{Error, Result};

task_local!(static CURRENT: Arc<Scope>);

/// An [`Open`] transaction of some database, and the scope around: the whole, or one of another database.
struct Scope {
    open: Arc<dyn Any + Send + Sync>,
    around: Option<Arc<Scope>>,
}

/// A transaction, or a part of one that can be undone by itself.
pub(in crate::store) struct Open<D: Database> {
    db: D,
    /// Calls that are joined take turns. A part has the whole until it ends.
    level: Arc<Mutex<Level<D::Begun>>>,
}

pub(super) struct Level<B> {
    holding: Holding<B>,
    /// Something was left in its middle: nobody knows what is a part of it any more.
    is_broken: bool,
}

enum Holding<B> {
    Whole(B),
    Part(OwnedMutexGuard<Level<B>>),
}

impl<B: Begun> Level<B> {
    pub(super) fn begun(&mut self) -> &mut B {
        match &mut self.holding {
            Holding::Whole(begun) => begun,
            Holding::Part(whole) => whole.begun(),
        }
    }

    /// This part has ended, and the whole can go on.
    pub(super) fn mend_whole(&mut self) {
        if let Holding::Part(whole) = &mut self.holding {
            whole.is_broken = false;
        }
    }
}

impl<D: Database> Open<D> {
    /// The one of this database in which the running code is.
    pub(in crate::store) fn current(db: &D) -> Option<Arc<Open<D>>> {
        CURRENT.try_with(|scope| scope.find(db)).ok().flatten()
    }

    pub(super) fn whole(db: &D, begun: D::Begun) -> Arc<Open<D>> {
        Open::new(db, Holding::Whole(begun))
    }

    pub(super) fn part(db: &D, whole: OwnedMutexGuard<Level<D::Begun>>) -> Arc<Open<D>> {
        Open::new(db, Holding::Part(whole))
    }

    fn new(db: &D, holding: Holding<D::Begun>) -> Arc<Open<D>> {
        Arc::new(Open { db: db.clone(), level: Arc::new(Mutex::new(Level { holding, is_broken: false })) })
    }

    /// Runs something within it.
    pub(super) async fn scope<T>(self: &Arc<Self>, running: impl Future<Output = T>) -> T {
        let around = CURRENT.try_with(Arc::clone).ok();
        CURRENT.scope(Arc::new(Scope { open: self.clone(), around }), running).await
    }

    /// Its turn, after which it is broken until somebody says that all has ended well.
    pub(super) async fn enter(&self) -> Result<OwnedMutexGuard<Level<D::Begun>>> {
        let mut level = self.level.clone().lock_owned().await;
        if level.is_broken {
            return Err(broken());
        }
        level.is_broken = true;
        Ok(level)
    }

    /// All of it, now that nothing runs within any more.
    pub(super) fn ending(&self) -> Result<MutexGuard<'_, Level<D::Begun>>> {
        // A future that was begun within, and kept elsewhere, would be waited for for ever.
        self.level.try_lock().ok().filter(|level| !level.is_broken).ok_or_else(broken)
    }

    /// Does something within it, which sees to it that it is undone by itself if it fails.
    pub(in crate::store) async fn work<T>(&self, work: impl AsyncFnOnce(&mut D::Begun) -> Result<T>) -> Result<T> {
        let mut level = self.enter().await?;
        let done = work(level.begun()).await;
        level.is_broken = false;
        done
    }
}

impl Scope {
    fn find<D: Database>(&self, db: &D) -> Option<Arc<Open<D>>> {
        let mut scope = self;
        loop {
            if let Some(open) = scope.open.downcast_ref::<Open<D>>()
                && open.db.is_same(db)
            {
                return scope.open.clone().downcast().ok();
            }
            scope = scope.around.as_deref()?;
        }
    }
}

fn broken() -> Error {
    Error::unavailable("A call was given up in the middle of this transaction, which can not go on")
}

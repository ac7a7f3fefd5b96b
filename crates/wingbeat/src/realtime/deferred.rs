//! Publications that wait for the end of what they are a part of: a transaction that may still be undone.

use crate::{BoxFuture, locked};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::task_local;

task_local!(static DEFERRED: Deferred);

/// Whether anything was ever deferred: until then calls only read this flag.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// What is to be published, in order.
#[derive(Clone, Default)]
pub(crate) struct Deferred(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Deferred {
    /// What the running code publishes waits in here, if it is a part of something.
    pub(crate) fn current() -> Option<Deferred> {
        if !IS_USED.load(Relaxed) {
            return None;
        }
        DEFERRED.try_with(Deferred::clone).ok()
    }

    /// Runs something whose publications wait. They are gone with this, unless somebody takes them.
    #[cfg(any(test, feature = "sqlite", feature = "postgres", feature = "mariadb"))]
    pub(crate) async fn within<T>(&self, running: impl Future<Output = T>) -> T {
        IS_USED.store(true, Relaxed);
        DEFERRED.scope(self.clone(), running).await
    }

    pub(crate) fn push(&self, publication: BoxFuture<'static, ()>) {
        locked(&self.0).push(publication);
    }

    /// All that waits, in order.
    #[cfg(any(test, feature = "sqlite", feature = "postgres", feature = "mariadb"))]
    pub(crate) fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut locked(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    #[tokio::test]
    async fn what_is_published_within_waits_and_nothing_else() {
        let deferred = Deferred::default();
        assert!(Deferred::current().is_none());
        let inside = deferred.within(async {
            Deferred::current().unwrap().push(Box::pin(ready(())));
            tokio::spawn(async { Deferred::current().is_none() }).await.unwrap()
        });
        assert!(inside.await && Deferred::current().is_none());
        assert_eq!((deferred.take().len(), deferred.take().len()), (1, 0));
    }
}

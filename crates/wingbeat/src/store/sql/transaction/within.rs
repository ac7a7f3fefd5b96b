//! Running something in a transaction, from its beginning to its end.

use super::{Begun as _, Database, Isolation, Open};
use crate::fair::carried;
use crate::realtime::Deferred;
use wingbeat_core::{Error, Result};

/// Does something in a transaction, or in a part of the one in which the running code is: that is undone if it fails, or is
/// dropped. What is published within follows the commit.
pub(in crate::store) fn within<D: Database, T>(
    db: &D,
    isolation: Isolation,
    running: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    // On the heap: it would be in the future around once for each function that hands it on, and twice where that is async.
    let running = Box::pin(running);
    async move {
        match Open::current(db) {
            Some(whole) => within_part(db, &whole, running).await,
            None => within_whole(db, isolation, running).await,
        }
    }
}

async fn within_whole<D: Database, T>(
    db: &D,
    isolation: Isolation,
    running: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (open, deferred) = (Open::whole(db, db.begin(isolation).await?), Deferred::default());
    let done = deferred.within(open.scope(db.limited(running))).await;
    let is_done = done.is_ok();
    // Beside the call: it may be given up, but not between the commit and the events.
    let ending = tokio::spawn(carried(async move {
        let mut level = open.ending()?;
        match is_done {
            true => level.begun().commit().await?,
            false => level.begun().roll_back().await?,
        }
        drop(level);
        // The connection is free before anybody waits for slow members of channels.
        drop(open);
        if is_done {
            for publication in deferred.take() {
                publication.await;
            }
        }
        Ok(())
    }));
    let ended = ending.await.unwrap_or_else(|error| Err(Error::internal(error)));
    // Why it has failed says more than that it could not be rolled back.
    let done = done?;
    ended.map(|()| done)
}

async fn within_part<D: Database, T>(db: &D, whole: &Open<D>, running: impl Future<Output = Result<T>>) -> Result<T> {
    let mut level = whole.enter().await?;
    level.begun().savepoint().await?;
    let (open, deferred) = (Open::part(db, level), Deferred::default());
    let done = deferred.within(open.scope(running)).await;
    let mut level = open.ending()?;
    match done.is_ok() {
        true => level.begun().release().await?,
        false => level.begun().roll_back_to().await?,
    }
    level.mend_whole();
    if done.is_ok()
        && let Some(whole) = Deferred::current()
    {
        deferred.take().into_iter().for_each(|publication| whole.push(publication));
    }
    done
}

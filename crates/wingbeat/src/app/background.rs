//! What runs beside the calls: publishers and listeners that wait.

use crate::fair::{Gate, Permit, carried, current};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use wingbeat_protocol::LogThrottle;

/// How many publishers may wait at a time because of clients' calls; further calls wait with them.
const PUBLISHERS: usize = 1024;
/// How many listeners that wait run at a time. When a server loses all its clients at once, these would come as 100,000
/// to whatever they write to, and the last would have given up by the time it is ready for them.
const LISTENERS: usize = 256;
/// How long a publisher or a listener may take: it must end, as calls must.
const LIMIT: Duration = Duration::from_secs(60);

/// Tasks of the application, for which a shutdown waits.
pub(super) struct BackgroundTasks {
    running: watch::Sender<usize>,
    publishers: Arc<Gate>,
    listeners: Arc<Gate>,
}

impl Default for BackgroundTasks {
    fn default() -> BackgroundTasks {
        let (publishers, listeners) = (Gate::for_stays(PUBLISHERS, usize::MAX), Gate::for_stays(LISTENERS, usize::MAX));
        BackgroundTasks { running: watch::Sender::default(), publishers, listeners }
    }
}

impl BackgroundTasks {
    /// A permit for a publisher that waits, kept until it has published.
    pub(super) async fn publisher_permit(&self) -> Option<Permit> {
        self.publishers.enter(current()).await.ok()
    }

    /// Runs what waits for a publisher.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_unlimited(limited(task));
    }

    /// Runs a listener once it has a permit.
    pub(super) fn spawn_listener(&self, task: impl Future<Output = ()> + Send + 'static) {
        let permits = self.listeners.clone();
        self.spawn_unlimited(async move {
            let _permit = permits.enter(current()).await.ok();
            // Its time begins with its turn.
            limited(task).await;
        });
    }

    /// As [`spawn`](BackgroundTasks::spawn), for a task that sees to its own end. It is the work of whom it is spawned for.
    pub(super) fn spawn_unlimited(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = RunningTask::new(&self.running);
        tokio::spawn(carried(async move {
            let _running = running;
            task.await;
        }));
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&self) {
        // An error means that the sender is gone, which this is.
        self.running.subscribe().wait_for(|running| *running == 0).await.ok();
    }
}

/// Runs what a listener or a publisher does, for as long as it may take.
pub(super) async fn limited(task: impl Future<Output = ()>) {
    if timeout(LIMIT, task).await.is_err() {
        static LATE: LogThrottle = LogThrottle::new();
        if let Some(times) = LATE.happened() {
            tracing::error!(times, "a listener or a publisher took longer than {} s", LIMIT.as_secs());
        }
    }
}

/// Counts a task until it ends, in whatever way.
struct RunningTask(watch::Sender<usize>);

impl RunningTask {
    fn new(count: &watch::Sender<usize>) -> RunningTask {
        count.send_modify(|running| *running += 1);
        RunningTask(count.clone())
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

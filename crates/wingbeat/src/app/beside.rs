//! What runs beside the calls: publishers and listeners that wait.

use std::future::Future;
use tokio::sync::watch;

/// Tasks of the application, for which a shutdown waits.
#[derive(Default)]
pub(super) struct Beside(watch::Sender<usize>);

impl Beside {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = Running::new(&self.0);
        tokio::spawn(async move {
            let _running = running;
            task.await;
        });
    }

    /// Waits until none is left.
    pub(super) async fn ended(&self) {
        // An error means that the sender is gone, which this is.
        self.0.subscribe().wait_for(|running| *running == 0).await.ok();
    }
}

/// Counts a task until it ends, in whatever way.
struct Running(watch::Sender<usize>);

impl Running {
    fn new(count: &watch::Sender<usize>) -> Running {
        count.send_modify(|running| *running += 1);
        Running(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

//! The folder while it is in use, and what has to end before somebody else may use it.

use std::fs::File;
use std::sync::Arc;
use tokio::sync::watch;
use wingbeat_core::Error;

/// A folder that is open.
pub(super) struct Open {
    lock: Arc<File>,
    ending: watch::Sender<bool>,
    /// Where the service is mounted.
    pub(super) path: Box<str>,
}

/// What works in the folder: it stays locked as long, also where nobody waits for the work any more.
#[derive(Clone)]
pub(super) struct Working {
    // Goes first: who waits for the work finds the folder free.
    _lock: Arc<File>,
    ending: watch::Receiver<bool>,
}

impl Open {
    pub(super) fn new(lock: File, path: &str) -> Open {
        Open { lock: Arc::new(lock), ending: watch::Sender::new(false), path: path.into() }
    }

    pub(super) fn working(&self) -> Working {
        Working { _lock: self.lock.clone(), ending: self.ending.subscribe() }
    }

    /// Breaks off what is still coming, and waits until nothing works in the folder.
    pub(super) async fn close(self) {
        let Open { lock, ending, .. } = self;
        drop(lock);
        ending.send_replace(true);
        ending.closed().await;
    }
}

impl Working {
    /// Waits until the work is to be broken off.
    pub(super) async fn broken_off(&mut self) -> Error {
        // An error means that nobody waits for it to end any more.
        self.ending.wait_for(|ending| *ending).await.ok();
        not_open()
    }
}

pub(super) fn not_open() -> Error {
    Error::unavailable("The folder of files is not open: the application is not set up, or ends")
}

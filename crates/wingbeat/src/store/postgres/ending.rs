//! How connections end.
//!
//! A connection may have many statements on their way when nobody wants it any more. To drop its client does not end it
//! before all of them are answered, and to close its socket does not end what the server is at, nor what it has read. So it
//! goes on, and counts, until the server has ended them, and that is told to: once for each, because it ends one at a time.

#[cfg(feature = "tls")]
use super::tls::Tls;
use futures_util::future::{Either, select};
use std::iter::{repeat, repeat_n};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{CancelToken, Client, NoTls};

/// The server is told again after so long. One that has nothing to do ends before.
const SOON: Duration = Duration::from_millis(10);

/// So often, which is enough for all that share a connection, and then less often: each time costs the server a process.
const TIMES: usize = 64;
const LATER: Duration = Duration::from_secs(1);

/// A connection that is open, and the task that runs it.
pub(super) struct Line {
    // Dropped first: a connection that is at nothing ends with it, before the task hears that it is given up.
    pub(super) client: Client,
    is_given_up: watch::Sender<bool>,
    pub(super) task: AbortHandle,
}

/// Ends statements beside the connection.
pub(super) struct Canceller {
    pub(super) token: CancelToken,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
    /// How long the server may be away.
    pub(super) wait: Duration,
    /// How long a statement takes at most, if the server is there.
    pub(super) patience: Duration,
}

impl Line {
    /// Runs a connection until it has ended, or nobody can end it any more.
    pub(super) fn run<E>(
        client: Client,
        connection: impl Future<Output = Result<(), E>> + Send + 'static,
        canceller: Canceller,
    ) -> Line
    where
        E: std::error::Error + Send + 'static,
    {
        let (is_given_up, mut told) = watch::channel(false);
        let task = tokio::spawn(async move {
            let ending = async {
                // Or dropped, which is the same.
                let _ = told.wait_for(|is_given_up| *is_given_up).await;
                let _ = timeout(canceller.patience, canceller.repeat()).await;
            };
            match select(pin!(connection), pin!(ending)).await {
                Either::Left((Ok(()), _)) => {}
                Either::Left((Err(error), _)) => tracing::debug!(%error, "a connection to the database has ended"),
                Either::Right(_) => {
                    tracing::debug!("a connection to the database is closed before its statements ended")
                }
            }
        });
        Line { client, is_given_up, task: task.abort_handle() }
    }

    /// Has all that it is at ended.
    pub(super) fn give_up(&self) {
        self.is_given_up.send_replace(true);
    }

    /// The same, and waits until it has.
    pub(super) async fn end(self) {
        let Line { client, is_given_up, task: _ } = self;
        drop(client);
        is_given_up.send_replace(true);
        is_given_up.closed().await;
    }
}

impl Canceller {
    /// Until the server has been away for too long.
    async fn repeat(&self) {
        let mut reached = Instant::now();
        for pause in repeat_n(SOON, TIMES).chain(repeat(LATER)) {
            sleep(pause).await;
            match timeout(self.wait, self.cancel()).await {
                Ok(Ok(())) => reached = Instant::now(),
                failed => {
                    tracing::debug!(?failed, "a statement that nobody waits for could not be cancelled");
                    if reached.elapsed() >= self.wait {
                        return;
                    }
                }
            }
        }
    }

    #[cfg(feature = "tls")]
    async fn cancel(&self) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => self.token.cancel_query(tls.clone()).await,
            None => self.token.cancel_query(NoTls).await,
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn cancel(&self) -> Result<(), tokio_postgres::Error> {
        self.token.cancel_query(NoTls).await
    }
}

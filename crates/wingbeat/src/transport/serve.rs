//! Serving an application.

use crate::BoxFuture;
use crate::app::App;
use futures_util::future::{Either, select};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::time::Duration;
use wingbeat_core::Result;
use wingbeat_engine::{HttpLimits, Listener};

/// How long a shutdown may take by default.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sets an application up and serves it until SIGTERM or ctrl-c, then ends it in order: no new clients,
/// running calls finish, sockets are closed, services are torn down, within ten seconds.
///
/// The listener is one of TCP, of Unix sockets, or, with the feature `tls`, an encrypted one around either:
/// `engine::Tls`. What is served can be changed before it is awaited:
///
/// ```no_run
/// # async fn run(app: wingbeat::App) -> wingbeat::Result<()> {
/// use std::time::Duration;
/// use tokio::net::TcpListener;
/// use wingbeat::engine::HttpLimits;
///
/// wingbeat::serve(TcpListener::bind("0.0.0.0:3030").await?, app)
///     .limits(HttpLimits::default().max_connections(50_000))
///     .patience(Duration::from_secs(30))
///     .await
/// # }
/// ```
///
/// # Errors
/// If a service's setup fails.
pub fn serve<L: Listener>(listener: L, app: App) -> Serve<L> {
    Serve { listener, app, limits: HttpLimits::default(), patience: PATIENCE, end: None }
}

/// An application that is served when this is awaited; [`serve`] makes it.
#[must_use = "it serves when it is awaited"]
pub struct Serve<L> {
    listener: L,
    app: App,
    limits: HttpLimits,
    patience: Duration,
    end: Option<BoxFuture<'static, ()>>,
}

impl<L> Serve<L> {
    /// Ends when this future is ready, instead of by SIGTERM and ctrl-c.
    pub fn until(mut self, end: impl Future<Output = ()> + Send + 'static) -> Serve<L> {
        self.end = Some(Box::pin(end));
        self
    }

    /// What connections may use up while they speak HTTP: how many there may be, in total and of one address, how
    /// large headers are, how long everything may take. What sessions may use up says
    /// [`SocketIo::with_config`](crate::SocketIo::with_config).
    pub fn limits(mut self, limits: HttpLimits) -> Serve<L> {
        self.limits = limits;
        self
    }

    /// How long the end may take; what is not done by then is cut off. Ten seconds if nothing is said.
    pub fn patience(mut self, patience: Duration) -> Serve<L> {
        self.patience = patience;
        self
    }
}

impl<L: Listener> IntoFuture for Serve<L> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        let Serve { listener, app, limits, patience, end } = self;
        Box::pin(async move {
            let end = end.unwrap_or_else(|| Box::pin(terminated()));
            let end = match select(Box::pin(app.setup()), end).await {
                Either::Left((Ok(()), end)) => end,
                // Part of it has begun.
                Either::Left((Err(error), _)) => {
                    app.shutdown(patience).await;
                    return Err(error);
                }
                Either::Right(((), setup)) => {
                    drop(setup);
                    tracing::info!("shutting down before the setup was over");
                    app.shutdown(patience).await;
                    return Ok(());
                }
            };
            tracing::info!(address = ?listener.address(), services = ?app.paths(), "listening");
            let served = wingbeat_engine::serve_http_with(listener, limits, app.http(), end).await;
            tracing::info!("shutting down");
            app.shutdown(patience).await;
            Ok(served?)
        })
    }
}

impl<L> fmt::Debug for Serve<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("app", &self.app).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Waits until the process receives a signal to end: ctrl-c (SIGINT) or, on Unix, by SIGTERM, as `kill`, systemd and Kubernetes
/// send it. [`serve`] waits for it by itself; who serves otherwise, inside an axum application for example, shuts down
/// then.
pub async fn terminated() {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "cannot listen for ctrl-c");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "cannot listen for SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    select(pin!(interrupted), pin!(terminated)).await;
}

//! Serving an application.

use crate::app::App;
use futures_util::future::select;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use wingbeat_core::Result;
use wingbeat_engine::Listener;

/// How long a shutdown may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves an application until the process is told to end (SIGTERM or ctrl-c), then ends it in order: no new clients,
/// running calls finish, sockets are closed, services are torn down, within ten seconds.
///
/// The listener is one of TCP, of Unix sockets, or, with the feature `tls`, an encrypted one around either:
/// `engine::Tls`.
///
/// # Errors
/// If a service's setup fails.
pub async fn serve(listener: impl Listener, app: App) -> Result<()> {
    serve_until(listener, app, told_to_end()).await
}

/// Serves an application until `end` is ready, then ends it as [`serve`] does.
///
/// # Errors
/// If a service's setup fails.
pub async fn serve_until(listener: impl Listener, app: App, end: impl Future<Output = ()>) -> Result<()> {
    app.setup().await?;
    tracing::info!(address = ?listener.address(), services = ?app.paths(), "listening");
    wingbeat_engine::serve_http(listener, app.http(), end).await?;
    tracing::info!("shutting down");
    app.shutdown(PATIENCE).await;
    Ok(())
}

async fn told_to_end() {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "ctrl-c can not be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can not be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    select(pin!(interrupted), pin!(terminated)).await;
}

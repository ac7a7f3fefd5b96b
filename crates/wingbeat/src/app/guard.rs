//! What stands between a client and the rest: panics, calls that never end, and what may be told of errors.

use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// Runs a call for a client. A panic is a general error; a call that takes longer than `limit` is ended with Timeout.
pub(crate) async fn guarded<T>(call: impl Future<Output = Result<T>>, limit: Duration) -> Result<T> {
    let mut call = pin!(AssertUnwindSafe(call).catch_unwind());
    // Most calls are ready at once and never see a timer.
    let outcome = match futures_util::poll!(call.as_mut()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => match tokio::time::timeout(limit, call).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(Error::timeout(format!("The call took longer than {} s", limit.as_secs_f32()))),
        },
    };
    // The panic's own message went to the panic hook, with its place.
    outcome.unwrap_or_else(|_| Err(Error::general("The call failed")))
}

/// Logs an error that is about to be told to a client: what the client must not see is in its source.
pub(crate) fn log(error: &Error, path: &str, method: &str) {
    if error.code() >= 500 {
        tracing::error!(?error, path, method, "a call failed");
    } else {
        tracing::debug!(?error, path, method, "a call was refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_general_error() {
        async fn broken() -> Result<()> {
            panic!("on purpose")
        }
        assert_eq!(guarded(broken(), Duration::from_secs(1)).await.unwrap_err().code(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_ends_times_out() {
        let error = guarded(std::future::pending::<Result<()>>(), Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.code(), 408);
    }
}

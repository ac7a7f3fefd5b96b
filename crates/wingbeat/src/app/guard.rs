//! What stands between a client and the rest: panics, calls that never end, and the logging of errors.

use std::any::Any;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use wingbeat_core::{Error, ErrorKind, Escaped, Result};
use wingbeat_protocol::LogThrottle;

/// Runs something for a client. A panic is a general error; what takes longer than `limit` is ended with Timeout.
pub(crate) async fn guarded<T>(call: impl Future<Output = Result<T>>, limit: Duration) -> Result<T> {
    Guarded::new(pin!(call), limit).await
}

/// Runs the part of a call that comes before its future. A panic is a general error.
pub(crate) fn catch_panic<T>(begin: impl FnOnce() -> T) -> Result<T> {
    // The place of the panic went to the panic hook.
    catch_unwind(AssertUnwindSafe(begin)).map_err(|panic| panicked("The call failed", &*panic))
}

/// Runs something of the application's own, which its name begins the sentence about. A panic is a general error.
pub(super) async fn contained<F: Future<Output = Result<()>>>(what: &str, begin: impl FnOnce() -> F) -> Result<()> {
    let failed = |panic: Box<dyn Any + Send>| panicked(format!("{what} panicked"), &*panic);
    let mut work = pin!(catch_unwind(AssertUnwindSafe(begin)).map_err(failed)?);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(failed(panic))),
    })
    .await
}

fn panicked(message: impl Into<Cow<'static, str>>, panic: &(dyn Any + Send)) -> Error {
    let error = Error::general(message);
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.map(|text| format!("panicked: {text}")).into_iter().fold(error, Error::with_source)
}

/// See [`guarded`].
pub(crate) struct Guarded<F> {
    call: F,
    limit: Duration,
    /// Made when the call is not ready at once: most are, and never see a timer.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F> Guarded<F> {
    pub(crate) fn new(call: F, limit: Duration) -> Guarded<F> {
        Guarded { call, limit, timer: None }
    }
}

impl<T, F: Future<Output = Result<T>> + Unpin> Future for Guarded<F> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        match catch_panic(|| Pin::new(&mut this.call).poll(cx)) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(outcome)) => return Poll::Ready(outcome),
            Err(error) => return Poll::Ready(Err(error)),
        }
        let limit = this.limit;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(Error::timeout(format!("The call took longer than {} s", limit.as_secs_f32()))))
    }
}

/// Calls that were refused because there is too much to do, as clients can bring about.
static UNAVAILABLE: LogThrottle = LogThrottle::new();

/// Calls that failed for a reason of the server's own. Such reasons last: a full disk fails every call.
static FAILED: LogThrottle = LogThrottle::new();

/// Logs an error that is about to be sent to a client: its source holds what the client must not see.
pub(crate) fn log(error: &Error, path: &str, method: &str) {
    // Clients name methods, also such as do not exist.
    let method = Escaped(method);
    if error.kind() == ErrorKind::Unavailable {
        if let Some(times) = UNAVAILABLE.happened() {
            tracing::error!(?error, path, %method, times, "a call failed, and others like it may have");
        }
    } else if error.code() >= 500 {
        if let Some(times) = FAILED.happened_as(&(path, method.0, format!("{error:?}"))) {
            tracing::error!(?error, path, %method, times, "a call failed");
        }
    } else {
        tracing::debug!(?error, path, %method, "a call was refused");
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

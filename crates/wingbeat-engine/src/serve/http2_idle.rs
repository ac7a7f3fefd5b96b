//! Requests and answers over HTTP/2: clients say themselves how much they take, and keep connections without using them.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use slab::Slab;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What is due on one connection.
#[derive(Clone)]
pub(super) struct Http2IdleTracker(Arc<Mutex<Requests>>);

struct Requests {
    /// Since when each answer waits for its client that does.
    waiting: Slab<Instant>,
    /// How many are under way: from the headers until the whole answer is taken.
    under_way: usize,
    /// When the connection began, and when the last one ended.
    began: Instant,
    ended: Option<Instant>,
}

impl Http2IdleTracker {
    pub(super) fn new() -> Http2IdleTracker {
        Http2IdleTracker(Arc::new(Mutex::new(Requests {
            waiting: Slab::new(),
            under_way: 0,
            began: Instant::now(),
            ended: None,
        })))
    }

    /// A request has come.
    pub(super) fn begin(&self) -> RequestInFlight {
        self.lock().under_way += 1;
        RequestInFlight(self.clone())
    }

    /// Whether none is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().under_way == 0
    }

    /// Ready when none has come for so long, or when after the last so much time has passed.
    pub(super) async fn idle(&self, first: Duration, next: Duration) {
        loop {
            let until = match &*self.lock() {
                Requests { under_way: 0, began, ended: None, .. } => *began + first,
                Requests { under_way: 0, ended: Some(ended), .. } => *ended + next,
                _ => Instant::now() + next,
            };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Ready when the client has taken nothing of one of them for so long.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let longest = self.lock().waiting.iter().map(|(_, since)| *since).min();
            let until = longest.unwrap_or_else(Instant::now) + patience;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn wait(&self) -> Option<usize> {
        Some(self.lock().waiting.insert(Instant::now()))
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way.
pub(super) struct RequestInFlight(Http2IdleTracker);

impl RequestInFlight {
    /// The body of its answer.
    pub(super) fn body<B>(self, body: B) -> TrackedBody<B> {
        let waits = self.0.wait();
        TrackedBody { body: Box::pin(body), rest: Bytes::new(), request: self, waits }
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        let mut requests = self.0.lock();
        requests.under_way -= 1;
        requests.ended = Some(Instant::now());
    }
}

/// How much is handed over at a time. More is asked for when there is room for it: so it is seen what a client takes.
const PIECE: usize = 16 * 1024;

/// A body in pieces.
pub(super) struct TrackedBody<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
    request: RequestInFlight,
    /// Its place among those that wait for their client. One that waits for the application has none.
    waits: Option<usize>,
}

impl<B> TrackedBody<B> {
    fn taken(&mut self) {
        if let Some(place) = self.waits.take() {
            self.request.0.lock().waiting.try_remove(place);
        }
    }
}

impl<B: Body<Data = Bytes>> Body for TrackedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.taken();
        let mut frame = None;
        if self.rest.is_empty() {
            match ready!(self.body.as_mut().poll_frame(cx)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(trailers)) => frame = Some(trailers),
                None => return Poll::Ready(None),
            }
        }
        let most = self.rest.len().min(PIECE);
        let frame = frame.unwrap_or_else(|| Frame::data(self.rest.split_to(most)));
        self.waits = self.request.0.wait();
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl<B> Drop for TrackedBody<B> {
    fn drop(&mut self) {
        self.taken();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use std::convert::Infallible;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(30);
    const AGES: Duration = Duration::from_secs(3600);

    /// Whose application has nothing to say.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_the_application_does_not_stall() {
        let due = Http2IdleTracker::new();
        let mut body = due.begin().body(Silent);
        assert!(timeout(PATIENCE / 2, body.frame()).await.is_err());
        assert!(timeout(AGES, due.stalled(PATIENCE)).await.is_err());
        drop(body);
        assert!(due.lock().waiting.is_empty() && due.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_piece_now_and_then_does_not_stall_until_it_stops() {
        let due = Http2IdleTracker::new();
        let mut body = due.begin().body(Full::new(Bytes::from(vec![b'x'; 5 * PIECE])));
        let stalled = tokio::spawn({
            let due = due.clone();
            async move { due.stalled(PATIENCE).await }
        });
        for _ in 0..5 {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
            tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
            assert!(!stalled.is_finished());
        }
        timeout(AGES, stalled).await.expect("it is waited for").unwrap();
    }
}

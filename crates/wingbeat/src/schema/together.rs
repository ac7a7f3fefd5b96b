//! Futures that run at the same time.

use crate::BoxFuture;
use futures_util::future::join_all;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// What futures answer that run at the same time, in their order.
pub(super) async fn together<T>(running: Vec<BoxFuture<'_, T>>) -> impl Iterator<Item = T> {
    at_once(running.len(), |cx, answers| {
        for mut future in running {
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => answers.ready(value),
                Poll::Pending => answers.pending(future),
            }
        }
    })
    .await
}

/// The answers of futures in their order, as far as they are there.
pub(super) struct Answers<'f, T> {
    done: Vec<Option<T>>,
    waiting: Vec<(usize, BoxFuture<'f, T>)>,
}

impl<'f, T> Answers<'f, T> {
    pub(super) fn ready(&mut self, value: T) {
        self.done.push(Some(value));
    }

    pub(super) fn pending(&mut self, future: BoxFuture<'f, T>) {
        self.waiting.push((self.done.len(), future));
        self.done.push(None);
    }
}

/// The same of futures, `about` so many, that `start` has polled once. Nearly all of them are ready then, and cost no more than that; only
/// the others are joined.
pub(super) async fn at_once<'f, T>(
    about: usize,
    start: impl FnOnce(&mut Context<'_>, &mut Answers<'f, T>),
) -> impl Iterator<Item = T> {
    let (mut start, mut answers) = (Some(start), Answers { done: Vec::with_capacity(about), waiting: Vec::new() });
    poll_fn(|cx| {
        if let Some(start) = start.take() {
            start(cx, &mut answers);
        }
        Poll::Ready(())
    })
    .await;
    let Answers { mut done, waiting } = answers;
    if !waiting.is_empty() {
        let (places, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        for (place, value) in places.into_iter().zip(join_all(waiting).await) {
            done[place] = Some(value);
        }
    }
    done.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn answers_come_in_order_whoever_is_ready_first() {
        let late = |number: usize| {
            let future = async move {
                for _ in 0..number % 3 {
                    yield_now().await;
                }
                number
            };
            Box::pin(future) as BoxFuture<'_, usize>
        };
        assert!(together((0..100).map(late).collect()).await.eq(0..100));
    }
}

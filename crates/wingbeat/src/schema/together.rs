//! Futures that run at the same time.

use crate::BoxFuture;
use futures_util::future::join_all;
use std::future::poll_fn;
use std::task::Poll;

/// What futures answer that run at the same time, in their order. Nearly all of them are ready at once, and cost no more
/// than that; only the others are joined.
pub(super) async fn together<T>(mut running: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let (mut done, mut waiting) = (Vec::with_capacity(running.len()), Vec::new());
    poll_fn(|cx| {
        for (place, mut future) in running.drain(..).enumerate() {
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => done.push(Some(value)),
                Poll::Pending => {
                    done.push(None);
                    waiting.push((place, future));
                }
            }
        }
        Poll::Ready(())
    })
    .await;
    if !waiting.is_empty() {
        let (places, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        for (place, value) in places.into_iter().zip(join_all(waiting).await) {
            done[place] = Some(value);
        }
    }
    done.into_iter().flatten().collect()
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
        assert_eq!(together((0..100).map(late).collect()).await, (0..100).collect::<Vec<_>>());
    }
}

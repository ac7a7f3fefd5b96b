//! A fair queue for asynchronous work.

use super::Source;
use super::queue::{Next, Queue};
use crate::locked;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wingbeat_core::{Error, Result};

/// Lets so many at a time do something, in the order of [`Queue`].
pub(crate) struct Gate {
    state: Mutex<State>,
}

struct State {
    queue: Queue<oneshot::Sender<Place>>,
    free: usize,
}

/// One of those who are let through, until it is dropped.
pub(crate) struct Place {
    gate: Arc<Gate>,
    source: Source,
    since: Instant,
}

impl Gate {
    /// Lets `places` through at a time, and `most` wait.
    pub(crate) fn new(places: usize, most: usize) -> Arc<Gate> {
        let queue = Queue::new(most, Duration::MAX);
        Arc::new(Gate { state: Mutex::new(State { queue, free: places.max(1) }) })
    }

    /// Waits to be let through.
    ///
    /// # Errors
    /// TooManyRequests where too many wait, and most of them for this source.
    pub(crate) async fn enter(self: &Arc<Gate>, source: Source) -> Result<Place> {
        let turn = {
            let mut state = locked(&self.state);
            if state.free > 0 {
                state.free -= 1;
                return Ok(self.place(source));
            }
            let (sender, turn) = oneshot::channel();
            if let Some(out) = state.queue.push(source, sender) {
                // It may be one whose caller has gone: then there are more of these, and room for all.
                if out.is_closed() {
                    state.queue.retain(|waiting| !waiting.is_closed());
                }
            }
            turn
        };
        turn.await.map_err(|_| Error::too_many_requests("Too many calls of yours are waiting, try again later"))
    }

    fn place(self: &Arc<Gate>, source: Source) -> Place {
        Place { gate: self.clone(), source, since: Instant::now() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut time = Some(self.since.elapsed());
        loop {
            let next = {
                let mut state = locked(&self.gate.state);
                if let Some(time) = time.take() {
                    state.queue.charge(self.source, time);
                }
                let next = state.queue.pop(Next::Anybody);
                if next.is_none() {
                    state.free += 1;
                }
                next
            };
            let Some((source, waiting)) = next else { return };
            // Outside the lock, which a place that nobody takes needs when it is dropped. Such a one is passed on here,
            // not from within itself.
            if waiting.is_closed() {
                continue;
            }
            drop(waiting.send(self.gate.place(source)));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    fn enter(gate: &Arc<Gate>, source: Source) -> std::pin::Pin<Box<impl Future<Output = Result<Place>>>> {
        let mut entering = Box::pin({
            let gate = gate.clone();
            async move { gate.enter(source).await }
        });
        assert!((&mut entering).now_or_never().is_none(), "it need not wait");
        entering
    }

    #[tokio::test]
    async fn a_crowd_delays_another_by_one_place_only() {
        let gate = Gate::new(1, 1000);
        let first = gate.enter(Source::default()).await.unwrap();
        let mut crowd: Vec<_> = (0..100).map(|_| enter(&gate, Source::at([6, 6, 6, 6], 1))).collect();
        let mut owner = enter(&gate, Source::at([1, 2, 3, 4], 2));
        drop(first);
        let place = crowd[0].as_mut().now_or_never().expect("the first has come first").unwrap();
        assert!((&mut owner).now_or_never().is_none());
        drop(place);
        assert!((&mut owner).now_or_never().is_some(), "the rest of the crowd goes first");
    }

    #[tokio::test]
    async fn a_place_is_not_lost_with_who_no_longer_wants_it() {
        let gate = Gate::new(1, 1000);
        let first = gate.enter(Source::default()).await.unwrap();
        let waiting: Vec<_> = (0..100).map(|_| enter(&gate, Source::at([6, 6, 6, 6], 1))).collect();
        let last = enter(&gate, Source::at([6, 6, 6, 6], 1));
        drop(first);
        // The first was given the place and has not looked yet.
        drop(waiting);
        last.await.unwrap();
        gate.enter(Source::default()).await.unwrap();
    }

    #[tokio::test]
    async fn whose_work_fills_the_queue_is_told_so() {
        let gate = Gate::new(1, 10);
        let first = gate.enter(Source::default()).await.unwrap();
        let crowd: Vec<_> = (0..10).map(|_| enter(&gate, Source::at([6, 6, 6, 6], 1))).collect();
        let refused = gate.enter(Source::at([6, 6, 6, 6], 1)).now_or_never().expect("it waits");
        assert!(refused.is_err_and(|error| error.code() == 429));
        let owner = enter(&gate, Source::at([1, 2, 3, 4], 2));
        drop(first);
        let crowd = join_all(crowd.into_iter().map(async |entering| entering.await.map(drop)));
        // A place is given back at once: others wait for it.
        let (crowd, owner) = tokio::join!(crowd, async { owner.await.map(drop) });
        owner.unwrap();
        let codes: Vec<_> = crowd.iter().filter_map(|let_through| Some(let_through.as_ref().err()?.code())).collect();
        assert_eq!(codes, [429]);
    }
}

//! A fair queue for asynchronous work: a semaphore whose permits are given in the order of [`Queue`].

use super::queue::Queue;
use super::shares::Shares;
use super::source::Source;
use crate::locked;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wingbeat_core::{Error, Result};

/// Lets so many at a time do something.
pub(crate) struct Gate {
    state: Mutex<State>,
}

struct State {
    queue: Queue<oneshot::Sender<Permit>>,
    free: usize,
    /// Who has how many of the places, where nobody may have all.
    shares: Option<Shares>,
    /// How many in the queue may have given up.
    given_up: usize,
}

/// One of the places, until it is dropped.
pub(crate) struct Permit {
    gate: Arc<Gate>,
    source: Source,
    /// When it was given, where the time counts.
    since: Option<Instant>,
}

/// Somebody who waits.
struct Waiting<'a> {
    gate: &'a Gate,
    turn: oneshot::Receiver<Permit>,
}

impl Gate {
    /// For work that ends by itself, and soon: no place stays empty while somebody waits, and who has taken less time
    /// goes first. At most `most` wait.
    pub(crate) fn for_work(places: usize, most: usize) -> Arc<Gate> {
        Gate::new(places, Queue::new(most), None)
    }

    /// For what may take as long as somebody likes, so that nobody may have all places: see [`Shares`]. At most `most` wait;
    /// where what waits has been done already, any number may (`usize::MAX`).
    pub(crate) fn for_stays(places: usize, most: usize) -> Arc<Gate> {
        Gate::new(places, Queue::new(most), Some(Shares::default()))
    }

    fn new(places: usize, queue: Queue<oneshot::Sender<Permit>>, shares: Option<Shares>) -> Arc<Gate> {
        Arc::new(Gate { state: Mutex::new(State { queue, free: places.max(1), shares, given_up: 0 }) })
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// TooManyRequests where too many wait, and nobody has more waiting than this source: at once, or when others come.
    pub(crate) async fn enter(self: &Arc<Gate>, source: Source) -> Result<Permit> {
        let (turn, out) = {
            let mut state = locked(&self.state);
            if state.take(source) {
                return Ok(self.permit(source, state.shares.is_none()));
            }
            let (sender, turn) = oneshot::channel();
            let out = state.queue.push(source, sender);
            // It may be one that has given up: then there are more of these, and room for all.
            if out.as_ref().is_some_and(oneshot::Sender::is_closed) {
                state.forget_given_up();
            }
            (turn, out)
        };
        // Wakes who gives way, without the lock.
        drop(out);
        let mut waiting = Waiting { gate: self, turn };
        (&mut waiting.turn).await.map_err(|_| Error::too_many_requests("Too many are waiting, try again later"))
    }

    /// A place, if one can be had at once.
    pub(crate) fn try_enter(self: &Arc<Gate>, source: Source) -> Option<Permit> {
        let mut state = locked(&self.state);
        state.take(source).then(|| self.permit(source, state.shares.is_none()))
    }

    fn permit(self: &Arc<Gate>, source: Source, is_timed: bool) -> Permit {
        Permit { gate: self.clone(), source, since: is_timed.then(Instant::now) }
    }

    /// Takes a place back, and gives to those who may have one now.
    fn leave(self: &Arc<Gate>, source: Source, time: Option<Duration>) {
        let mut next = {
            let mut state = locked(&self.state);
            if let Some(time) = time {
                state.queue.charge(source, time);
            }
            state.give_back(source);
            state.next()
        };
        while let Some((source, waiting)) = next {
            // Without the lock, which a place that nobody takes needs when it is dropped. Those who have given up are
            // passed by here, not from within themselves.
            let has_given_up = waiting.is_closed();
            if !has_given_up {
                drop(waiting.send(self.permit(source, time.is_some())));
            }
            let mut state = locked(&self.state);
            if has_given_up {
                state.give_back(source);
            }
            next = state.next();
        }
    }
}

impl State {
    /// Takes a free place. Those who wait already may have none.
    fn take(&mut self, source: Source) -> bool {
        let may = self.free > 0 && self.shares.as_ref().is_none_or(|shares| shares.allow(source, self.free));
        if may {
            self.free -= 1;
            if let Some(shares) = &mut self.shares {
                shares.take(source);
            }
        }
        may
    }

    fn give_back(&mut self, source: Source) {
        self.free += 1;
        if let Some(shares) = &mut self.shares {
            shares.give_back(source);
        }
    }

    /// Gives a place to the next who may have it.
    fn next(&mut self) -> Option<(Source, oneshot::Sender<Permit>)> {
        let State { queue, free, shares, .. } = self;
        let next = match shares {
            _ if *free == 0 => None,
            None => queue.pop(),
            Some(shares) => queue.pop_if(|at| shares.allow_at(at, *free), |source| shares.allow(source, *free)),
        }?;
        *free -= 1;
        if let Some(shares) = shares {
            shares.take(next.0);
        }
        Some(next)
    }

    fn forget_given_up(&mut self) {
        self.queue.retain(|waiting| !waiting.is_closed());
        self.given_up = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.leave(self.source, self.since.map(|since| since.elapsed()));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // One that has come and was not taken gives its place back by itself.
        if self.turn.is_terminated() {
            return;
        }
        self.turn.close();
        let mut state = locked(&self.gate.state);
        state.given_up += 1;
        if state.given_up * 2 > state.queue.len() {
            state.forget_given_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fair::current;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use std::iter;
    use std::pin::Pin;

    const SERVER: Source = Source::SERVER;

    fn at(address: u8, connection: u64) -> Source {
        Source::client(Some([1, 1, 1, address].into()), Some(connection))
    }

    fn enter(gate: &Arc<Gate>, source: Source) -> Pin<Box<impl Future<Output = Result<Permit>>>> {
        let mut entering = Box::pin({
            let gate = gate.clone();
            async move { gate.enter(source).await }
        });
        assert!((&mut entering).now_or_never().is_none(), "it need not wait");
        entering
    }

    fn all(gate: &Arc<Gate>, source: Source) -> Vec<Permit> {
        iter::from_fn(|| gate.try_enter(source)).collect()
    }

    #[test]
    fn a_crowd_delays_another_by_one_place_only() {
        let gate = Gate::for_work(1, 1000);
        let first = gate.try_enter(current()).unwrap();
        let mut crowd: Vec<_> = (0..100).map(|_| enter(&gate, at(6, 1))).collect();
        let mut owner = enter(&gate, at(1, 2));
        drop(first);
        let place = crowd[0].as_mut().now_or_never().expect("the first has come first").unwrap();
        assert!((&mut owner).now_or_never().is_none());
        drop(place);
        assert!((&mut owner).now_or_never().is_some(), "the rest of the crowd goes first");
    }

    #[tokio::test]
    async fn a_place_is_not_lost_with_who_no_longer_wants_it() {
        for gate in [Gate::for_work(1, 1000), Gate::for_stays(1, usize::MAX)] {
            let first = gate.enter(SERVER).await.unwrap();
            let waiting: Vec<_> = (0..100).map(|_| enter(&gate, at(6, 1))).collect();
            let last = enter(&gate, at(6, 1));
            drop(first);
            // The first was given the place and has not looked yet.
            drop(waiting);
            last.await.unwrap();
            gate.enter(SERVER).await.unwrap();
        }
    }

    #[tokio::test]
    async fn whose_work_fills_the_queue_is_told_so() {
        let gate = Gate::for_work(1, 10);
        let first = gate.enter(SERVER).await.unwrap();
        let crowd: Vec<_> = (0..10).map(|_| enter(&gate, at(6, 1))).collect();
        let refused = gate.enter(at(6, 1)).now_or_never().expect("it waits");
        assert!(refused.is_err_and(|error| error.code() == 429));
        let owner = enter(&gate, at(1, 2));
        drop(first);
        let crowd = join_all(crowd.into_iter().map(async |entering| entering.await.map(drop)));
        // A place is given back at once: others wait for it.
        let (crowd, owner) = tokio::join!(crowd, async { owner.await.map(drop) });
        owner.unwrap();
        let codes: Vec<_> = crowd.iter().filter_map(|let_through| Some(let_through.as_ref().err()?.code())).collect();
        assert_eq!(codes, [429]);
    }

    #[test]
    fn nobody_takes_all_places_that_may_be_kept_for_long() {
        let gate = Gate::for_stays(100, usize::MAX);
        let one = all(&gate, at(6, 1));
        let (neighbour, elsewhere) = (all(&gate, at(6, 2)), all(&gate, at(1, 3)));
        let counts = [one.len(), neighbour.len(), elsewhere.len()];
        assert!(counts.iter().all(|count| *count > 5) && counts.iter().sum::<usize>() < 100, "{counts:?}");
        assert!(gate.try_enter(at(2, 4)).is_some());
    }

    #[test]
    fn who_has_a_share_waits_behind_himself_only() {
        let gate = Gate::for_stays(100, usize::MAX);
        let mut held = all(&gate, at(6, 1));
        let mut crowd: Vec<_> = (0..10).map(|_| enter(&gate, at(6, 1))).collect();
        assert!(gate.try_enter(at(1, 2)).is_some(), "it waits for others");
        held.truncate(held.len() - 3);
        let let_in: Vec<_> = crowd.iter_mut().filter_map(|entering| entering.now_or_never()).collect();
        assert_eq!(let_in.len(), 3, "as many as have left");
    }

    #[test]
    fn nothing_is_kept_of_those_who_have_given_up() {
        let gate = Gate::for_stays(1, usize::MAX);
        let _first = gate.try_enter(SERVER).unwrap();
        for connection in 0..1000 {
            drop(enter(&gate, at(6, connection)));
        }
        let _waiting = enter(&gate, at(6, 1));
        assert!(locked(&gate.state).queue.len() <= 2);
    }
}

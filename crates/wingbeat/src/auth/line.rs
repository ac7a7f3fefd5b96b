//! The line before the hashing of passwords, in which no address stands in the way of others.

use super::attempts::Place;
use crate::locked;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wingbeat_core::{Error, Result};

/// How many may wait; who comes then is sent away.
const LONGEST: usize = 1024;
/// How many of them may come from one place.
const OF_A_PLACE: usize = LONGEST / 4;

const TOO_MANY: &str = "Too many logins at once, try again later";

/// Who waits for a hash. Places take turns: each has at most as many of its own in front of the hashing as can be hashed
/// at once, so who comes from elsewhere waits for one round and not for everybody who came before.
pub(super) struct Line {
    at_once: Arc<Semaphore>,
    width: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    from: HashMap<Place, (usize, Arc<Semaphore>)>,
}

/// A place in the line, given back when this is dropped.
pub(super) struct Spot {
    line: Arc<Line>,
    place: Option<(Place, Arc<Semaphore>)>,
}

/// One's turn to hash.
pub(super) struct Turn {
    _all: OwnedSemaphorePermit,
    _of_place: Option<OwnedSemaphorePermit>,
}

impl Line {
    /// So many hash at once.
    pub(super) fn new(width: usize) -> Arc<Line> {
        Arc::new(Line { at_once: Arc::new(Semaphore::new(width)), width, waiting: Mutex::default() })
    }

    /// Joins the line; what the server does itself comes from no place.
    ///
    /// # Errors
    /// TooManyRequests if too many from this place wait, Unavailable if too many do.
    pub(super) fn enter(self: &Arc<Line>, place: Option<Place>) -> Result<Spot> {
        let mut waiting = locked(&self.waiting);
        let here = place.as_ref().and_then(|place| waiting.from.get(place)).map_or(0, |(count, _)| *count);
        if here >= OF_A_PLACE {
            return Err(Error::too_many_requests(TOO_MANY));
        }
        if waiting.all >= LONGEST {
            return Err(Error::unavailable(TOO_MANY));
        }
        waiting.all += 1;
        let place = place.map(|place| {
            let new = || (0, Arc::new(Semaphore::new(self.width)));
            let (count, turns) = waiting.from.entry(place.clone()).or_insert_with(new);
            *count += 1;
            (place, turns.clone())
        });
        Ok(Spot { line: self.clone(), place })
    }

    /// Everything that may be hashed at once, so that nothing can be.
    #[cfg(test)]
    pub(super) async fn occupy(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(self.width).expect("there are few processors");
        self.at_once.clone().acquire_many_owned(all).await.expect("it is never closed")
    }
}

impl Spot {
    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<Turn> {
        let of_place = match &self.place {
            Some((_, turns)) => Some(turns.clone().acquire_owned().await?),
            None => None,
        };
        Ok(Turn { _all: self.line.at_once.clone().acquire_owned().await?, _of_place: of_place })
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        let mut waiting = locked(&self.line.waiting);
        waiting.all -= 1;
        let Some((place, _)) = &self.place else { return };
        if let Some((count, _)) = waiting.from.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                waiting.from.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn at(address: &str) -> Option<Place> {
        Some(Place::address(address.parse().unwrap()))
    }

    #[tokio::test]
    async fn a_crowd_from_one_place_delays_another_by_one_round_only() {
        let line = Line::new(2);
        let running = line.occupy().await;
        let crowd: Vec<_> = (0..100).map(|_| line.enter(at("6.6.6.6")).unwrap()).collect();
        let mut crowd: Vec<_> = crowd.iter().map(|spot| Box::pin(spot.turn())).collect();
        assert!(crowd.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let owner = line.enter(at("1.2.3.4")).unwrap();
        let mut owner = Box::pin(owner.turn());
        assert!((&mut owner).now_or_never().is_none());
        drop(running);
        let first: Vec<_> = crowd.iter_mut().filter_map(|turn| turn.now_or_never()).collect();
        assert_eq!(first.len(), 2);
        assert!((&mut owner).now_or_never().is_none());
        drop(first);
        assert!((&mut owner).now_or_never().is_some(), "the rest of the crowd goes first");
    }

    #[test]
    fn a_place_can_not_fill_the_line() {
        let line = Line::new(1);
        let crowd: Vec<_> = std::iter::from_fn(|| line.enter(at("6.6.6.6")).ok()).collect();
        assert_eq!(crowd.len(), OF_A_PLACE);
        // Its own doing, not the server's: what is the server's fault is logged, each time.
        assert!(line.enter(at("6.6.6.6")).is_err_and(|error| error.code() == 429));
        let owner = line.enter(at("1.2.3.4")).unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| line.enter(None).ok()).collect();
        assert_eq!(crowd.len() + 1 + rest.len(), LONGEST);
        drop((crowd, owner, rest));
        let waiting = locked(&line.waiting);
        assert!(waiting.all == 0 && waiting.from.is_empty());
    }
}

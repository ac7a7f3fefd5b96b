//! What strangers can make happen as often as they like, and is logged all the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that is worth a line in the log, but no more than one a second: a log that strangers can fill is an attack
/// by itself.
///
/// ```
/// use wingbeat_core::LogThrottle;
///
/// static REFUSED: LogThrottle = LogThrottle::new();
///
/// if let Some(times) = REFUSED.happened() {
///     println!("a connection was refused, and so were {} before", times - 1);
/// }
/// assert_eq!(REFUSED.happened(), None, "within the same second");
/// ```
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    times: u64,
    /// What was told last, and how much was within this second.
    last: u64,
    lines: u32,
}

const AGAIN: Duration = Duration::from_secs(1);

/// As many different lines a second.
const DIFFERENT: u32 = 10;

impl LogThrottle {
    /// It has never happened.
    pub const fn new() -> LogThrottle {
        LogThrottle(Mutex::new(State { told: None, times: 0, last: 0, lines: 0 }))
    }

    /// It has happened. How often, since it was told last, if it is to be told now.
    pub fn happened(&self) -> Option<u64> {
        self.happened_at(Instant::now())
    }

    /// As [`happened`](LogThrottle::happened), for what may be this or that: something other than was told last is told as
    /// well, up to ten times a second.
    pub fn happened_as(&self, what: &impl Hash) -> Option<u64> {
        self.happened_as_at(what, Instant::now())
    }

    fn happened_at(&self, now: Instant) -> Option<u64> {
        self.happened_as_at(&(), now)
    }

    fn happened_as_at(&self, what: &impl Hash, now: Instant) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let what = hasher.finish();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.times += 1;
        let again = state.told.is_some_and(|told| now.duration_since(told) < AGAIN);
        if again && (state.last == what || state.lines == DIFFERENT) {
            return None;
        }
        if !again {
            state.told = Some(now);
            state.lines = 0;
        }
        state.last = what;
        state.lines += 1;
        Some(std::mem::take(&mut state.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_once_and_then_once_a_second_with_how_often() {
        let (throttle, start) = (LogThrottle::default(), Instant::now());
        assert_eq!(throttle.happened_at(start), Some(1));
        assert!((0..1000).all(|_| throttle.happened_at(start + AGAIN / 2).is_none()));
        let later = start + AGAIN;
        assert_eq!((throttle.happened_at(later), throttle.happened_at(later)), (Some(1001), None));
    }

    #[test]
    fn what_differs_is_told_as_well_but_no_flood_of_it() {
        let (throttle, now) = (LogThrottle::default(), Instant::now());
        assert_eq!(throttle.happened_as_at(&"full", now), Some(1));
        assert_eq!(throttle.happened_as_at(&"full", now), None);
        assert_eq!(throttle.happened_as_at(&"broken", now), Some(2));
        let told = (0..1000).filter(|number| throttle.happened_as_at(number, now).is_some()).count();
        assert_eq!(told, 8);
        assert_eq!(throttle.happened_as_at(&"full", now + AGAIN), Some(993));
    }
}

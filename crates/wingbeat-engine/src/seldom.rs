//! What strangers can make happen as often as they like, and is logged all the same.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Something that is worth a line in the log, but no more than one a second: a log that strangers can fill is an attack
/// by itself.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

const AGAIN: Duration = Duration::from_secs(1);

impl Seldom {
    /// It has happened. How often, since it was told last, if it is to be told now.
    pub(crate) fn happened(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, times) = &mut *state;
        *times += 1;
        if told.is_some_and(|told| told.elapsed() < AGAIN) {
            return None;
        }
        *told = Some(Instant::now());
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_told_at_once_and_then_once_a_second_with_how_often() {
        let seldom = Seldom::default();
        assert_eq!(seldom.happened(), Some(1));
        assert!((0..1000).all(|_| seldom.happened().is_none()));
        tokio::time::advance(AGAIN).await;
        assert_eq!((seldom.happened(), seldom.happened()), (Some(1001), None));
    }
}

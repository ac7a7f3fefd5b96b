//! Which calls will take long.

use super::shape::Shape;
use crate::fair::{Address, Source};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// So many pairs of a source and a shape are remembered: 8 KiB.
const PLACES: usize = 4096;

/// Of a counter, from here on the next one is expected to be long.
const LONG: u16 = 2;
const MOST: u16 = 3;

/// Remembers for each source how long its calls of each shape took, and for each address how long those took of which
/// nothing was known: what nothing is known of will be as these, so that new shapes all the time are not new.
///
/// These are the two-bit counters of branch prediction, in a table whose places are overwritten: what is forgotten is
/// found out again, at the cost of one beginning. Nothing is known from one source about another: the same question is
/// quick about one room and slow about the next, and a stranger must not make it slow for all.
// Relaxed: a prediction may be wrong.
pub(super) struct Predictor {
    /// Keyed, so that nobody can aim at the places of others.
    keys: RandomState,
    /// Each a part of the key in 14 bits, so that it is known whose it is, and a counter. 0 is free.
    places: Box<[AtomicU16]>,
}

/// Where something is remembered of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    own: u64,
    unknown: u64,
}

impl Default for Predictor {
    fn default() -> Predictor {
        Predictor { keys: RandomState::new(), places: (0..PLACES).map(|_| AtomicU16::new(0)).collect() }
    }
}

impl Predictor {
    pub(super) fn place(&self, source: Source, shape: Shape) -> Slots {
        let unknown: (Address, Option<Shape>) = (source.address, None);
        Slots { own: self.keys.hash_one((source, shape)), unknown: self.keys.hash_one(unknown) }
    }

    #[cfg(any(test, feature = "sqlite"))]
    pub(super) fn is_long(&self, place: Slots) -> bool {
        self.counter(place.own).or_else(|| self.counter(place.unknown)).is_some_and(|counter| counter >= LONG)
    }

    /// Whether it is known that a call will not.
    #[cfg(feature = "postgres")]
    pub(super) fn is_short(&self, place: Slots) -> bool {
        self.counter(place.own).is_some_and(|counter| counter < LONG)
    }

    /// A call was long, or was not.
    pub(super) fn learn(&self, place: Slots, is_long: bool) {
        if self.counter(place.own).is_none() {
            // It takes several to make whatever is new be expected to be long.
            self.count(place.unknown, 0, is_long);
        }
        self.count(place.own, LONG - 1, is_long);
    }

    fn counter(&self, key: u64) -> Option<u16> {
        let (place, tag) = self.at(key);
        let known = place.load(Relaxed);
        (known >> 2 == tag).then_some(known & MOST)
    }

    /// Counts on from what is known, or from `first`.
    fn count(&self, key: u64, first: u16, is_long: bool) {
        let counter = self.counter(key).unwrap_or(first);
        let counter = if is_long { (counter + 1).min(MOST) } else { counter.saturating_sub(1) };
        let (place, tag) = self.at(key);
        place.store(tag << 2 | counter, Relaxed);
    }

    fn at(&self, key: u64) -> (&AtomicU16, u16) {
        let tag = ((key >> 48) as u16 & 0x3fff).max(1);
        (&self.places[key as usize % PLACES], tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: u8, connection: u64) -> Source {
        Source::client(Some([1, 1, 1, address].into()), Some(connection))
    }

    fn shape(number: u64) -> Shape {
        Shape::new("table", number)
    }

    #[test]
    fn what_was_long_is_expected_to_be_long_of_the_same_source_and_shape() {
        let predictor = Predictor::default();
        let is_long = |source, number| predictor.is_long(predictor.place(source, shape(number)));
        assert!(!is_long(at(1, 1), 1));
        for (number, took_long) in [(1, true), (2, false), (2, false)] {
            predictor.learn(predictor.place(at(1, 1), shape(number)), took_long);
        }
        assert_eq!([1, 2].map(|number| is_long(at(1, 1), number)), [true, false]);
        assert!(!is_long(at(2, 1), 1), "others ask about other records");
        for _ in 0..2 {
            predictor.learn(predictor.place(at(1, 1), shape(1)), false);
        }
        assert!(!is_long(at(1, 1), 1), "it is so for ever");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn what_is_not_known_is_not_taken_for_short() {
        let predictor = Predictor::default();
        let place = predictor.place(at(1, 1), shape(1));
        assert!(!predictor.is_short(place));
        predictor.learn(place, false);
        assert!(predictor.is_short(place));
        for _ in 0..2 {
            predictor.learn(place, true);
        }
        assert!(!predictor.is_short(place));
    }

    #[test]
    fn one_long_call_among_short_ones_changes_nothing() {
        let predictor = Predictor::default();
        let place = predictor.place(at(1, 1), shape(1));
        for _ in 0..10 {
            predictor.learn(place, false);
        }
        predictor.learn(place, true);
        assert!(!predictor.is_long(place));
    }

    /// Places are few and keys are random: now and then something is overwritten, and found out again.
    fn usually(holds: impl Fn() -> bool) -> bool {
        (0..32).filter(|_| holds()).count() > 16
    }

    #[test]
    fn who_asks_something_new_each_time_is_known_by_that() {
        assert!(usually(|| {
            let predictor = Predictor::default();
            let new = |number: u64| predictor.place(at(6, number % 5), shape(number));
            let tried = (0..100).filter(|number| {
                let expected = predictor.is_long(new(*number));
                predictor.learn(new(*number), true);
                !expected
            });
            tried.count() <= 2
        }));
    }

    #[test]
    fn who_asks_as_others_do_again_is_known_by_that_too() {
        assert!(usually(|| {
            let predictor = Predictor::default();
            let quick = predictor.place(at(6, 1), shape(1000));
            predictor.learn(quick, false);
            let new = |number: u64| predictor.place(at(6, number % 5), shape(number));
            (0..5).for_each(|number| predictor.learn(new(number), true));
            let was_known = !predictor.is_long(quick) && predictor.is_long(new(200));
            (5..8).for_each(|number| predictor.learn(new(number), false));
            was_known && !predictor.is_long(new(200))
        }));
    }
}

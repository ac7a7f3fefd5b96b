//! How much one client may have done in a turn, and in a second.

use crate::config::Config;

/// How many calls one turn begins before others get theirs.
const CALLS: u32 = 64;
/// How many bytes of a client one turn looks at: control frames and acknowledgements do not count as calls, and cost time as well.
const BYTES: usize = 64 * 1024;

/// What a client may still have done.
pub(super) struct TurnBudget {
    calls: u32,
    bytes: usize,
    /// Calls that this turn began with.
    begun: u32,
    /// Events that the client may send now, and when that was reckoned, in milliseconds. Unused without a rate.
    events: u32,
    at: u64,
    /// What was earned of the next event, in thousandths.
    part: u32,
}

impl TurnBudget {
    pub(super) fn new(config: &Config) -> TurnBudget {
        TurnBudget { calls: 0, bytes: 0, begun: 0, events: config.events_per_second.unwrap_or(0), at: 0, part: 0 }
    }

    /// A turn begins.
    pub(super) fn begin(&mut self, config: &Config, now: impl FnOnce() -> u64) {
        self.bytes = BYTES;
        self.calls = match config.events_per_second {
            None => CALLS,
            Some(rate) => {
                let now = now();
                self.events -= self.begun - self.calls;
                // No more than a second's, which is all that may be done at once.
                let earned = now.saturating_sub(self.at).min(1000) * u64::from(rate) + u64::from(self.part);
                self.events = rate.min(self.events.saturating_add((earned / 1000) as u32));
                (self.at, self.part) = (now, (earned % 1000) as u32);
                CALLS.min(self.events)
            }
        };
        self.begun = self.calls;
    }

    /// A call begins.
    pub(super) fn call(&mut self) {
        self.calls = self.calls.saturating_sub(1);
    }

    /// Bytes were looked at.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Whether further calls may begin.
    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// Whether this turn has done enough. Then another has to follow, whatever is left: this one may have ended before a
    /// read that found nothing, and only such a read wakes the task when more comes.
    pub(super) fn spent(&self) -> bool {
        self.calls == 0 || self.bytes == 0
    }

    /// How long the client has to wait before it may send another event, in milliseconds, if it has none left.
    pub(super) fn wait(&self, config: &Config) -> Option<u64> {
        let rate = config.events_per_second.filter(|_| self.calls == 0 && self.events <= self.begun)?;
        Some(1000 / u64::from(rate) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_every_turn_has_its_calls() {
        let config = Config::default();
        let mut budget = TurnBudget::new(&config);
        for _ in 0..3 {
            budget.begin(&config, || unreachable!());
            (0..CALLS).for_each(|_| budget.call());
            assert!(budget.spent() && budget.wait(&config).is_none());
        }
    }

    #[test]
    fn a_rate_gives_a_second_at_once_and_then_its_pace() {
        let config = Config::default().max_events_per_second(100);
        let mut budget = TurnBudget::new(&config);
        let mut at = |now: u64| {
            let mut done = 0;
            loop {
                budget.begin(&config, || now);
                while budget.has_calls() {
                    budget.call();
                    done += 1;
                }
                if budget.wait(&config).is_some() {
                    return done;
                }
            }
        };
        assert_eq!((at(5), at(5), at(1005), at(1055), at(1056), at(60_000)), (100, 0, 100, 5, 0, 100));
    }

    #[test]
    fn a_rate_is_kept_however_often_it_is_looked_at() {
        let config = Config::default().max_events_per_second(600);
        let mut budget = TurnBudget::new(&config);
        let mut done = 0;
        for now in (0..10_000).step_by(2) {
            budget.begin(&config, || now);
            while budget.has_calls() {
                budget.call();
                done += 1;
            }
        }
        // A second's at once, and ten seconds' after that.
        assert!((6597..=6600).contains(&done), "{done}");
    }

    #[test]
    fn many_bytes_are_enough_for_a_turn() {
        let config = Config::default();
        let mut budget = TurnBudget::new(&config);
        budget.begin(&config, || 0);
        budget.count(BYTES - 1);
        assert!(!budget.spent());
        budget.count(BYTES);
        assert!(budget.spent() && budget.has_calls());
    }
}

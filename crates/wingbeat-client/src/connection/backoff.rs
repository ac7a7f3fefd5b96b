//! How long to wait before the next attempt.

use crate::error::{Error, Result};
use std::time::Duration;

/// When to try again, with the defaults and the arithmetic of socket.io-client.
#[derive(Clone, Copy, Debug)]
pub struct Reconnection {
    pub(crate) delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) randomness: f64,
    pub(crate) attempts: u32,
    pub(crate) after_server_disconnect: bool,
}

impl Default for Reconnection {
    /// After one second at first, then twice as long each time up to five, give or take a half. Without end, but not after the server's DISCONNECT.
    fn default() -> Reconnection {
        Reconnection {
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            randomness: 0.5,
            attempts: u32::MAX,
            after_server_disconnect: false,
        }
    }
}

impl Reconnection {
    /// No attempt after the first: calls fail once the connection is gone.
    pub fn never() -> Reconnection {
        Reconnection::default().attempts(0)
    }

    /// The delay before the first attempt; it doubles with each.
    pub fn delay(mut self, delay: Duration) -> Reconnection {
        self.delay = delay;
        self
    }

    /// The longest delay.
    pub fn max_delay(mut self, max: Duration) -> Reconnection {
        self.max_delay = max;
        self
    }

    /// How far chance moves a delay, from 0 (not at all) to 1 (between nothing and twice). With another factor no client
    /// is built.
    ///
    /// Without it, thousands of clients come back at the same moment.
    pub fn randomness(mut self, factor: f64) -> Reconnection {
        self.randomness = factor;
        self
    }

    /// How many attempts in a row may fail before the client gives up.
    pub fn attempts(mut self, attempts: u32) -> Reconnection {
        self.attempts = attempts;
        self
    }

    /// Whether to come back after the server has sent DISCONNECT, as it does when a login expires.
    pub fn after_server_disconnect(mut self, yes: bool) -> Reconnection {
        self.after_server_disconnect = yes;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self.randomness {
            0.0..=1.0 => Ok(()),
            factor => {
                let text = format!("Reconnection::randomness: {factor} is not between 0 and 1; write 0.5, for example");
                Err(Error::invalid(text))
            }
        }
    }

    /// The delay before attempt number `attempt` (from 0); `chance` is between 0 and 1.
    pub(crate) fn before(&self, attempt: u32, chance: f64) -> Duration {
        let max = self.max_delay.as_secs_f64();
        let exact = self.delay.as_secs_f64() * 2f64.powi(attempt.min(62) as i32);
        let moved = exact.min(1e9) * (1.0 + (chance.clamp(0.0, 1.0) * 2.0 - 1.0) * self.randomness);
        Duration::try_from_secs_f64(moved.min(max).max(0.0)).unwrap_or(self.max_delay)
    }
}

/// A number between 0 and 1. Without randomness of the system it is one half.
pub(crate) fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let reconnection = Reconnection::default();
        let delays = [0, 1, 2, 3, 1000].map(|attempt| reconnection.before(attempt, 0.5).as_millis());
        assert_eq!(delays, [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn chance_moves_a_delay_by_its_half() {
        let before = |chance| Reconnection::default().before(0, chance).as_millis();
        assert_eq!((before(0.0), before(1.0)), (500, 1500));
    }

    #[test]
    fn odd_settings_make_no_odd_delay() {
        let odd = Reconnection::default().delay(Duration::MAX).max_delay(Duration::MAX).randomness(f64::NAN);
        assert!(odd.before(u32::MAX, 1.0) > Duration::ZERO);
    }
}

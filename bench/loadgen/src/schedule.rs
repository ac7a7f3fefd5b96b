//! When calls are due that come at a rate, independently of each other.

use std::time::{Duration, Instant};

/// A Poisson process: the gaps are exponentially distributed. The same seed each time, so that all servers get the
/// same calls.
pub struct Schedule {
    pub next: Instant,
    mean: f64,
    random: u64,
}

impl Schedule {
    pub fn new(rate: f64, begin: Instant) -> Schedule {
        Schedule { next: begin, mean: 1.0 / rate, random: 0x9e37_79b9_7f4a_7c15 }
    }

    pub fn advance(&mut self) {
        // xorshift64: good enough for gaps.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let uniform = (self.random >> 11) as f64 / (1u64 << 53) as f64;
        self.next += Duration::from_secs_f64(-self.mean * (1.0 - uniform).ln());
    }

    /// How long epoll may sleep: it counts in milliseconds, so it only looks when the next call is near.
    pub fn wait(&self) -> Duration {
        let gap = self.next.saturating_duration_since(Instant::now());
        if gap > Duration::from_millis(2) { gap - Duration::from_millis(1) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_have_the_mean_of_the_rate() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(1000.0, begin);
        (0..100_000).for_each(|_| schedule.advance());
        let seconds = (schedule.next - begin).as_secs_f64();
        assert!((99.0..101.0).contains(&seconds), "{seconds} s");
    }
}

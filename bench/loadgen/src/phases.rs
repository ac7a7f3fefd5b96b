//! The course of a measurement: warm-up, all settled, measurement, all settled.

use crate::args::Args;
use crate::proc::{Span, Used};
use std::io::Result;
use std::time::{Duration, Instant};

/// How long the last answers and deliveries may take.
pub const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Warm,
    /// Warm-up is over: nothing more is sent until all has arrived.
    Settle,
    Measure,
    Drain,
}

pub struct Phases {
    phase: Phase,
    since: Instant,
    warmup: Duration,
    measure: Duration,
    /// A fixed number of operations instead of a time, and no warm-up: for counting instructions. 0 for none.
    pub ops: u64,
    pid: u32,
    /// A database server beside the server.
    database: Option<u32>,
    span: Option<Span>,
}

/// What a step has brought.
pub enum Step {
    Same,
    /// The measurement begins.
    Begins,
    Over(Used),
    /// Something is missing that should have arrived long ago.
    Late,
}

impl Phases {
    pub fn new(args: &Args) -> Phases {
        let ops = args.number("ops", 0);
        Phases {
            phase: if ops > 0 { Phase::Settle } else { Phase::Warm },
            since: Instant::now(),
            warmup: args.seconds("warmup", 1.0),
            measure: args.seconds("secs", 5.0),
            ops,
            pid: args.pid(),
            database: Some(args.number("database", 0)).filter(|pid| *pid > 0),
            span: None,
        }
    }

    /// Whether operations may be begun.
    pub fn sending(&self) -> bool {
        matches!(self.phase, Phase::Warm | Phase::Measure)
    }

    /// Whether what arrives counts.
    pub fn counting(&self) -> bool {
        matches!(self.phase, Phase::Measure | Phase::Drain)
    }

    /// Goes on, if it is time. `settled`: everything begun has arrived; `begun`: how many operations have begun while
    /// counting.
    pub fn step(&mut self, settled: bool, begun: u64) -> Result<Step> {
        let elapsed = self.since.elapsed();
        let enough = if self.ops > 0 { begun >= self.ops } else { elapsed >= self.measure };
        let next = match self.phase {
            Phase::Warm if elapsed >= self.warmup => Phase::Settle,
            Phase::Settle if settled => {
                self.span = Some(Span::beside(self.pid, self.database)?);
                Phase::Measure
            }
            Phase::Measure if enough => Phase::Drain,
            Phase::Drain if settled => {
                let span = self.span.as_ref().expect("it was set when the measurement began");
                return Ok(Step::Over(span.end()?));
            }
            // What runs under valgrind takes as long as it takes.
            Phase::Settle | Phase::Drain if elapsed > PATIENCE && self.ops == 0 => return Ok(Step::Late),
            _ => return Ok(Step::Same),
        };
        (self.phase, self.since) = (next, Instant::now());
        Ok(if next == Phase::Measure { Step::Begins } else { Step::Same })
    }
}

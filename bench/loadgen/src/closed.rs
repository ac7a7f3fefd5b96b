//! A closed loop: N connections, each with K calls in flight.

use crate::conn::Conn;
use crate::frame::ack;
use crate::phases::{Phases, Step};
use crate::proc::Used;
use crate::report::Latencies;
use mio::{Events, Poll};
use std::io::{Error, Result};
use std::time::{Duration, Instant};

/// What is asked, and what may be answered.
pub trait Calls {
    /// Appends the frame of the call `id` of a connection.
    fn send(&mut self, caller: usize, id: u64, out: &mut Vec<u8>);

    /// Whether an answer is right.
    fn accept(&mut self, caller: usize, id: u64, body: &[u8]) -> bool;

    /// Counts what is wrong.
    fn bad(&mut self, message: &[u8]);

    /// Takes what is no answer; whether it may come.
    fn hear(&mut self, _caller: usize, _message: &[u8]) -> bool {
        false
    }

    /// Whether all has been heard that is to be.
    fn all_heard(&self) -> bool {
        true
    }
}

/// Runs until the phases are over: how long calls took, and what they cost.
pub fn run(
    phases: &mut Phases,
    poll: &mut Poll,
    sockets: &mut [Conn],
    inflight: usize,
    calls: &mut impl Calls,
) -> Result<(Latencies, Used)> {
    let mut load = Load { calls, inflight, begun: 0, waiting: 0, callers: vec![Caller::new(inflight); sockets.len()] };
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    let mut latencies = Latencies::new()?;
    load.fill(phases, sockets)?;
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let (now, i) = (Instant::now(), event.token().0);
            sockets[i].read(&mut scratch, |message, out| {
                let Some((slot, sent_at)) = load.take(i, message) else { return };
                if phases.counting() {
                    latencies.record(now.duration_since(sent_at));
                }
                load.begin(phases, i, slot, now, out);
            })?;
            sockets[i].flush()?;
        }
        match phases.step(load.waiting == 0 && load.calls.all_heard(), load.begun)? {
            Step::Same => {}
            Step::Begins => load.fill(phases, sockets)?,
            Step::Over(used) => return Ok((latencies, used)),
            Step::Late => {
                return Err(Error::other(format!("{} answers are missing, or what was published", load.waiting)));
            }
        }
    }
}

struct Load<'a, C> {
    calls: &'a mut C,
    inflight: usize,
    /// How many calls have begun while counting.
    begun: u64,
    waiting: usize,
    callers: Vec<Caller>,
}

#[derive(Clone)]
struct Caller {
    /// Call `id` holds slot `id % inflight`; its answer reuses the slot with `id + inflight`, so that ids never repeat
    /// and answers may come in any order.
    slots: Vec<Slot>,
}

#[derive(Clone)]
struct Slot {
    next: u64,
    /// When the call left that waits for its answer.
    sent_at: Option<Instant>,
}

impl Caller {
    fn new(inflight: usize) -> Caller {
        Caller { slots: (0..inflight as u64).map(|next| Slot { next, sent_at: None }).collect() }
    }
}

impl<C: Calls> Load<'_, C> {
    /// Begins a call in every slot that has none.
    fn fill(&mut self, phases: &Phases, sockets: &mut [Conn]) -> Result<()> {
        let now = Instant::now();
        for (i, socket) in sockets.iter_mut().enumerate() {
            for slot in 0..self.inflight {
                self.begin(phases, i, slot, now, &mut socket.out);
            }
            socket.flush()?;
        }
        Ok(())
    }

    fn begin(&mut self, phases: &Phases, caller: usize, slot: usize, now: Instant, out: &mut Vec<u8>) {
        if !phases.sending() || (phases.ops > 0 && self.begun >= phases.ops) {
            return;
        }
        let slot = &mut self.callers[caller].slots[slot];
        slot.sent_at = Some(now);
        self.calls.send(caller, slot.next, out);
        self.waiting += 1;
        self.begun += u64::from(phases.counting());
    }

    /// Takes an answer: the slot that is free again, and when its call left.
    fn take(&mut self, caller: usize, message: &[u8]) -> Option<(usize, Instant)> {
        let Some((id, body)) = ack(message) else {
            if !self.calls.hear(caller, message) {
                self.calls.bad(message);
            }
            return None;
        };
        let index = id as usize % self.inflight;
        let slot = &mut self.callers[caller].slots[index];
        let Some(sent_at) = slot.sent_at.take_if(|_| slot.next == id) else {
            self.calls.bad(message);
            return None;
        };
        slot.next += self.inflight as u64;
        self.waiting -= 1;
        if !self.calls.accept(caller, id, body) {
            self.calls.bad(message);
        }
        Some((index, sent_at))
    }
}

//! `paced`: calls at a fixed rate, whatever their answers do, so that a server that stalls is
//! charged for every call that should have been made meanwhile (no coordinated omission).

use crate::args::Args;
use crate::calls::Calls;
use crate::conn::Conn;
use crate::frame::ack;
use crate::handshake::Server;
use crate::phases::{Phases, Step};
use crate::report::{Latencies, Report};
use crate::schedule::Schedule;
use mio::{Events, Poll};
use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::{Duration, Instant};

/// Calls in flight on each connection while the capacity is found out.
const FULL: usize = 16;

pub const OPTIONS: [&str; 6] = ["tls", "warmup", "secs", "conns", "method", "rate"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 50);
    let mut poll = Poll::new()?;
    let mut sockets = Conn::open(&Server::new(args)?, conns, &mut poll, |_| String::new())?;
    let mut callers = Callers::new(Calls::new(&args.text("method", "get"), "quiet", 0), conns);
    let mut scratch = vec![0; 64 * 1024];
    let rate = match args.number("rate", 0.0) {
        0.0 => callers.capacity(&mut poll, &mut sockets, &mut scratch, args.seconds("warmup", 1.0))? / 2.0,
        rate => rate,
    };

    let mut phases = Phases::new(args);
    let mut schedule = Schedule::new(rate, Instant::now());
    let mut events = Events::with_capacity(256);
    let (mut latencies, mut lateness) = (Latencies::new()?, Latencies::new()?);
    let mut turn = 0;
    let used = loop {
        let now = Instant::now();
        let first = turn;
        while phases.sending() && schedule.next <= now {
            lateness.record(now - schedule.next);
            callers.send(turn % conns, schedule.next, &mut sockets[turn % conns].out);
            schedule.advance();
            turn += 1;
        }
        for i in first..turn.min(first + conns) {
            sockets[i % conns].flush()?;
        }
        poll.poll(&mut events, Some(if phases.sending() { schedule.wait() } else { Duration::from_millis(50) }))?;
        for event in &events {
            let i = event.token().0;
            let at = Instant::now();
            sockets[i].read(&mut scratch, |message, _| {
                if let Some(due) = callers.take(i, message).filter(|_| phases.counting()) {
                    latencies.record(at.saturating_duration_since(due));
                }
            })?;
            sockets[i].flush()?;
        }
        match phases.step(callers.waiting == 0, 0)? {
            Step::Same => {}
            Step::Begins => {
                schedule = Schedule::new(rate, Instant::now());
                lateness = Latencies::new()?;
            }
            Step::Over(used) => break used,
            Step::Late => return Err(Error::other(format!("{} answers are missing", callers.waiting))),
        }
    };

    let done = latencies.count();
    Report::new("paced")
        .with("conns", conns)
        .figure("rate", rate)
        .with("calls", done)
        .with("bad", callers.calls.bad)
        .latencies(&latencies)
        .figure("client_late_p99_us", lateness.us(0.99))
        .cost(&used, done)
        .print();
    if callers.calls.bad > 0 || done == 0 {
        return Err(Error::other(format!("{} of {done} answers were wrong", callers.calls.bad)));
    }
    Ok(())
}

/// Connections, and when each call that waits for its answer was due.
pub struct Callers {
    pub calls: Calls,
    pub waiting: usize,
    callers: Vec<Caller>,
}

#[derive(Clone, Default)]
struct Caller {
    /// The id of the first of `due`.
    first: u64,
    due: VecDeque<Option<Instant>>,
}

impl Callers {
    pub fn new(calls: Calls, conns: usize) -> Callers {
        Callers { calls, waiting: 0, callers: vec![Caller::default(); conns] }
    }

    pub fn send(&mut self, i: usize, due: Instant, out: &mut Vec<u8>) {
        let caller = &mut self.callers[i];
        self.calls.send(caller.first + caller.due.len() as u64, out);
        caller.due.push_back(Some(due));
        self.waiting += 1;
    }

    /// When the call was due whose answer this is.
    pub fn take(&mut self, i: usize, message: &[u8]) -> Option<Instant> {
        let caller = &mut self.callers[i];
        let answer = ack(message).filter(|(id, _)| *id >= caller.first);
        let place = answer.and_then(|(id, _)| caller.due.get_mut((id - caller.first) as usize));
        let Some(due) = place.and_then(Option::take) else {
            self.calls.bad(message);
            return None;
        };
        while caller.due.front().is_some_and(Option::is_none) {
            caller.due.pop_front();
            caller.first += 1;
        }
        self.waiting -= 1;
        if !answer.is_some_and(|(_, body)| self.calls.accept(body)) {
            self.calls.bad(message);
        }
        Some(due)
    }

    /// Answers per second when there are always calls in flight, measured over the second half of `time`.
    fn capacity(&mut self, poll: &mut Poll, sockets: &mut [Conn], scratch: &mut [u8], time: Duration) -> Result<f64> {
        let mut events = Events::with_capacity(256);
        let begin = Instant::now();
        for (i, socket) in sockets.iter_mut().enumerate() {
            (0..FULL).for_each(|_| self.send(i, begin, &mut socket.out));
            socket.flush()?;
        }
        let mut answers: u64 = 0;
        let mut since = None;
        let mut rate = None;
        while self.waiting > 0 {
            if begin.elapsed() > time * 10 + Duration::from_secs(10) {
                return Err(Error::other(format!("{} answers are missing", self.waiting)));
            }
            poll.poll(&mut events, Some(Duration::from_millis(50)))?;
            for event in &events {
                let i = event.token().0;
                sockets[i].read(scratch, |message, out| {
                    if self.take(i, message).is_some() && rate.is_none() {
                        answers += 1;
                        self.send(i, begin, out);
                    }
                })?;
                sockets[i].flush()?;
            }
            match since {
                None if begin.elapsed() >= time / 2 => since = Some((Instant::now(), answers)),
                Some((at, before)) if rate.is_none() && begin.elapsed() >= time => {
                    rate = Some((answers - before) as f64 / at.elapsed().as_secs_f64());
                }
                _ => {}
            }
        }
        rate.filter(|rate| *rate > 0.0).ok_or_else(|| Error::other("nothing was answered"))
    }
}

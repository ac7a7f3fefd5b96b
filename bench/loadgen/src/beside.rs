//! `beside`: calls at a fixed rate, first with nothing beside them, then while creates go to N connections. By how much
//! does that raise the calls' p99? With `--direct yes` the calls are creates that one of the N hears, and it is when
//! that one hears them that counts.

use crate::args::Args;
use crate::calls::Calls;
use crate::conn::Conn;
use crate::creates::Creates;
use crate::direct::Directs;
use crate::handshake::Server;
use crate::paced::Callers;
use crate::phases::PATIENCE;
use crate::proc::Span;
use crate::report::{Latencies, Report};
use crate::schedule::Schedule;
use mio::{Events, Poll};
use std::io::{Error, Result};
use std::time::{Duration, Instant};

const CALLERS: usize = 50;

pub const OPTIONS: [&str; 7] = ["tls", "warmup", "secs", "conns", "rate", "publish", "direct"];

pub fn run(args: &Args) -> Result<()> {
    let listeners: usize = args.number("conns", 15_000);
    let (rate, publish) = (args.number("rate", 2000.0), args.number("publish", 3.0));
    let (warmup, measure) = (args.seconds("warmup", 1.0), args.seconds("secs", 5.0));
    let mut beside = Beside::open(&Server::new(args)?, listeners, args.flag("direct"))?;

    beside.run(rate, 0.0, warmup, &mut Latencies::new()?)?;
    let mut quiet = Latencies::new()?;
    beside.run(rate, 0.0, measure, &mut quiet)?;
    beside.run(rate, publish, warmup, &mut Latencies::new()?)?;
    let mut busy = Latencies::new()?;
    let span = Span::start(args.pid())?;
    let before = beside.creates.sent;
    beside.run(rate, publish, measure, &mut busy)?;
    let used = span.end()?;
    let creates = beside.creates.sent - before;

    let bad = beside.creates.bad + beside.callers.calls.bad + beside.directs.as_ref().map_or(0, |directs| directs.bad);
    Report::new("beside")
        .with("conns", listeners)
        .figure("rate", rate)
        .with("creates", creates)
        .with("calls", busy.count())
        .with("bad", bad)
        .latencies(&busy)
        .figure("quiet_p50_us", quiet.us(0.5))
        .figure("quiet_p99_us", quiet.us(0.99))
        .figure("p99_rise_ms", (busy.us(0.99) - quiet.us(0.99)) / 1000.0)
        .figure("p999_rise_ms", (busy.us(0.999) - quiet.us(0.999)) / 1000.0)
        .cost(&used, busy.count())
        .print();
    if bad > 0 || busy.count() == 0 || creates == 0 {
        return Err(Error::other(format!("{bad} messages were wrong, {creates} creates were delivered")));
    }
    Ok(())
}

/// Listeners, callers, and last the one who creates. The callers are looked at between every few listeners, so that
/// what this program does for those is not taken for the server's doing.
struct Beside {
    listening: Poll,
    calling: Poll,
    conns: Vec<Conn>,
    listeners: usize,
    creates: Creates,
    callers: Callers,
    directs: Option<Directs>,
}

impl Beside {
    fn open(server: &Server, listeners: usize, direct: bool) -> Result<Beside> {
        let (mut listening, calling) = (Poll::new()?, Poll::new()?);
        let all = listeners + CALLERS + 1;
        let headers = |i| if direct && i == 0 { "X-Room: yes\r\n".to_owned() } else { String::new() };
        let mut conns = Conn::open(server, listeners, &mut listening, headers)?;
        for i in listeners..all {
            conns.push(Conn::connect(server, "", i, &calling)?);
        }
        let callers = Callers::new(Calls::new("get", "quiet", 0), CALLERS);
        let creates = Creates::new(all, &"x".repeat(32))?;
        let directs = direct.then(Directs::default);
        Ok(Beside { listening, calling, conns, listeners, creates, callers, directs })
    }

    /// Calls, and creates if `publish` is above 0, both per second; ends when all has arrived.
    fn run(&mut self, rate: f64, publish: f64, time: Duration, latencies: &mut Latencies) -> Result<()> {
        let begin = Instant::now();
        let mut scratch = vec![0; 64 * 1024];
        let (mut few, mut many) = (Events::with_capacity(64), Events::with_capacity(16));
        let mut schedule = Schedule::new(rate, begin);
        let mut next_create = begin;
        let mut turn = 0;
        loop {
            let now = Instant::now();
            let sending = now - begin < time;
            while sending && schedule.next <= now {
                let socket = &mut self.conns[self.listeners + turn % CALLERS];
                match &mut self.directs {
                    Some(directs) => directs.send(schedule.next, &mut socket.out),
                    None => self.callers.send(turn % CALLERS, schedule.next, &mut socket.out),
                }
                socket.flush()?;
                schedule.advance();
                turn += 1;
            }
            if sending && publish > 0.0 && next_create <= now {
                let sender = self.conns.last_mut().expect("it was opened");
                self.creates.send(next_create, &mut sender.out);
                sender.flush()?;
                next_create += Duration::from_secs_f64(1.0 / publish);
            }
            // Never asleep: a wake-up would be counted as the server's delay.
            self.calling.poll(&mut few, Some(Duration::ZERO))?;
            self.take(&few, &mut scratch, latencies)?;
            self.listening.poll(&mut many, Some(Duration::ZERO))?;
            self.take(&many, &mut scratch, latencies)?;
            self.creates.finish();
            if !sending && self.creates.all_done() && self.waiting() == 0 {
                return Ok(());
            }
            if now - begin > time + PATIENCE {
                return Err(self.creates.missing());
            }
        }
    }

    fn waiting(&self) -> usize {
        self.callers.waiting + self.directs.as_ref().map_or(0, Directs::waiting)
    }

    fn take(&mut self, events: &Events, scratch: &mut [u8], latencies: &mut Latencies) -> Result<()> {
        for event in events {
            let (i, at) = (event.token().0, Instant::now());
            let caller = i.checked_sub(self.listeners).filter(|caller| *caller < CALLERS);
            self.conns[i].read(scratch, |message, _| {
                let due = match (&mut self.directs, caller) {
                    (Some(directs), _) if Directs::is_one(message) => directs.hear(message),
                    (Some(directs), Some(_)) if message.starts_with(b"43") => {
                        directs.answer(message);
                        None
                    }
                    (None, Some(caller)) if message.starts_with(b"43") => self.callers.take(caller, message),
                    _ => {
                        self.creates.hear(i, message, at, false);
                        None
                    }
                };
                if let Some(due) = due {
                    latencies.record(at.saturating_duration_since(due));
                }
            })?;
            self.conns[i].flush()?;
        }
        Ok(())
    }
}

//! `stalled`: creates at a fixed rate go to N connections that read, first alone, then together with some that never read
//! again. By how much does that raise the p99 of those who do?

use crate::args::{Args, usage};
use crate::conn::Conn;
use crate::creates::Creates;
use crate::handshake::Server;
use crate::phases::PATIENCE;
use crate::proc::{Span, peak_rss_kib, rss_kib};
use crate::report::{Latencies, Report};
use crate::schedule::Schedule;
use mio::{Events, Poll};
use std::io::{Error, Result};
use std::time::{Duration, Instant};

/// How much those who do not read are sent each, in bytes, before the server must have closed them: more than the sockets
/// hold of it (4 MiB the sender's, 6 the receiver's, unless the machine is set otherwise) and 4 MiB of an outbox, or the
/// 8 MiB that Wingbeat, started with that limit, lets wait for all of them together.
const ENOUGH: f64 = 16.0 * 1024.0 * 1024.0;

pub const OPTIONS: [&str; 7] = ["tls", "warmup", "secs", "conns", "stalled", "rate", "pad"];

pub fn run(args: &Args) -> Result<()> {
    let (listeners, stalled) = (args.number("conns", 100), args.number("stalled", 50));
    let (rate, pad) = (args.number("rate", 100.0), "x".repeat(args.number("pad", 32_768)));
    let (warmup, measure) = (args.seconds("warmup", 1.0), args.seconds("secs", 8.0));
    let (server, pid) = (Server::new(args)?, args.pid());
    let sent = rate * pad.len() as f64 * measure.as_secs_f64();
    if sent < ENOUGH {
        let mib = sent / 1024.0 / 1024.0;
        usage(&format!("stalled: {mib:.1} MiB by --rate, --pad and --secs: below 16 nobody has to be closed"));
    }
    let mut poll = Poll::new()?;
    let conns = Conn::open(&server, listeners + 1, &mut poll, |_| String::new())?;
    let mut listening = Listening { poll, conns, creates: Creates::new(listeners + 1, &pad)? };

    listening.run(rate, warmup)?;
    let quiet = listening.run(rate, measure)?;
    let rss_before = rss_kib(pid)?;
    // They are connected, hear the first event like all others, and nobody ever looks at them.
    let mut deaf = Conn::open(&server, stalled, &mut Poll::new()?, |_| String::new())?;
    let span = Span::start(pid)?;
    let beside = listening.run(rate, measure)?;
    let used = span.end()?;
    let closed = deaf.iter_mut().map(is_closed).filter(|closed| *closed).count();

    let bad = listening.creates.bad;
    Report::new("stalled")
        .with("conns", listeners)
        .with("stalled", stalled)
        .with("closed", closed)
        .figure("rate", rate)
        .with("deliveries", beside.count())
        .with("bad", bad)
        .latencies(&beside)
        .figure("quiet_p50_us", quiet.us(0.5))
        .figure("quiet_p99_us", quiet.us(0.99))
        .figure("p99_rise_ms", (beside.us(0.99) - quiet.us(0.99)) / 1000.0)
        .figure("peak_rise_mib", peak_rss_kib(pid)?.saturating_sub(rss_before) as f64 / 1024.0)
        .cost(&used, beside.count())
        .print();
    if bad > 0 || beside.count() == 0 {
        return Err(Error::other(format!("{bad} messages were wrong, {} right", beside.count())));
    }
    if closed < stalled {
        let open = stalled - closed;
        return Err(Error::other(format!("{open} of {stalled} that do not read were not closed")));
    }
    Ok(())
}

/// Whether the server has closed a connection: its end comes behind all that nobody has read.
fn is_closed(conn: &mut Conn) -> bool {
    let mut scratch = vec![0; 64 * 1024];
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        if conn.read(&mut scratch, |_, _| {}).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Those who read, and last the one who creates and reads as well.
struct Listening {
    poll: Poll,
    conns: Vec<Conn>,
    creates: Creates,
}

impl Listening {
    /// Creates at a rate, whatever becomes of them; ends when all has arrived. How long the deliveries took.
    fn run(&mut self, rate: f64, time: Duration) -> Result<Latencies> {
        let mut events = Events::with_capacity(4096);
        let mut scratch = vec![0; 64 * 1024];
        let begin = Instant::now();
        let mut schedule = Schedule::new(rate, begin);
        self.creates.latencies = Latencies::new()?;
        loop {
            let sending = begin.elapsed() < time;
            while sending && schedule.next <= Instant::now() {
                let sender = self.conns.last_mut().expect("it was opened");
                self.creates.send(schedule.next, &mut sender.out);
                sender.flush()?;
                schedule.advance();
            }
            self.poll.poll(&mut events, Some(if sending { schedule.wait() } else { Duration::from_millis(50) }))?;
            for event in &events {
                let (i, at) = (event.token().0, Instant::now());
                self.conns[i].read(&mut scratch, |message, _| self.creates.hear(i, message, at, true))?;
                self.conns[i].flush()?;
            }
            self.creates.finish();
            if !sending && self.creates.all_done() {
                return Ok(std::mem::replace(&mut self.creates.latencies, Latencies::new()?));
            }
            if begin.elapsed() > time + PATIENCE {
                return Err(self.creates.missing());
            }
        }
    }
}

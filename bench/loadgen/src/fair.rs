//! `fair`: some clients call at a fixed rate, each of them seldom, first alone, then beside others that call without end;
//! all at addresses of their own, or the others at one (`--together yes`). How many times as long is the p99 of the former then?

use crate::args::{Args, usage};
use crate::calls::Calls;
use crate::conn::Conn;
use crate::handshake::Server;
use crate::paced::Callers;
use crate::phases::PATIENCE;
use crate::proc::Span;
use crate::report::{Latencies, Report};
use crate::schedule::Schedule;
use mio::{Events, Poll};
use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// Those whose calls are measured. They take turns, so that each asks for less than its share.
const CLIENTS: usize = 50;
/// Calls in flight on each connection of those who call without end; of finds that sort a whole table.
const FLOOD: u64 = 64;
const FINDS: u64 = 16;
/// How many hear what they publish, besides them.
const LISTENERS: usize = 100;

pub const OPTIONS: [&str; 7] = ["tls", "warmup", "secs", "kind", "attackers", "together", "rate"];

pub fn run(args: &Args) -> Result<()> {
    let (kind, attackers) = (args.text("kind", "calls"), args.number("attackers", 4));
    // What the flood calls, who hears it, and what the clients do meanwhile.
    let (flood, listeners, own, methods): (_, _, _, &[&str]) = match kind.as_str() {
        "calls" => (("create", "quiet", FLOOD), 0, "quiet", &["create"]),
        "publications" => (("create", "messages", FLOOD), LISTENERS, "quiet", &["create"]),
        "hashes" => (("create", "hashes", FLOOD), 0, "hashes", &["create"]),
        "finds" => (("find", "records", FINDS), 0, "records", &["create", "get"]),
        other => usage(&format!("no kind {other}: calls, publications, hashes or finds")),
    };
    let together = args.flag("together");
    let rate = args.number("rate", 100.0);
    let (warmup, measure) = (args.seconds("warmup", 1.0), args.seconds("secs", 5.0));
    let server = Server::new(args)?;
    let mut clients = Clients::open(&server, own, methods)?;

    clients.run(rate, warmup)?;
    let quiet = clients.run(rate, measure)?;
    let attack = Attack::begin(&server, flood, attackers, together, listeners)?;
    clients.run(rate, warmup)?;
    let (span, before) = (Span::start(args.pid())?, attack.answers());
    let beside = clients.run(rate, measure)?;
    let used = span.end()?;
    let answers = attack.answers() - before;
    attack.end()?;

    let bad = clients.callers.iter().map(|callers| callers.calls.bad).sum::<u64>();
    Report::new("fair")
        .with("kind", kind)
        .with("attackers", attackers)
        .figure("rate", rate)
        .with("calls", beside.count())
        .with("bad", bad)
        .latencies(&beside)
        .figure("quiet_p50_us", quiet.us(0.5))
        .figure("quiet_p99_us", quiet.us(0.99))
        .figure("p99_times", beside.us(0.99) / quiet.us(0.99))
        .figure("attack_per_s", answers as f64 / used.wall)
        .cost(&used, beside.count())
        .print();
    if bad > 0 || beside.count() == 0 || (answers == 0 && attackers > 0) {
        return Err(Error::other(format!("{bad} answers were wrong, the attack had {answers}")));
    }
    Ok(())
}

/// Those whose calls are measured.
struct Clients {
    poll: Poll,
    conns: Vec<Conn>,
    /// For each method; the clients take them in turn.
    callers: Vec<Callers>,
    turn: usize,
}

impl Clients {
    fn open(server: &Server, service: &str, methods: &[&str]) -> Result<Clients> {
        let mut poll = Poll::new()?;
        let conns = Conn::open(server, CLIENTS, &mut poll, |i| address(1, i))?;
        let callers = methods.iter().map(|method| Callers::new(Calls::new(method, service, 0), CLIENTS));
        Ok(Clients { poll, conns, callers: callers.collect(), turn: 0 })
    }

    /// Calls at a rate, whatever the answers do; ends when all have come. How long they took.
    fn run(&mut self, rate: f64, time: Duration) -> Result<Latencies> {
        let (mut events, mut scratch) = (Events::with_capacity(64), vec![0; 64 * 1024]);
        let (begin, mut latencies) = (Instant::now(), Latencies::new()?);
        let mut schedule = Schedule::new(rate, begin);
        loop {
            let sending = begin.elapsed() < time;
            while sending && schedule.next <= Instant::now() {
                let i = self.turn % CLIENTS;
                let callers = i % self.callers.len();
                self.callers[callers].send(i, schedule.next, &mut self.conns[i].out);
                self.conns[i].flush()?;
                self.turn += 1;
                schedule.advance();
            }
            // Sleeps until something comes: this thread has its core together with those who attack.
            let longest = Duration::from_millis(50);
            let gap = match sending {
                true => schedule.next.saturating_duration_since(Instant::now()).min(longest),
                false => longest,
            };
            self.poll.poll(&mut events, Some(gap))?;
            for event in &events {
                let (i, at) = (event.token().0, Instant::now());
                let callers = i % self.callers.len();
                // All hear what is published.
                self.conns[i].read(&mut scratch, |message, _| {
                    let due = message.starts_with(b"43").then(|| self.callers[callers].take(i, message)).flatten();
                    due.into_iter().for_each(|due| latencies.record(at.saturating_duration_since(due)));
                })?;
                self.conns[i].flush()?;
            }
            let waiting = self.callers.iter().map(|callers| callers.waiting).sum::<usize>();
            if !sending && waiting == 0 {
                return Ok(latencies);
            }
            if begin.elapsed() > time + PATIENCE {
                return Err(Error::other(format!("{waiting} answers are missing")));
            }
        }
    }
}

/// Those who call without end, on a thread of their own.
struct Attack {
    ends: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

impl Attack {
    fn begin(
        server: &Server,
        (method, service, flood): (&str, &str, u64),
        attackers: usize,
        together: bool,
        listeners: usize,
    ) -> Result<Attack> {
        let mut poll = Poll::new()?;
        let at = |i| address(0, if together && i < attackers { 0 } else { i });
        let mut conns = Conn::open(server, attackers + listeners, &mut poll, at)?;
        let mut calls = Calls::new(method, service, 0);
        for conn in &mut conns[..attackers] {
            (0..flood).for_each(|id| calls.send(id, &mut conn.out));
            conn.flush()?;
        }
        let (ends, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ending, answered) = (ends.clone(), answers.clone());
        let thread = spawn(move || {
            let (mut events, mut scratch) = (Events::with_capacity(256), vec![0; 64 * 1024]);
            while !ending.load(Ordering::Relaxed) {
                poll.poll(&mut events, Some(Duration::from_millis(50)))?;
                for event in &events {
                    let i = event.token().0;
                    conns[i].read(&mut scratch, |message, out| {
                        // Refused or not: there is another.
                        if message.starts_with(b"43") {
                            calls.send(flood + answered.fetch_add(1, Ordering::Relaxed), out);
                        }
                    })?;
                    conns[i].flush()?;
                }
            }
            Ok(())
        });
        Ok(Attack { ends, answers, thread })
    }

    fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    fn end(self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(Error::other("the attack panicked")))
    }
}

/// The header of a client at an address of its own.
fn address(net: usize, i: usize) -> String {
    format!("X-Forwarded-For: 10.{net}.{}.{}\r\n", i / 256, i % 256)
}

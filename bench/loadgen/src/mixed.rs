//! `mixed`: many connections, of which a few call in a closed loop: 19 times `get`, then once a `create` on `room`,
//! which only those hear who said in their handshake that they are in it (`X-Room`).

use crate::args::Args;
use crate::conn::Conn;
use crate::frame::{TEXT, ack, leading_number, write_frame};
use crate::handshake::Server;
use crate::phases::{Phases, Step};
use crate::report::{Latencies, Report};
use memchr::memmem;
use mio::{Events, Poll};
use std::io::{Error, Result};
use std::time::{Duration, Instant};

/// One call in so many is a create.
const CREATES: u64 = 20;

pub const OPTIONS: [&str; 6] = ["tls", "warmup", "secs", "conns", "members", "callers"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 5000);
    let members: usize = args.number("members", 200);
    let callers: usize = args.number("callers", 50);
    if members + callers > conns {
        return Err(Error::other("more members and callers than connections"));
    }
    let server = Server::new(args)?;
    let mut poll = Poll::new()?;
    let headers = |i| if i < members { "X-Room: yes\r\n".to_owned() } else { String::new() };
    let mut sockets = Conn::open(&server, conns, &mut poll, headers)?;
    let mut room = Room { members, callers: vec![Caller::default(); callers], heard: Vec::new(), missing: 0, bad: 0 };
    room.heard = vec![vec![0; callers]; members];
    // Each begins at another place of its twenty calls.
    for (i, caller) in room.callers.iter_mut().enumerate() {
        caller.calls = i as u64 % CREATES;
    }
    let mut phases = Phases::new(args);
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    let mut latencies = Latencies::new()?;
    room.fill(&mut sockets)?;
    let used = loop {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let (i, now) = (event.token().0, Instant::now());
            sockets[i].read(&mut scratch, |message, out| {
                let Some(sent_at) = room.hear(i, message) else { return };
                if phases.counting() {
                    latencies.record(now.duration_since(sent_at));
                }
                if phases.sending() {
                    room.call(i - members, out);
                }
            })?;
            sockets[i].flush()?;
        }
        let settled = room.missing == 0 && room.callers.iter().all(|caller| caller.sent_at.is_none());
        match phases.step(settled, 0)? {
            Step::Same => {}
            Step::Begins => room.fill(&mut sockets)?,
            Step::Over(used) => break used,
            Step::Late => return Err(Error::other(format!("{} deliveries or answers are missing", room.missing))),
        }
    };

    let done = latencies.count();
    Report::new("mixed")
        .with("conns", conns)
        .with("calls", done)
        .with("bad", room.bad)
        .latencies(&latencies)
        .cost(&used, done)
        .print();
    if room.bad > 0 || done == 0 {
        return Err(Error::other(format!("{} messages were wrong, {done} calls answered", room.bad)));
    }
    Ok(())
}

struct Room {
    /// The first connections are in the room, the next ones call.
    members: usize,
    callers: Vec<Caller>,
    /// How many creates of each caller each member has heard.
    heard: Vec<Vec<u64>>,
    /// Deliveries on their way.
    missing: usize,
    bad: u64,
}

#[derive(Clone, Default)]
struct Caller {
    calls: u64,
    creates: u64,
    sent_at: Option<Instant>,
}

impl Room {
    fn fill(&mut self, sockets: &mut [Conn]) -> Result<()> {
        for i in 0..self.callers.len() {
            let socket = &mut sockets[self.members + i];
            self.call(i, &mut socket.out);
            socket.flush()?;
        }
        Ok(())
    }

    fn call(&mut self, i: usize, out: &mut Vec<u8>) {
        let caller = &mut self.callers[i];
        caller.calls += 1;
        let id = caller.calls;
        let packet = if id.is_multiple_of(CREATES) {
            let n = caller.creates;
            caller.creates += 1;
            self.missing += self.members;
            format!(r#"42{id}["create","room",{{"text":"{i}:{n}"}},{{}}]"#)
        } else {
            format!(r#"42{id}["get","quiet","17",{{}}]"#)
        };
        caller.sent_at = Some(Instant::now());
        write_frame(out, TEXT, packet.as_bytes());
    }

    /// Takes what connection `i` heard: when the call left whose answer it is.
    fn hear(&mut self, i: usize, message: &[u8]) -> Option<Instant> {
        if let Some(heard) = self.heard.get_mut(i) {
            let event = event(message).filter(|(caller, n)| heard.get(*caller) == Some(n));
            match event {
                Some((caller, _)) => (heard[caller], self.missing) = (heard[caller] + 1, self.missing - 1),
                None => self.bad(message),
            }
            return None;
        }
        let caller = i.checked_sub(self.members).and_then(|i| self.callers.get_mut(i));
        let answered = caller.and_then(|caller| {
            let (id, body) = ack(message)?;
            (id == caller.calls && body.starts_with(b"[null,{")).then_some(())?;
            caller.sent_at.take()
        });
        if answered.is_none() {
            self.bad(message);
        }
        answered
    }

    fn bad(&mut self, message: &[u8]) {
        self.bad += 1;
        if self.bad < 5 {
            eprintln!("unexpected {}", String::from_utf8_lossy(message));
        }
    }
}

/// Whose create an event tells of, and which of his.
fn event(message: &[u8]) -> Option<(usize, u64)> {
    let event = message.strip_prefix(b"42[\"room created\",")?;
    let at = memmem::find(event, b"\"text\":\"")? + 8;
    let (caller, rest) = leading_number(&event[at..])?;
    let (n, _) = leading_number(rest.strip_prefix(b":")?)?;
    Some((caller as usize, n))
}

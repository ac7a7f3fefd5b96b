//! `polling`: N sessions that stay on long-polling, each with K calls in flight, closed loop. As in a browser, one
//! connection has the poll that waits, another one the requests that send.

use crate::args::Args;
use crate::calls::Calls;
use crate::frame::ack;
use crate::handshake::{Handshake, Server};
use crate::kept::Http;
use crate::phases::{Phases, Step};
use crate::report::{Latencies, Report};
use mio::{Events, Poll};
use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::{Duration, Instant};

pub const OPTIONS: [&str; 8] = ["tls", "warmup", "secs", "conns", "inflight", "method", "service", "pad"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 50);
    let inflight: usize = args.number("inflight", 1);
    let mut calls = Calls::new(&args.text("method", "get"), &args.text("service", "quiet"), args.number("pad", 0));
    let server = Server::new(args)?;
    let mut poll = Poll::new()?;
    let mut sessions: Vec<Session> =
        (0..conns).map(|i| Session::open(&server, i, inflight, &poll)).collect::<Result<_>>()?;
    let mut phases = Phases::new(args);
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    let mut latencies = Latencies::new()?;
    for session in &mut sessions {
        session.go_on(&mut calls, phases.sending())?;
    }
    let used = loop {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let now = Instant::now();
            let session = &mut sessions[event.token().0 / 2];
            session.read(event.token().0 % 2 == 0, &mut scratch, &mut calls, |sent_at| {
                if phases.counting() {
                    latencies.record(now.duration_since(sent_at));
                }
            })?;
            session.go_on(&mut calls, phases.sending())?;
        }
        match phases.step(sessions.iter().all(|session| session.sent_at.is_empty()), 0)? {
            Step::Same => {}
            Step::Begins => sessions.iter_mut().try_for_each(|session| session.go_on(&mut calls, true))?,
            Step::Over(used) => break used,
            Step::Late => return Err(Error::other("answers are missing")),
        }
    };

    Report::new("polling").with("conns", conns).with("inflight", inflight).calls(&latencies, calls.bad, &used)
}

struct Session {
    target: String,
    polls: Http,
    sends: Http,
    /// Whether a request that sends waits for its answer.
    sending: bool,
    inflight: usize,
    /// The id of the first of `sent_at`.
    first: u64,
    /// When the calls left whose answers have not come. They must come in order.
    sent_at: VecDeque<Instant>,
    pong: bool,
}

impl Session {
    fn open(server: &Server, i: usize, inflight: usize, poll: &Poll) -> Result<Session> {
        let (polls, target) = Handshake::polling(server)?;
        let polls = Http::new(polls, 2 * i, poll)?;
        let sends = Http::new(Handshake::tcp(server)?, 2 * i + 1, poll)?;
        let sent_at = VecDeque::new();
        let mut session = Session { target, polls, sends, sending: false, inflight, first: 0, sent_at, pong: false };
        session.polls.request(&session.target, None)?;
        Ok(session)
    }

    /// Sends what there is to send, unless an earlier request is under way.
    fn go_on(&mut self, calls: &mut Calls, more: bool) -> Result<()> {
        if self.sending {
            return self.sends.flush();
        }
        let mut packets = Vec::new();
        if std::mem::take(&mut self.pong) {
            packets.push("3".to_owned());
        }
        while more && self.sent_at.len() < self.inflight {
            let packet = calls.packet(self.first + self.sent_at.len() as u64);
            packets.push(String::from_utf8_lossy(packet).into_owned());
            self.sent_at.push_back(Instant::now());
        }
        if packets.is_empty() {
            return Ok(());
        }
        self.sending = true;
        self.sends.request(&self.target, Some(&packets.join("\x1e")))
    }

    /// Reads from one of the two connections; `answered` hears when each call left whose answer came.
    fn read(&mut self, poll: bool, scratch: &mut [u8], calls: &mut Calls, answered: impl FnMut(Instant)) -> Result<()> {
        if poll {
            return self.read_polls(scratch, calls, answered);
        }
        while let Some(body) = self.sends.read(scratch)? {
            if body != "ok" || !std::mem::take(&mut self.sending) {
                return Err(Error::other(format!("unexpected answer to a POST: {body}")));
            }
        }
        Ok(())
    }

    fn read_polls(&mut self, scratch: &mut [u8], calls: &mut Calls, mut answered: impl FnMut(Instant)) -> Result<()> {
        while let Some(body) = self.polls.read(scratch)? {
            for packet in body.split('\x1e') {
                if packet == "2" {
                    self.pong = true;
                    continue;
                }
                let answer = ack(packet.as_bytes()).filter(|(id, body)| *id == self.first && calls.accept(body));
                let sent_at = answer.and_then(|_| self.sent_at.pop_front());
                let Some(sent_at) = sent_at else {
                    calls.bad(packet.as_bytes());
                    continue;
                };
                self.first += 1;
                answered(sent_at);
            }
            self.polls.request(&self.target, None)?;
        }
        Ok(())
    }
}

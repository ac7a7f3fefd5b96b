//! `storm`: N connections opened as fast as the server lets them in, all gone at once, and all back again.

use crate::args::Args;
use crate::frame::{TEXT, parse, write_frame};
use crate::handshake::{Server, WEBSOCKET};
use crate::http;
use crate::proc::{Span, Used, peak_rss_kib, rss_kib};
use crate::report::{Latencies, Report};
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

/// How long one wave may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub const OPTIONS: [&str; 4] = ["conns", "waves", "wait", "at-once"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 4000);
    let waves: usize = args.number("waves", 2);
    let wait = args.seconds("wait", 10.0);
    let server = Server::new(args)?;
    let pid = args.pid();
    let mut storm = Storm { poll: Poll::new()?, at_once: args.number("at-once", 400), server, clients: Vec::new() };
    // One connection first, so that what a server loads lazily is not charged to the rest.
    storm.wave(1, &mut Latencies::new()?)?;
    storm.clients.clear();
    std::thread::sleep(Duration::from_millis(500));

    let before = rss_kib(pid)?;
    let mut last = None;
    for _ in 0..waves {
        // Gone without a word, as after a lost network.
        storm.clients.clear();
        let mut latencies = Latencies::new()?;
        let span = Span::start(pid)?;
        storm.wave(conns, &mut latencies)?;
        last = Some((span.end()?, latencies));
    }
    let (used, latencies): (Used, Latencies) = last.ok_or_else(|| Error::other("--waves 0: nothing to do"))?;
    storm.stay(wait)?;
    let after = rss_kib(pid)?;
    drop(storm);
    std::thread::sleep(Duration::from_secs(1));

    Report::new("storm")
        .with("conns", conns)
        .with("waves", waves)
        .latencies(&latencies)
        .cost(&used, conns as u64)
        .with("rss_before_kib", before)
        .figure("rss_kib_per_conn", (after as f64 - before as f64) / conns as f64)
        .with("peak_rss_kib", peak_rss_kib(pid)?)
        .with("rss_closed_kib", rss_kib(pid)?)
        .print();
    Ok(())
}

struct Storm {
    poll: Poll,
    /// Handshakes under way at a time: more than the queue of a listener only loses SYN packets.
    at_once: usize,
    server: Server,
    clients: Vec<Client>,
}

impl Storm {
    fn wave(&mut self, conns: usize, latencies: &mut Latencies) -> Result<()> {
        let begin = Instant::now();
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; 64 * 1024];
        let mut joined = 0;
        while joined < conns {
            while self.clients.len() < conns.min(joined + self.at_once) {
                self.clients.push(Client::new(&self.server, self.clients.len(), &self.poll)?);
            }
            self.poll.poll(&mut events, Some(Duration::from_millis(50)))?;
            for event in &events {
                // Late events of connections that are gone have tokens of new ones: looking is harmless.
                let Some(client) = self.clients.get_mut(event.token().0) else { continue };
                if client.go_on(&mut scratch)? {
                    joined += 1;
                    latencies.record(client.since.elapsed());
                }
            }
            if begin.elapsed() > PATIENCE {
                return Err(Error::other(format!("{joined} of {conns} connected within {} s", PATIENCE.as_secs())));
            }
        }
        Ok(())
    }

    fn stay(&mut self, time: Duration) -> Result<()> {
        let begin = Instant::now();
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; 64 * 1024];
        while begin.elapsed() < time {
            self.poll.poll(&mut events, Some(Duration::from_millis(50)))?;
            for event in &events {
                self.clients[event.token().0].go_on(&mut scratch)?;
            }
        }
        Ok(())
    }
}

enum State {
    Connecting,
    Upgrading,
    Joining,
    Joined,
}

struct Client {
    socket: TcpStream,
    since: Instant,
    state: State,
    part: Vec<u8>,
}

impl Client {
    fn new(server: &Server, token: usize, poll: &Poll) -> Result<Client> {
        let mut socket = TcpStream::connect(server.addr)?;
        poll.registry().register(&mut socket, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Client { socket, since: Instant::now(), state: State::Connecting, part: Vec::new() })
    }

    /// Goes on with the handshake, or answers pings; true when it has just joined.
    fn go_on(&mut self, scratch: &mut [u8]) -> Result<bool> {
        if let State::Connecting = self.state {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            if self.socket.peer_addr().is_err() {
                return Ok(false);
            }
            self.socket.set_nodelay(true)?;
            let mut request = Vec::new();
            http::upgrade(&mut request, WEBSOCKET, "");
            self.socket.write_all(&request)?;
            self.state = State::Upgrading;
        }
        let mut joined = false;
        loop {
            match self.socket.read(scratch) {
                Ok(0) => return Err(Error::other("the server closed a connection")),
                Ok(n) => self.part.extend_from_slice(&scratch[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(joined),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            joined |= self.take()?;
        }
    }

    fn take(&mut self) -> Result<bool> {
        if let State::Upgrading = self.state {
            let Some(used) = http::upgraded(&self.part)? else { return Ok(false) };
            self.part.drain(..used);
            self.state = State::Joining;
        }
        let mut joined = false;
        while let Some((opcode, place)) = parse(&self.part)? {
            let payload: Vec<u8> = self.part.drain(..place.end).skip(place.start).collect();
            match (&self.state, opcode, &payload[..]) {
                (_, TEXT, b"2") => self.send("3")?,
                (State::Joining, TEXT, [b'0', ..]) => self.send("40")?,
                (State::Joining, TEXT, [b'4', b'0', b'{', ..]) => (self.state, joined) = (State::Joined, true),
                _ => return Err(Error::other(format!("unexpected {}", String::from_utf8_lossy(&payload)))),
            }
        }
        if self.part.is_empty() {
            self.part = Vec::new();
        }
        Ok(joined)
    }

    fn send(&mut self, message: &str) -> Result<()> {
        let mut out = Vec::new();
        write_frame(&mut out, TEXT, message.as_bytes());
        self.socket.write_all(&out)
    }
}

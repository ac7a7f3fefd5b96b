//! Many clients by WebSocket that come as fast as the server lets them in, and may all be gone at once.

use crate::frame::{TEXT, parse, write_frame};
use crate::handshake::Server;
use crate::http;
use crate::report::Latencies;
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

/// How long one wave may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Swarm {
    poll: Poll,
    /// Handshakes under way at a time: more than the queue of a listener only loses SYN packets.
    at_once: usize,
    server: Server,
    clients: Vec<Client>,
}

/// What clients of one wave say, and wait for.
pub trait Wave {
    /// What a client asks for when it connects.
    fn target(&self) -> String;
    /// Its packet for the namespace: `40`, with what it says there.
    fn greeting(&self, client: usize) -> String;
    /// Takes a message of Socket.IO, with its leading `4`. Whether it was the last that this client waits for.
    ///
    /// # Errors
    /// If it is not what had to come.
    fn took(&mut self, client: usize, message: &[u8]) -> Result<bool>;
}

impl Swarm {
    pub fn new(server: Server, at_once: usize) -> Result<Swarm> {
        Ok(Swarm { poll: Poll::new()?, at_once, server, clients: Vec::new() })
    }

    /// Opens connections until there are so many, and waits until each of these has what it waits for. How long each took.
    pub fn come(&mut self, conns: usize, wave: &mut impl Wave) -> Result<Latencies> {
        let mut latencies = Latencies::new()?;
        let (mut swarm, mut done) = (std::mem::take(&mut self.clients), 0);
        let opened = self.until(&mut swarm, wave, |swarm, storm, client| {
            if let Some(client) = client {
                done += 1;
                latencies.record(swarm[client].since.elapsed());
            }
            while swarm.len() < conns.min(done + storm.at_once) {
                let client = Client::new(&storm.server, swarm.len(), &storm.poll)?;
                swarm.push(client);
            }
            Ok(done == conns)
        });
        self.clients = swarm;
        opened.map(|()| latencies)
    }

    /// Waits until each client has once more what it waits for.
    pub fn hear(&mut self, wave: &mut impl Wave) -> Result<()> {
        let (mut swarm, mut done) = (std::mem::take(&mut self.clients), 0);
        let heard = self.until(&mut swarm, wave, |swarm, _, client| {
            done += usize::from(client.is_some());
            Ok(done == swarm.len())
        });
        self.clients = swarm;
        heard
    }

    /// Answers pings for a time.
    pub fn stay(&mut self, time: Duration, wave: &mut impl Wave) -> Result<()> {
        let begin = Instant::now();
        let mut swarm = std::mem::take(&mut self.clients);
        let stayed = self.until(&mut swarm, wave, |_, _, _| Ok(begin.elapsed() >= time));
        self.clients = swarm;
        stayed
    }

    /// All are gone without a word, as after a lost network.
    pub fn vanish(&mut self) {
        self.clients.clear();
    }

    /// `is_over` is told of each client that has what it waits for, and asked now and then without one.
    fn until(
        &mut self,
        clients: &mut Vec<Client>,
        wave: &mut impl Wave,
        mut is_over: impl FnMut(&mut Vec<Client>, &Swarm, Option<usize>) -> Result<bool>,
    ) -> Result<()> {
        let begin = Instant::now();
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; 64 * 1024];
        let mut finished = Vec::new();
        while !is_over(clients, self, None)? {
            self.poll.poll(&mut events, Some(Duration::from_millis(50)))?;
            for event in &events {
                let at = event.token().0;
                // Late events of connections that are gone have tokens of new ones: looking is harmless.
                let Some(client) = clients.get_mut(at) else { continue };
                if client.go_on(at, wave, &mut scratch)? {
                    finished.push(at);
                }
            }
            for client in finished.drain(..) {
                if is_over(clients, self, Some(client))? {
                    return Ok(());
                }
            }
            if begin.elapsed() > PATIENCE {
                return Err(Error::other(format!("not all of {} had what they wait for in time", clients.len())));
            }
        }
        Ok(())
    }
}

enum State {
    Connecting,
    Upgrading,
    Open,
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

    /// Goes on with the handshake, answers pings, and hands messages to its wave; true if one of them was the last.
    fn go_on(&mut self, at: usize, wave: &mut impl Wave, scratch: &mut [u8]) -> Result<bool> {
        if let State::Connecting = self.state {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            if self.socket.peer_addr().is_err() {
                return Ok(false);
            }
            self.socket.set_nodelay(true)?;
            let mut request = Vec::new();
            http::upgrade(&mut request, &wave.target(), "");
            self.socket.write_all(&request)?;
            self.state = State::Upgrading;
        }
        let mut is_last = false;
        loop {
            match self.socket.read(scratch) {
                Ok(0) => return Err(Error::other("the server closed a connection")),
                Ok(n) => self.part.extend_from_slice(&scratch[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(is_last),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            is_last |= self.take(at, wave)?;
        }
    }

    fn take(&mut self, at: usize, wave: &mut impl Wave) -> Result<bool> {
        if let State::Upgrading = self.state {
            let Some(used) = http::upgraded(&self.part)? else { return Ok(false) };
            self.part.drain(..used);
            self.state = State::Open;
        }
        let (mut is_last, mut used) = (false, 0);
        while let Some((opcode, place)) = parse(&self.part[used..])? {
            let payload = used + place.start..used + place.end;
            used = payload.end;
            match (opcode, &self.part[payload]) {
                (TEXT, b"2") => self.send("3")?,
                (TEXT, [b'0', ..]) => self.send(&wave.greeting(at))?,
                (TEXT, message @ [b'4', ..]) => is_last |= wave.took(at, message)?,
                (_, other) => return Err(Error::other(format!("unexpected {}", String::from_utf8_lossy(other)))),
            }
        }
        self.part.drain(..used);
        if self.part.is_empty() {
            self.part = Vec::new();
        }
        Ok(is_last)
    }

    fn send(&self, message: &str) -> Result<()> {
        let mut out = Vec::new();
        write_frame(&mut out, TEXT, message.as_bytes());
        (&self.socket).write_all(&out)
    }
}

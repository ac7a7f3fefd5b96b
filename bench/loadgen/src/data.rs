//! `data`: calls to tables in a database, N connections with K calls in flight each, closed loop.
//!
//! `messages` has 100,000 records and nothing else, each call asks for others of them. `notes` is for `real`: who calls is
//! logged in, finds 20 of his own notes and creates one, in turn, and everybody hears of what is created.

use crate::args::{Args, usage};
use crate::closed::{self, Calls};
use crate::conn::Conn;
use crate::frame::{TEXT, ack, leading_number, write_frame};
use crate::handshake::Server;
use crate::phases::Phases;
use crate::proc::peak_rss_kib;
use crate::report::Report;
use crate::token;
use memchr::memmem;
use mio::{Events, Poll};
use serde_json::Value;
use std::io::{Error, Result, Write};
use std::time::{Duration, Instant};

pub const OPTIONS: [&str; 8] = ["tls", "warmup", "secs", "ops", "conns", "inflight", "call", "database"];

const ROWS: u64 = 100_000;
/// Rooms that have all their 200 messages.
const ROOMS: u64 = 499;
/// How long logins may take.
const LOGINS: Duration = Duration::from_secs(30);

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 20);
    let inflight: usize = args.number("inflight", 4);
    let name = args.text("call", "get");
    let mut data = Data::new(Call::new(&name), conns);

    let mut poll = Poll::new()?;
    let mut sockets = Conn::open(&Server::new(args)?, conns, &mut poll, |_| String::new())?;
    if data.call == Call::Real {
        log_in(&mut poll, &mut sockets)?;
    }
    let (latencies, used) = closed::run(&mut Phases::new(args), &mut poll, &mut sockets, inflight, &mut data)?;

    let (done, bad) = (latencies.count(), data.bad);
    Report::new("data")
        .with("call", name)
        .with("conns", conns)
        .with("inflight", inflight)
        .with("calls", done)
        .with("bad", bad)
        .latencies(&latencies)
        .cost(&used, done)
        .figure("database_cpu_us", used.database * 1e6 / done as f64)
        .with("peak_rss_kib", peak_rss_kib(args.pid())?)
        .print();
    if bad > 0 || done == 0 {
        return Err(Error::other(format!("{bad} of {done} answers or events were wrong")));
    }
    if data.sums.iter().any(|heard| *heard != data.created_sum) {
        return Err(Error::other("somebody has heard of other notes than were created, or twice of one"));
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Call {
    Get,
    /// So many of the 200 messages of a room, and how many there are.
    Find(usize),
    /// The same with a condition that no index serves.
    Scan,
    Create,
    Patch,
    /// A find of 20 and a create in turn.
    Real,
}

impl Call {
    fn new(name: &str) -> Call {
        match name {
            "get" => Call::Get,
            "find" => Call::Find(10),
            "find50" => Call::Find(50),
            "scan" => Call::Scan,
            "create" => Call::Create,
            "patch" => Call::Patch,
            "real" => Call::Real,
            other => usage(&format!("no call {other}; there are get find find50 scan create patch real")),
        }
    }
}

struct Data {
    call: Call,
    packet: Vec<u8>,
    answers: u64,
    bad: u64,
    created: u64,
    created_sum: u64,
    /// How many notes each connection has heard of, and the sum of their ids.
    heard: Vec<u64>,
    sums: Vec<u64>,
    id: memmem::Finder<'static>,
}

impl Data {
    fn new(call: Call, conns: usize) -> Data {
        Data {
            call,
            packet: Vec::new(),
            answers: 0,
            bad: 0,
            created: 0,
            created_sum: 0,
            heard: vec![0; conns],
            sums: vec![0; conns],
            id: memmem::Finder::new(b"\"id\":"),
        }
    }

    /// No two calls have the same number.
    fn number(&self, caller: usize, id: u64) -> u64 {
        id * self.heard.len() as u64 + caller as u64
    }

    /// Writes the call after its ack id.
    fn write(&mut self, caller: usize, id: u64) -> Result<()> {
        let number = self.number(caller, id);
        let (row, room, out) = (row(number), room(number), &mut self.packet);
        match self.call {
            Call::Get => write!(out, r#"["get","messages",{row},{{}}]"#),
            Call::Find(limit) => write!(out, r#"["find","messages",{{"roomId":{room},"$limit":{limit}}}]"#),
            Call::Scan => {
                write!(out, r#"["find","messages",{{"roomId":{room},"text":{{"$gt":"5"}},"$limit":10}}]"#)
            }
            Call::Create => {
                let user = number % 500;
                write!(out, r#"["create","messages",{{"roomId":-1,"userId":{user},"text":"message {number}"}},{{}}]"#)
            }
            Call::Patch => write!(out, r#"["patch","messages",{row},{{"text":"message {number}"}},{{}}]"#),
            Call::Real if is_find(id) => {
                write!(out, r#"["find","notes",{{"roomId":{},"$limit":20,"$sort":{{"id":-1}}}}]"#, number % 5)
            }
            // In a room of which nobody finds anything, so that finds stay what they are.
            Call::Real => write!(out, r#"["create","notes",{{"roomId":7,"text":"note {number}"}},{{}}]"#),
        }
    }

    fn is_right(&self, caller: usize, id: u64, body: &[u8]) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
        let (number, answer) = (self.number(caller, id), &body[1]);
        let found = |total: u64, count: usize| {
            let data = answer["data"].as_array().filter(|data| data.len() == count);
            data.filter(|_| answer["total"] == total)
        };
        match self.call {
            Call::Get => {
                let (text, row) = (answer["text"].as_str(), row(number));
                answer["id"] == row && text.is_some_and(|text| text.ends_with(&format!(" is what message {row} says")))
            }
            Call::Find(count) => {
                found(200, count).is_some_and(|data| data.iter().all(|item| item["roomId"] == room(number)))
            }
            // Of the numbers below 100 with which texts begin these are `5` and up, as texts.
            Call::Scan => found(110, 10).is_some_and(|data| data.iter().all(|item| item["text"].as_str() > Some("5"))),
            Call::Create => answer["id"].as_u64() > Some(ROWS) && answer["text"] == format!("message {number}"),
            Call::Patch => answer["id"] == row(number) && answer["text"] == format!("message {number}"),
            Call::Real if is_find(id) => found(40, 20).is_some_and(|data| data.iter().all(|item| is_own(caller, item))),
            Call::Real => is_own(caller, answer) && answer["text"] == format!("note {number}"),
        }
    }

    /// The id of a record that is no list.
    fn record_id(&self, body: &[u8]) -> Option<u64> {
        let at = self.id.find(body)? + self.id.needle().len();
        leading_number(&body[at..]).map(|(id, _)| id)
    }
}

impl Calls for Data {
    fn send(&mut self, caller: usize, id: u64, out: &mut Vec<u8>) {
        self.packet.clear();
        write!(self.packet, "42{id}").and_then(|()| self.write(caller, id)).expect("a Vec takes every write");
        write_frame(out, TEXT, &self.packet);
    }

    /// Every answer is looked at; the first thousand and then one in 256 whole.
    fn accept(&mut self, caller: usize, id: u64, body: &[u8]) -> bool {
        self.answers += 1;
        if self.call == Call::Real && !is_find(id) {
            let Some(record) = self.record_id(body) else { return false };
            (self.created, self.created_sum) = (self.created + 1, self.created_sum + record);
        }
        body.starts_with(b"[null,{")
            && ((self.answers > 1000 && !self.answers.is_multiple_of(256)) || self.is_right(caller, id, body))
    }

    fn bad(&mut self, message: &[u8]) {
        self.bad += 1;
        if self.bad < 5 {
            eprintln!("wrong: {}", String::from_utf8_lossy(message));
        }
    }

    fn hear(&mut self, caller: usize, message: &[u8]) -> bool {
        let event = message.strip_prefix(b"42[\"notes created\",").filter(|_| self.call == Call::Real);
        let Some(id) = event.and_then(|event| self.record_id(event)) else { return false };
        (self.heard[caller], self.sums[caller]) = (self.heard[caller] + 1, self.sums[caller] + id);
        true
    }

    fn all_heard(&self) -> bool {
        self.heard.iter().all(|heard| *heard == self.created)
    }
}

/// The rows come in any order.
fn row(number: u64) -> u64 {
    number * 7919 % ROWS + 1
}

fn room(number: u64) -> u64 {
    number * 7919 % ROOMS + 1
}

fn is_find(id: u64) -> bool {
    id.is_multiple_of(2)
}

/// Whether a note is the caller's, and has the field that is not stored.
fn is_own(caller: usize, note: &Value) -> bool {
    note["userId"] == user(caller) && note["link"] == format!("/rooms/{}#{}", note["roomId"], note["id"])
}

fn user(caller: usize) -> u64 {
    caller as u64 % 499 + 1
}

/// Each connection as another user.
fn log_in(poll: &mut Poll, sockets: &mut [Conn]) -> Result<()> {
    for (i, socket) in sockets.iter_mut().enumerate() {
        let token = token::sign(user(i));
        let packet = format!(r#"420["create","authentication",{{"strategy":"jwt","accessToken":"{token}"}},{{}}]"#);
        write_frame(&mut socket.out, TEXT, packet.as_bytes());
        socket.flush()?;
    }
    let (mut events, mut scratch, begin) = (Events::with_capacity(1024), vec![0; 64 * 1024], Instant::now());
    let (mut waiting, mut refused) = (sockets.len(), None);
    while waiting > 0 {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let socket = &mut sockets[event.token().0];
            socket.read(&mut scratch, |message, _| match ack(message) {
                Some((0, body)) if body.starts_with(b"[null,{") => waiting -= 1,
                _ => refused = Some(String::from_utf8_lossy(message).into_owned()),
            })?;
            socket.flush()?;
        }
        if let Some(refused) = refused {
            return Err(Error::other(format!("no login: {refused}")));
        }
        if begin.elapsed() > LOGINS {
            return Err(Error::other(format!("{waiting} logins have no answer")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_calls_of_a_while_ask_for_the_same_row() {
        let mut rows: Vec<u64> = (0..ROWS).map(row).collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len() as u64, ROWS);
        assert_eq!((rows.first(), rows.last()), (Some(&1), Some(&ROWS)));
    }

    #[test]
    fn a_scan_finds_as_many_as_it_expects() {
        let found = (200..400u64).filter(|id| format!("{} is", id * 7919 % 100).as_str() > "5");
        assert_eq!(found.count(), 110);
    }

    #[test]
    fn an_answer_of_another_call_is_wrong() {
        let mut data = Data::new(Call::Find(1), 20);
        let page = |room: u64| format!(r#"[null,{{"total":200,"limit":1,"skip":0,"data":[{{"roomId":{room}}}]}}]"#);
        let number = data.number(3, 8);
        assert!(data.accept(3, 8, page(room(number)).as_bytes()));
        assert!(!data.accept(3, 8, page(room(number) + 1).as_bytes()));
    }
}

//! `returns`: N connections are lost at once, and come back for what they have missed meanwhile.

use crate::args::Args;
use crate::frame::leading_number;
use crate::handshake::{Handshake, Server, WEBSOCKET};
use crate::proc::{Span, peak_rss_kib, rss_kib};
use crate::report::Report;
use crate::swarm::{Swarm, Wave};
use memchr::memmem::find;
use serde_json::{Value, json};
use std::io::{Error, Result};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to notice that all have gone.
const PATIENCE: Duration = Duration::from_secs(30);

pub const OPTIONS: [&str; 4] = ["conns", "missed", "wait", "at-once"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 10_000);
    let missed: usize = args.number("missed", 20);
    let wait = args.seconds("wait", 10.0);
    let (pid, server) = (args.pid(), Server::new(args)?);
    let mut swarm = Swarm::new(server.clone(), args.number("at-once", 400))?;

    // The first ones do not come back: what these leave behind, others would have left as well.
    swarm.come(conns, &mut Returns::new(conns, false))?;
    swarm.vanish();
    settle(pid, wait)?;
    let gone = rss_kib(pid)?;

    let mut returns = Returns::new(conns, true);
    let span = Span::start(pid)?;
    swarm.come(conns, &mut returns)?;
    let connecting = span.end()?;
    // From this one on they know where they are.
    returns.await_events(1);
    publish(&server, 1)?;
    swarm.hear(&mut returns)?;
    swarm.vanish();
    settle(pid, wait)?;
    let parked = rss_kib(pid)?;
    publish(&server, missed)?;

    returns.await_events(missed);
    returns.come_back();
    let span = Span::start(pid)?;
    let latencies = swarm.come(conns, &mut returns)?;
    let returning = span.end()?;
    // They are in their channels again.
    returns.await_events(1);
    publish(&server, 1)?;
    swarm.hear(&mut returns)?;

    let each = |seconds: f64| seconds * 1e6 / conns as f64;
    Report::new("returns")
        .with("conns", conns)
        .with("missed", missed)
        .latencies(&latencies)
        .cost(&returning, conns as u64)
        .figure("connect_cpu_us", each(connecting.server.total()))
        .figure("more_cpu_us", each(returning.server.total() - connecting.server.total()))
        .figure("wall_s", returning.wall)
        .figure("lost_kib_per_conn", (parked as f64 - gone as f64) / conns as f64)
        .with("rss_gone_kib", gone)
        .with("rss_lost_kib", parked)
        .with("peak_rss_kib", peak_rss_kib(pid)?)
        .print();
    Ok(())
}

/// Waits until a server has nothing to do, and has given back what memory it does not need.
fn settle(pid: u32, wait: Duration) -> Result<()> {
    let begin = Instant::now();
    loop {
        let span = Span::start(pid)?;
        sleep(Duration::from_millis(500));
        if span.end()?.server.total() < 0.01 {
            break;
        }
        if begin.elapsed() > PATIENCE {
            return Err(Error::other("the server is busy long after all have gone"));
        }
    }
    sleep(wait);
    Ok(())
}

/// Creates what all hear.
fn publish(server: &Server, events: usize) -> Result<()> {
    let mut publisher = Handshake::websocket(server, "")?;
    for _ in 0..events {
        publisher.send(r#"420["create","messages",{"text":"hello"},{}]"#)?;
        // It hears of it as well, before the answer.
        publisher.expect("42[")?;
        publisher.expect("430[null,{")?;
    }
    Ok(())
}

/// What a client has to say when it comes back, and how far it is.
#[derive(Clone, Default)]
struct Place {
    private_id: String,
    offset: String,
    /// The id of the record that it has heard of last; 0 before it has.
    id: u64,
    /// How many events it still waits for.
    left: usize,
}

struct Returns {
    places: Vec<Place>,
    is_offered: bool,
    is_back: bool,
}

impl Returns {
    fn new(conns: usize, is_offered: bool) -> Returns {
        Returns { places: vec![Place::default(); conns], is_offered, is_back: false }
    }

    fn await_events(&mut self, events: usize) {
        self.places.iter_mut().for_each(|place| place.left = events);
    }

    fn come_back(&mut self) {
        self.is_back = true;
    }
}

impl Wave for Returns {
    fn target(&self) -> String {
        format!("{WEBSOCKET}{}", if self.is_offered { "" } else { "&recovery=0" })
    }

    fn greeting(&self, client: usize) -> String {
        let Place { private_id, offset, .. } = &self.places[client];
        if self.is_back { format!("40{}", json!({ "pid": private_id, "offset": offset })) } else { "40".to_owned() }
    }

    fn took(&mut self, client: usize, message: &[u8]) -> Result<bool> {
        let place = &mut self.places[client];
        let unexpected = || Error::other(format!("unexpected {}", String::from_utf8_lossy(message)));
        if let Some(answer) = message.strip_prefix(b"40") {
            let answer: Value = serde_json::from_slice(answer)?;
            let private_id = answer["pid"].as_str().unwrap_or_default();
            if private_id.is_empty() == self.is_offered || self.is_back && private_id != place.private_id {
                return Err(Error::other(format!("not as it had to be: {answer}")));
            }
            place.private_id = private_id.to_owned();
            return Ok(place.left == 0);
        }
        let event = message.strip_prefix(br#"42["messages created",{"#).ok_or_else(unexpected)?;
        let id = find(event, br#""id":"#).and_then(|at| leading_number(&event[at + 5..]));
        let (id, _) = id.ok_or_else(unexpected)?;
        let text = std::str::from_utf8(event).map_err(Error::other)?;
        let offset = text.strip_suffix("\"]").and_then(|text| text.rsplit_once('"')).ok_or_else(unexpected)?.1;
        if place.left == 0 || place.id != 0 && id != place.id + 1 {
            return Err(Error::other(format!("event {id} after {}, {} to come", place.id, place.left)));
        }
        (place.id, place.offset) = (id, offset.to_owned());
        place.left -= 1;
        Ok(place.left == 0)
    }
}

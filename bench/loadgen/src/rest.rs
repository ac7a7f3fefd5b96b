//! `rest`: N connections that are kept, each with one `get` over plain HTTP in flight, closed loop.

use crate::args::Args;
use crate::handshake::{Handshake, Server};
use crate::kept::Http;
use crate::phases::{Phases, Step};
use crate::proc::peak_rss_kib;
use crate::report::{Latencies, Report};
use mio::{Events, Poll};
use serde_json::{Value, json};
use std::io::{Error, Result};
use std::time::{Duration, Instant};

pub const OPTIONS: [&str; 5] = ["tls", "warmup", "secs", "ops", "conns"];

const TARGET: &str = "/quiet/17";

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 50);
    let server = Server::new(args)?;
    let mut poll = Poll::new()?;
    let mut clients = (0..conns).map(|i| Client::open(&server, i, &poll)).collect::<Result<Vec<_>>>()?;
    let mut phases = Phases::new(args);
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    let mut latencies = Latencies::new()?;
    let (mut begun, mut bad) = (0, 0);
    clients.iter_mut().try_for_each(|client| client.ask(&phases, &mut begun))?;
    let used = loop {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let now = Instant::now();
            let client = &mut clients[event.token().0];
            while let Some(body) = client.http.read(&mut scratch)? {
                let sent_at = client.sent_at.take().ok_or_else(|| Error::other("an answer to no request"))?;
                if phases.counting() {
                    latencies.record(now.duration_since(sent_at));
                }
                bad += u64::from(!is_right(&body));
                client.ask(&phases, &mut begun)?;
            }
        }
        match phases.step(clients.iter().all(|client| client.sent_at.is_none()), begun)? {
            Step::Same => {}
            Step::Begins => clients.iter_mut().try_for_each(|client| client.ask(&phases, &mut begun))?,
            Step::Over(used) => break used,
            Step::Late => return Err(Error::other("answers are missing")),
        }
    };

    let report = Report::new("rest").with("conns", conns).with("peak_rss_kib", peak_rss_kib(args.pid())?);
    report.calls(&latencies, bad, &used)
}

struct Client {
    http: Http,
    /// When the request left whose answer has not come.
    sent_at: Option<Instant>,
}

impl Client {
    fn open(server: &Server, i: usize, poll: &Poll) -> Result<Client> {
        Ok(Client { http: Http::new(Handshake::tcp(server)?, i, poll)?, sent_at: None })
    }

    fn ask(&mut self, phases: &Phases, begun: &mut u64) -> Result<()> {
        if self.sent_at.is_some() || !phases.sending() || (phases.ops > 0 && *begun >= phases.ops) {
            return self.http.flush();
        }
        *begun += u64::from(phases.counting());
        self.sent_at = Some(Instant::now());
        self.http.request(TARGET, None)
    }
}

/// The order of the members is each server's own.
fn is_right(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|body| body == json!({"id": "17", "text": "hello"}))
}

//! `storm`: N connections opened as fast as the server lets them in, all gone at once, and all back again.

use crate::args::Args;
use crate::handshake::{Server, WEBSOCKET};
use crate::proc::{Span, Used, peak_rss_kib, rss_kib};
use crate::report::{Latencies, Report};
use crate::swarm::{Swarm, Wave};
use std::io::{Error, Result};
use std::time::Duration;

pub const OPTIONS: [&str; 4] = ["conns", "waves", "wait", "at-once"];

pub fn run(args: &Args) -> Result<()> {
    let conns: usize = args.number("conns", 4000);
    let waves: usize = args.number("waves", 2);
    let wait = args.seconds("wait", 10.0);
    let pid = args.pid();
    let mut swarm = Swarm::new(Server::new(args)?, args.number("at-once", 400))?;
    // One connection first, so that what a server loads lazily is not charged to the rest.
    swarm.come(1, &mut Storm)?;
    swarm.vanish();
    std::thread::sleep(Duration::from_millis(500));

    let before = rss_kib(pid)?;
    let mut last = None;
    for _ in 0..waves {
        swarm.vanish();
        let span = Span::start(pid)?;
        let latencies = swarm.come(conns, &mut Storm)?;
        last = Some((span.end()?, latencies));
    }
    let (used, latencies): (Used, Latencies) = last.ok_or_else(|| Error::other("--waves 0: nothing to do"))?;
    swarm.stay(wait, &mut Storm)?;
    let after = rss_kib(pid)?;
    drop(swarm);
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

/// Clients that connect, and do nothing else.
struct Storm;

impl Wave for Storm {
    fn target(&self) -> String {
        WEBSOCKET.to_owned()
    }

    fn greeting(&self, _: usize) -> String {
        "40".to_owned()
    }

    fn took(&mut self, _: usize, message: &[u8]) -> Result<bool> {
        match message {
            [b'4', b'0', b'{', ..] => Ok(true),
            _ => Err(Error::other(format!("unexpected {}", String::from_utf8_lossy(message)))),
        }
    }
}

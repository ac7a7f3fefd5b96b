//! The command line: `loadgen SCENARIO --name value …`.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

const NAMES: [&str; 24] = [
    "addr",
    "pid",
    "tls",
    "warmup",
    "secs",
    "ops",
    "conns",
    "inflight",
    "method",
    "service",
    "pad",
    "ordered",
    "window",
    "rate",
    "publish",
    "members",
    "callers",
    "as",
    "wait",
    "threads",
    "transport",
    "waves",
    "at-once",
    "stalled",
];

pub struct Args {
    values: HashMap<String, String>,
}

impl Args {
    /// The scenario and its options.
    pub fn parse() -> (String, Args) {
        let mut words = std::env::args().skip(1);
        let scenario = words.next().unwrap_or_else(|| usage("no scenario"));
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|n| NAMES.contains(n)) else {
                usage(&format!("unknown option {word}"));
            };
            let value = words.next().unwrap_or_else(|| usage(&format!("{word} needs a value")));
            values.insert(name.to_owned(), value);
        }
        (scenario, Args { values })
    }

    pub fn text(&self, name: &str, default: &str) -> String {
        self.values.get(name).map_or_else(|| default.to_owned(), Clone::clone)
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        self.values.get(name).map_or(default, |value| {
            value.parse().unwrap_or_else(|_| usage(&format!("--{name} {value}: not a number")))
        })
    }

    pub fn seconds(&self, name: &str, default: f64) -> Duration {
        Duration::try_from_secs_f64(self.number(name, default))
            .unwrap_or_else(|_| usage(&format!("--{name}: not a number of seconds")))
    }

    /// The server's process: `--pid PID`.
    pub fn pid(&self) -> u32 {
        match self.number("pid", 0) {
            0 => usage("--pid of the server is needed"),
            pid => pid,
        }
    }

    /// The server's address: `--addr HOST:PORT`.
    pub fn addr(&self) -> SocketAddr {
        self.text("addr", "127.0.0.1:3030")
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .unwrap_or_else(|| usage("--addr is not HOST:PORT"))
    }
}

pub fn usage(why: &str) -> ! {
    eprintln!(
        "loadgen: {why}\nusage: loadgen rpc|fanout|mixed|polling|paced|beside|idle|connect|storm|stalled --addr HOST:PORT --pid PID \
         [--option value …] (see README.md)"
    );
    std::process::exit(2)
}

//! The command line: `loadgen SCENARIO --name value …`.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// The options of every scenario.
const COMMON: [&str; 2] = ["addr", "pid"];

pub struct Args {
    values: HashMap<String, String>,
}

impl Args {
    /// The options of a scenario that knows, beside those of all, `known`.
    pub fn read(words: impl Iterator<Item = String>, known: &[&str]) -> Result<Args, String> {
        let mut words = words;
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|name| COMMON.contains(name) || known.contains(name))
            else {
                let all = COMMON.iter().chain(known).map(|name| format!(" --{name}")).collect::<String>();
                return Err(format!("no option {word} here; there are{all}"));
            };
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Args { values })
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

    /// `yes` or `no`; no unless it is said.
    pub fn flag(&self, name: &str) -> bool {
        match self.text(name, "no").as_str() {
            "yes" => true,
            "no" => false,
            other => usage(&format!("--{name} {other}: yes or no")),
        }
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
        "loadgen: {why}\nusage: loadgen rpc|data|fanout|mixed|polling|paced|beside|fair|idle|connect|storm|stalled --addr HOST:PORT --pid PID \
         [--option value …] (see README.md)"
    );
    std::process::exit(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, known: &[&str]) -> Result<Args, String> {
        Args::read(line.split(' ').map(str::to_owned), known)
    }

    #[test]
    fn a_scenario_takes_its_own_options_and_those_of_all() {
        let args = read("--pid 7 --wait 2.5", &["wait"]).unwrap();
        assert_eq!((args.pid(), args.number("wait", 5.0)), (7, 2.5));
    }

    #[test]
    fn the_option_of_another_scenario_is_refused() {
        let refused = read("--pid 7 --ops 10", &["secs"]).err().unwrap();
        assert_eq!(refused, "no option --ops here; there are --addr --pid --secs");
        assert_eq!(read("--pid", &[]).err().unwrap(), "--pid needs a value");
    }
}

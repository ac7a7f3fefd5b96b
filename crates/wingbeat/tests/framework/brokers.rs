//! Brokers for tests, which end with the process that has started them. The tests inside the crate start them as well.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Does what its standard input says, and removes everything when that ends: however this process ends, that does.
const SCRIPT: &str = r#"
set -eu
PATH=$PATH:/usr/sbin
dir=$(mktemp -d "${TMPDIR:-/tmp}/wingbeat-broker-XXXXXX")
server=
halt() { if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap 'halt; rm -rf "$dir"' EXIT
trap '' INT
cd "$dir"
echo "$dir"
while read -r command; do
  case $command in
    start) "$@" >>"$dir/log" 2>&1 </dev/null & server=$! ;;
    halt) halt ;;
    pause) kill -STOP "$server" ;;
    resume) kill -CONT "$server" ;;
  esac
  echo done
done
"#;

pub(crate) struct Broker {
    pub(crate) port: u16,
    /// Where it keeps its files.
    pub(crate) folder: PathBuf,
    process: Mutex<(Child, BufReader<ChildStdout>)>,
}

/// Redis with these options; absent, after saying so, where it is not installed.
pub(crate) fn redis(options: &[&str]) -> Option<Broker> {
    let broker = Broker::new("redis-server", |port| {
        let port = port.to_string();
        let own = ["--port", port.as_str(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        own.into_iter().chain(options.iter().copied()).map(str::to_owned).collect()
    })?;
    broker.start();
    Some(broker)
}

/// NATS with this configuration beside its address; absent, after saying so, where it is not installed.
pub(crate) fn nats(configuration: &str) -> Option<Broker> {
    let broker = Broker::new("nats-server", |_| ["-c", "configuration"].map(str::to_owned).to_vec())?;
    broker.write("configuration", &format!("listen: \"127.0.0.1:{}\"\n{configuration}\n", broker.port));
    broker.start();
    Some(broker)
}

impl Broker {
    /// One that is not started yet.
    pub(crate) fn new(program: &str, arguments: impl FnOnce(u16) -> Vec<String>) -> Option<Broker> {
        if !is_installed(program) {
            let message = format!("{program} is missing, so this was not tested: apt install {program}");
            assert!(env::var_os("CI").is_none(), "{message}");
            eprintln!("{message}");
            return None;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh", program]).args(arguments(port)).current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let folder = line(&mut answers).into();
        Some(Broker { port, folder, process: Mutex::new((child, answers)) })
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// `halt` as a crash does it, `pause`, or `resume`.
    pub(crate) fn tell(&self, what: &str) {
        let mut process = self.process.lock().unwrap();
        let (child, answers) = &mut *process;
        writeln!(child.stdin.as_mut().unwrap(), "{what}").unwrap();
        assert_eq!(line(answers), "done", "the broker could not {what}");
    }

    /// Ready when it takes connections.
    pub(crate) fn start(&self) {
        self.tell("start");
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(20), "the broker does not start: {}", log());
            sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Tells Redis a command without spaces in its arguments, and answers the text that it says, or else its first line.
    pub(crate) fn say(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "{command}\r\n").unwrap();
        let mut answer = BufReader::new(stream);
        let first = line(&mut answer);
        let Some(length) = first.strip_prefix('$') else { return first };
        let mut text = vec![0; length.parse().unwrap()];
        answer.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let (child, _) = self.process.get_mut().unwrap();
        drop(child.stdin.take());
        let _ = child.wait();
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.any(|folder: PathBuf| folder.join(program).exists())
}

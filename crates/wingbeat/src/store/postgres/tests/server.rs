//! A PostgreSQL server for tests, which ends with the process that has started it.

use super::super::{Postgres, PostgresSettings};
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// Does what its standard input says, and removes everything when that ends: however this process ends, that does.
const SCRIPT: &str = r#"
set -eu
bin=$1 port=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/wingbeat-postgres-XXXXXX")
server=
halt() { if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null || true; wait "$server" || true; server=; fi; }
trap 'halt; rm -rf "$dir"' EXIT
trap '' INT
"$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$dir/initdb" 2>&1 || { tr '\n' ' ' <"$dir/initdb"; exit 1; }
while read -r command; do
  case $command in
    start)
      "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c fsync=off \
        >>"$dir/log" 2>&1 </dev/null & server=$!
      until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
        kill -0 "$server" 2>/dev/null || { tr '\n' ' ' <"$dir/log"; exit 1; }
        sleep 0.02
      done ;;
    halt) halt ;;
  esac
  echo done
done
"#;

pub(in crate::store) struct TestServer {
    port: u16,
    databases: AtomicUsize,
    process: Mutex<(Child, BufReader<ChildStdout>)>,
}

/// The server of this process; absent, after saying so, where PostgreSQL is not installed.
pub(in crate::store) fn server() -> Option<&'static TestServer> {
    static SERVER: OnceLock<Option<TestServer>> = OnceLock::new();
    SERVER.get_or_init(TestServer::start).as_ref()
}

/// A database of its own on that server.
pub(in crate::store) async fn database() -> Option<Postgres> {
    let server = server()?;
    Some(server.database(PostgresSettings::default()).await)
}

impl TestServer {
    /// A server of its own, for tests that end it.
    pub(in crate::store) fn start() -> Option<TestServer> {
        let Some(programs) = programs() else {
            let message = "PostgreSQL is missing, so this was not tested: apt install postgresql";
            assert!(env::var_os("CI").is_none(), "{message}");
            eprintln!("{message}");
            return None;
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // It refuses to run as root.
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut command = Command::new(if is_root { "runuser" } else { "sh" });
        if is_root {
            command.args(["-u", "postgres", "--", "sh"]);
        }
        command.args(["-c", SCRIPT, "sh"]).arg(programs).arg(port.to_string()).current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let server = TestServer { port, databases: AtomicUsize::new(0), process: Mutex::new((child, answers)) };
        server.tell("start");
        Some(server)
    }

    /// `start`, or `halt`, as a crash does it.
    pub(in crate::store) fn tell(&self, what: &str) {
        let mut process = self.process.lock().unwrap();
        let (child, answers) = &mut *process;
        writeln!(child.stdin.as_mut().unwrap(), "{what}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n", "PostgreSQL could not {what}");
    }

    pub(in crate::store) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(in crate::store) async fn new_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let db = Postgres::connect(&self.url("postgres")).await.unwrap();
        db.batch(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    pub(in crate::store) async fn database(&self, settings: PostgresSettings) -> Postgres {
        Postgres::connect_with(&self.new_database().await, settings).await.unwrap()
    }
}

impl Postgres {
    /// Runs SQL.
    pub(in crate::store) async fn batch(&self, sql: &str) {
        let mut taken = self.take().await.unwrap();
        taken.work(async |connection| connection.batch(sql).await).await.unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let (child, _) = self.process.get_mut().unwrap();
        drop(child.stdin.take());
        let _ = child.wait();
    }
}

/// Where Debian has the newest, or where the path leads.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    let found = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    folders.into_iter().rev().chain(env::split_paths(&path)).find(found)
}

//! A MariaDB server for tests, which ends with the process that has started it.

use super::super::connection::Connection;
use super::super::{MariaDb, MariaDbSettings};
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// Does what its standard input says, and removes everything when that ends: however this process ends, that does.
const SCRIPT: &str = r#"
set -eu
template=$1 port=$2
shift 2
PATH=$PATH:/usr/sbin
dir=$(mktemp -d "${TMPDIR:-/tmp}/wingbeat-mariadb-XXXXXX")
server= making=
halt() { if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap 'halt; rm -rf "$dir" $making' EXIT
trap '' INT
user=--user=$(id -un)
if [ ! -d "$template" ]; then
  making=$(mktemp -d "$template-XXXXXX")
  mariadb-install-db --no-defaults "$user" --datadir="$making/data" --auth-root-authentication-method=normal \
    --skip-test-db --innodb-log-file-size=4M >"$dir/install" 2>&1 || { tr '\n' ' ' <"$dir/install"; exit 1; }
  # Somebody else may have been faster.
  mv -T "$making/data" "$template" 2>/dev/null || [ -d "$template" ]
  rm -rf "$making"
fi
cp -r "$template" "$dir/data"
# A server removes what others have left where it keeps its own for a while.
mkdir "$dir/tmp"
while read -r command; do
  case $command in
    start)
      mariadbd --no-defaults "$user" --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 \
        --socket="$dir/socket" --tmpdir="$dir/tmp" --pid-file="$dir/pid" --innodb-flush-method=nosync --innodb-log-file-size=4M \
        --innodb-buffer-pool-size=32M --skip-name-resolve "$@" >>"$dir/log" 2>&1 </dev/null & server=$!
      until mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root ping >/dev/null 2>&1; do
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

/// The server of this process; absent, after saying so, where MariaDB is not installed.
pub(in crate::store) fn server() -> Option<&'static TestServer> {
    static SERVER: OnceLock<Option<TestServer>> = OnceLock::new();
    SERVER.get_or_init(TestServer::start).as_ref()
}

/// A database of its own on that server.
pub(in crate::store) async fn database() -> Option<MariaDb> {
    Some(server()?.database(MariaDbSettings::default()).await)
}

impl TestServer {
    /// A server of its own, for tests that end it.
    pub(in crate::store) fn start() -> Option<TestServer> {
        TestServer::start_with(&[])
    }

    /// One with these options.
    pub(in crate::store) fn start_with(options: &[String]) -> Option<TestServer> {
        if !is_installed() {
            let message = "MariaDB is missing, so this was not tested: apt install mariadb-server";
            assert!(env::var_os("CI").is_none(), "{message}");
            eprintln!("{message}");
            return None;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // To make a new one takes seconds: it is done once, beside the program.
        let template = env::current_exe().unwrap().with_file_name("mariadb-template");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(template).arg(port.to_string()).args(options).current_dir("/");
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
        assert_eq!(answer, "done\n", "MariaDB could not {what}");
    }

    pub(in crate::store) fn url(&self, database: &str) -> String {
        format!("mariadb://root@127.0.0.1:{}/{database}", self.port)
    }

    pub(in crate::store) async fn new_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let db = MariaDb::connect(&self.url("")).await.unwrap();
        db.batch(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    pub(in crate::store) async fn database(&self, settings: MariaDbSettings) -> MariaDb {
        MariaDb::connect_with(&self.new_database().await, settings).await.unwrap()
    }
}

impl MariaDb {
    /// Runs SQL.
    pub(in crate::store) async fn batch(&self, sql: &str) {
        let mut taken = self.take().await.unwrap();
        taken.work(async |connection: &mut Connection| connection.batch(sql).await).await.unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let (child, _) = self.process.get_mut().unwrap();
        drop(child.stdin.take());
        let _ = child.wait();
    }
}

fn is_installed() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.any(|folder: PathBuf| folder.join("mariadbd").exists())
}

//! Servers in processes of their own: the original, and ours.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use wingbeat_client::{Builder, Client, Reconnection};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Node,
    Wingbeat,
    /// Socket.IO alone, with connection state recovery.
    Bare,
    /// Wingbeat with it.
    Recovery,
}

pub(crate) struct Fixture {
    target: Target,
    state: &'static str,
    child: Child,
    pub(crate) port: u16,
}

impl Fixture {
    pub(crate) fn start(target: Target, state: &'static str) -> Fixture {
        let (child, port) = spawn(target, state, 0);
        Fixture { target, state, child, port }
    }

    /// Socket.IO's own server, with connection state recovery.
    pub(crate) fn bare(state: &'static str) -> Fixture {
        Fixture::start(Target::Bare, state)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client that comes back soon.
    pub(crate) fn client(&self) -> Builder {
        let soon = std::time::Duration::from_millis(50);
        Client::builder(&self.url()).reconnection(Reconnection::default().delay(soon).max_delay(soon))
    }

    /// Ends without a goodbye.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same port, with everything forgotten.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Starts again after a kill.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.port) = spawn(self.target, self.state, self.port);
    }

    /// Stops answering, as a hung process does, or goes on.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(target: Target, state: &str, port: u16) -> (Child, u16) {
    let mut command = match target {
        Target::Node => node("feathers/fixture.mjs"),
        Target::Bare => node("interop/recovery-server.mjs"),
        Target::Wingbeat => Command::new(built("fixture")),
        Target::Recovery => Command::new(built("recovery")),
    };
    command.args(["--state", state, "--port", &port.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
    (child, port.unwrap_or_else(|| panic!("the fixture said {line:?}")))
}

fn node(script: &str) -> Command {
    let conformance = root().join("conformance");
    assert!(conformance.join("node_modules").exists(), "run `npm ci` in conformance/ first");
    let mut command = Command::new("node");
    command.arg(conformance.join(script));
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds a server of ours, once, beside this test.
fn built(name: &'static str) -> PathBuf {
    static PATHS: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut paths = PATHS.lock().unwrap();
    let path = paths.entry(name).or_insert_with(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "conformance", "--bin", name, "--target-dir"]);
        cargo.arg(folder.parent().unwrap()).current_dir(root());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "{name} does not build");
        folder.join(name)
    });
    path.clone()
}

//! What a server process needs besides its application: memory, file descriptors, a log, words for what goes wrong.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

// When many clients come back at once, each costs memory for a moment. The system's allocator keeps those pages for ever,
// this one gives them back in the background.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// With fewer connections a chat on the open internet would soon be full.
const FEW: u64 = 4096;

/// Writes to stderr what `RUST_LOG` asks for; if it asks for nothing, what is worth knowing (at level info the framework
/// also tells when it starts and ends).
pub(crate) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,wingbeat=warn,h2=error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(io::stderr().is_terminal());
    log.with_target(false).without_time().with_writer(io::stderr).init();
}

/// Every connection takes a file descriptor: takes as many as the system allows.
pub(crate) fn allow_many_connections() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < FEW => {
            tracing::warn!("only {limit} file descriptors are allowed, and each connection takes one: see `ulimit -n`");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of file descriptors is unknown"),
    }
}

/// Makes a file that others can not read, if there is none yet; what SQLite puts beside it is then the same.
pub(crate) fn make_private(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Why a port can not be used, and what to do.
pub(crate) fn cannot_listen(port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken; choose another: --port {}", other(port)),
        io::ErrorKind::PermissionDenied => format!("port {port} needs rights that we do not have; try --port 3030"),
        _ => format!("can not listen on port {port}: {error}"),
    }
}

fn other(port: u16) -> u16 {
    if port == 8080 { 3030 } else { 8080 }
}

/// Where a browser on this machine finds the listener.
pub(crate) fn url(listener: &TcpListener) -> io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(format!("http://{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_a_way_out() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = TcpListener::bind(("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(cannot_listen(port, &error), format!("port {port} is taken; choose another: --port 8080"));
    }

    #[tokio::test]
    async fn a_listener_on_all_addresses_is_found_on_this_machine() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(url(&listener).unwrap(), format!("http://127.0.0.1:{port}"));
    }
}

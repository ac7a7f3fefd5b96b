//! The server's options.

use std::time::Duration;

/// The options of an [`Engine`](crate::Engine). The defaults are those of the reference server, and safe limits.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) path: Box<str>,
    pub(crate) polling: bool,
    pub(crate) websocket: bool,
    pub(crate) allow_upgrades: bool,
    pub(crate) max_payload: usize,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) outbox_limit: usize,
    pub(crate) max_running: usize,
    pub(crate) max_orphans: usize,
    pub(crate) max_args: usize,
    pub(crate) max_attachments: usize,
    pub(crate) max_namespaces: usize,
    pub(crate) max_connections: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            path: "/socket.io/".into(),
            polling: true,
            websocket: true,
            allow_upgrades: true,
            max_payload: 1_000_000,
            ping_interval: Duration::from_millis(25_000),
            ping_timeout: Duration::from_millis(20_000),
            upgrade_timeout: Duration::from_millis(10_000),
            connect_timeout: Duration::from_millis(45_000),
            outbox_limit: 4 << 20,
            max_running: 128,
            max_orphans: 10_000,
            max_args: 64,
            max_attachments: 10,
            max_namespaces: 64,
            max_connections: 1_000_000,
        }
    }
}

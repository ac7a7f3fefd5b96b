//! The options of the Socket.IO server in each state (FIXTURE.md, section 5).

use std::time::Duration;
use wingbeat::engine::{Config, Cookie, Cors, Origins};
use wingbeat::{Error, Result};

/// Where the client's bundles are, as npm installs them; `WINGBEAT_CLIENT_FILES` names another place.
const CLIENT_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/socket.io-client/dist");

/// Not of FIXTURE.md either: sockets have a port of their own.
pub(crate) const TWO_PORTS: &str = "two-ports";

pub(crate) fn config(state: &str) -> Result<Config> {
    let files = std::env::var("WINGBEAT_CLIENT_FILES").unwrap_or_else(|_| CLIENT_FILES.to_owned());
    let config = Config::default();
    let with_files = config.clone().client_files(files);
    Ok(match state {
        "base" | "none" | "production" | "nopublish" | "auth-jwt-local" | "auth-none" | "auth-parse-only"
        | "auth-1s" | "auth-noentity" => with_files,
        "polling-only" => with_files.transports(true, false),
        "websocket-only" => with_files.transports(false, true),
        "path-ws" => with_files.path("/ws/"),
        "cors" => with_files.cors(Cors::new(Origins::Mirror).credentials(true)),
        "allow-request" => with_files.allow_request(|_| async { Err("not today".into()) }),
        "cookie" => with_files.cookie(Cookie::default()),
        "fast-ping" => with_files.ping_interval(Duration::from_millis(300)).ping_timeout(Duration::from_millis(200)),
        "small-buffer" => with_files.max_http_buffer_size(1000),
        "no-client" => config.serve_client(false),
        // Not of FIXTURE.md: for clients that speak MessagePack, and for messages of many megabytes.
        "msgpack" => config.msgpack(true),
        "large" => config.max_http_buffer_size(20 << 20),
        TWO_PORTS => with_files,
        "recovery" | "recovery-mw" => with_files,
        other => return Err(Error::general(format!("There is no state '{other}' yet"))),
    })
}

//! The server's options.

mod check;
mod cookie;
mod cors;
mod limits;

pub use cookie::{Cookie, SameSite};
pub use cors::{Cors, Origins};

use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::request::Parts;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

type AllowRequest = Arc<dyn Fn(&Parts) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;
type EditHeaders = Arc<dyn Fn(&mut HeaderMap, &Parts) + Send + Sync>;

/// No span is longer: twice this is as long as JavaScript's timers can wait, and clients wait for a ping and its answer.
const LONGEST: Duration = Duration::from_millis((1 << 30) - 1);

/// The options of an [`Engine`](crate::Engine). Names and defaults are those of the reference server; limits that it
/// lacks are safe by default. Spans are at most twelve days: a longer one counts as that.
///
/// ```
/// use std::time::Duration;
/// use wingbeat_engine::{Config, Cors};
///
/// let config = Config::default()
///     .path("/ws")
///     .ping_interval(Duration::from_secs(10))
///     .cors(Cors::origins(["https://example.com"]).credentials(true));
/// ```
#[derive(Clone)]
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
    pub(crate) msgpack: bool,
    pub(crate) http_compression: Option<usize>,
    pub(crate) client_files: Option<PathBuf>,
    pub(crate) serve_client: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) check_origin: Option<Origins>,
    pub(crate) same_origin: bool,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) allow_request: Option<AllowRequest>,
    pub(crate) initial_headers: Option<EditHeaders>,
    pub(crate) headers: Option<EditHeaders>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) forwarded: bool,
    pub(crate) outbox_limit: Option<usize>,
    pub(crate) outbox_total: Option<usize>,
    pub(crate) min_data_rate: u32,
    pub(crate) max_running: usize,
    pub(crate) max_orphans: usize,
    pub(crate) max_args: usize,
    pub(crate) max_attachments: usize,
    pub(crate) max_namespaces: usize,
    pub(crate) max_connections: usize,
    pub(crate) connections_per_address: Option<usize>,
    pub(crate) handshakes_per_address: Option<u32>,
    pub(crate) events_per_second: Option<u32>,
    /// The letters of this server, or what cannot be any.
    node: Option<Result<[u8; 2], Box<str>>>,
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
            msgpack: false,
            http_compression: Some(1024),
            client_files: None,
            serve_client: true,
            cors: None,
            check_origin: None,
            same_origin: false,
            cookie: None,
            allow_request: None,
            initial_headers: None,
            headers: None,
            trusted_proxies: Vec::new(),
            forwarded: false,
            outbox_limit: None,
            outbox_total: None,
            min_data_rate: 1024,
            max_running: 128,
            max_orphans: 10_000,
            max_args: 64,
            max_attachments: 10,
            max_namespaces: 64,
            max_connections: 1_000_000,
            connections_per_address: None,
            handshakes_per_address: None,
            events_per_second: None,
            node: None,
        }
    }
}

impl Config {
    /// The path under which the engine answers, with a slash at its end. Default `/socket.io/`.
    pub fn path(mut self, path: &str) -> Config {
        let inner = path.trim_matches('/');
        self.path = if inner.is_empty() { "/".into() } else { format!("/{inner}/").into() };
        self
    }

    /// Whether the path ends with a slash, the default. Without, `/socket.io?EIO=4…` is answered as well. To be set
    /// after [`path`](Config::path).
    pub fn add_trailing_slash(mut self, slash: bool) -> Config {
        let inner = self.path.trim_end_matches('/');
        self.path = if slash || inner.is_empty() { format!("{inner}/").into() } else { inner.into() };
        self
    }

    /// The transports that clients may use. Default both.
    pub fn transports(mut self, polling: bool, websocket: bool) -> Config {
        (self.polling, self.websocket) = (polling, websocket);
        self
    }

    /// Whether clients may move from polling to WebSocket. Default yes.
    pub fn allow_upgrades(mut self, allow: bool) -> Config {
        self.allow_upgrades = allow;
        self
    }

    /// The largest message or polling body that is accepted, in bytes. A larger message closes its WebSocket with 1009
    /// and ends the session, a larger body is answered 413. Default 1,000,000. What may wait to be sent
    /// [follows it](Config::outbox_limit).
    pub fn max_http_buffer_size(mut self, bytes: usize) -> Config {
        self.max_payload = bytes;
        self
    }

    /// Two letters (`A-Z a-z 0-9 _ -`) that tell this server from the others behind a balancer, such as `n1`: session ids
    /// (`sid`) end with them, so that the balancer finds the server to which a polling session belongs. WebSockets need
    /// nothing of the kind. A request for a session of another server is answered as one for an unknown session, and
    /// [counted](crate::Engine::foreign_requests). None by default.
    pub fn node(mut self, letters: &str) -> Config {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let node = letters.as_bytes().try_into().ok().filter(|node: &[u8; 2]| node.iter().all(is_letter));
        self.node = Some(node.ok_or_else(|| letters.into()));
        self
    }

    /// The letters, in a config that was checked.
    pub(crate) fn letters(&self) -> Option<[u8; 2]> {
        self.node.as_ref()?.as_ref().ok().copied()
    }

    /// The time between a client's pong and the next ping. Default 25 s.
    pub fn ping_interval(mut self, interval: Duration) -> Config {
        self.ping_interval = interval.min(LONGEST);
        self
    }

    /// How long a client has to answer a ping. One that has not ends with [`PingTimeout`](crate::Reason::PingTimeout);
    /// one that is still busy [taking](Config::min_data_rate) what waits for it, or that is not read from because it sends
    /// more than it may, has longer. Default 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Config {
        self.ping_timeout = timeout.min(LONGEST);
        self
    }

    /// How long a client has to complete the move to a WebSocket. Then the WebSocket is closed, and the session stays
    /// on polling. Default 10 s.
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Config {
        self.upgrade_timeout = timeout.min(LONGEST);
        self
    }

    /// How long a client has to join a namespace. A client without a namespace is disconnected then. Default 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Config {
        self.connect_timeout = timeout.min(LONGEST);
        self
    }

    /// Speaks MessagePack instead of JSON, to clients with `socket.io-msgpack-parser`. Default no.
    ///
    /// Packets are translated where they come in and go out, what many are sent once for all of them: choose it for clients
    /// that need it, not for speed.
    pub fn msgpack(mut self, msgpack: bool) -> Config {
        self.msgpack = msgpack;
        self
    }

    /// From how many bytes on the answers to polls are compressed, if the client accepts gzip. Default 1024; `None`
    /// for never. WebSockets are not compressed: `docs/socketio-options.md` says why.
    #[doc(alias = "perMessageDeflate")]
    pub fn http_compression(mut self, threshold: Option<usize>) -> Config {
        self.http_compression = threshold;
        self
    }

    /// The folder `dist` of the npm package `socket.io-client`: its bundles are served under the engine's path, as
    /// `socket.io.js` and so on. Without it they are answered with 404, and the log names this option.
    pub fn client_files(mut self, folder: impl Into<PathBuf>) -> Config {
        self.client_files = Some(folder.into());
        self
    }

    /// Whether requests for the client's bundles are answered as such, by [`client_files`](Config::client_files) or 404.
    /// Without, they are requests like all others, refused with `Transport unknown` as by the reference, and nothing is
    /// logged. Default yes.
    pub fn serve_client(mut self, serve: bool) -> Config {
        self.serve_client = serve;
        self
    }

    /// Lets pages of other origins use polling, and read the answers. Default: no CORS headers.
    pub fn cors(mut self, cors: Cors) -> Config {
        self.cors = Some(cors);
        self
    }

    /// Refuses WebSockets that come from pages of other origins. Browsers apply no CORS to WebSockets, so a page of
    /// any site could use the visitor's cookies.
    ///
    /// By default requests are checked against the [CORS](Config::cors) option if a [cookie](Config::cookie) is set.
    /// Requests without an origin, and those of the server's own, are always accepted.
    pub fn check_origin(mut self, origins: Origins) -> Config {
        self.check_origin = Some(origins);
        self
    }

    /// Only for pages of the server's own: WebSockets and polling from pages of other origins are refused with status 403
    /// (a WebSocket with 400), but for those that [`check_origin`](Config::check_origin) or else [`cors`](Config::cors)
    /// names. Without this, any page that a visitor has open can talk to a server on the visitor's own machine or network.
    ///
    /// Browsers say in `Origin` where a page is from; what says nothing is not a foreign page, and accepted. The server's own
    /// origin is the `Host` that was asked, or the `X-Forwarded-Host` of [trusted proxies](Config::trusted_proxies): other
    /// proxies have to pass the browser's `Host` on. A name that its owner points at this machine counts as its own.
    pub fn same_origin(mut self) -> Config {
        self.same_origin = true;
        self
    }

    /// Sets a cookie with the session's id, for load balancers. Default none.
    pub fn cookie(mut self, cookie: Cookie) -> Config {
        self.cookie = Some(cookie);
        self
    }

    /// Is asked about every handshake. An error refuses it with this text: long-polling with status 403, a WebSocket with
    /// 400, as from the reference server.
    pub fn allow_request<F, A>(mut self, allow: F) -> Config
    where
        F: Fn(&Parts) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.allow_request = Some(Arc::new(move |parts| Box::pin(allow(parts))));
        self
    }

    /// May change the headers of the answer to a session's first request.
    pub fn initial_headers(mut self, edit: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) -> Config {
        self.initial_headers = Some(Arc::new(edit));
        self
    }

    /// May change the headers of the answers to all requests of sessions, the first included.
    pub fn headers(mut self, edit: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) -> Config {
        self.headers = Some(Arc::new(edit));
        self
    }

    /// Trusted proxies: the client's address is then the last one in `X-Forwarded-For` that is not such a proxy,
    /// and whether its connection is encrypted says `X-Forwarded-Proto`. They have to set both, or at least to remove
    /// what a client sends under these names. Which host the client asked says `X-Forwarded-Host`. Default none.
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpAddr>) -> Config {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// Whether [trusted proxies](Config::trusted_proxies) speak by `Forwarded` (RFC 7239) instead of `X-Forwarded-For`,
    /// `X-Forwarded-Proto` and `X-Forwarded-Host`. Only one kind is read: a proxy that sets one passes on what clients put
    /// into the other. Default no.
    pub fn forwarded(mut self, standard: bool) -> Config {
        self.forwarded = standard;
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_brought_into_one_form() {
        let path = |config: Config| config.path.to_string();
        assert_eq!(path(Config::default().path("ws")), "/ws/");
        assert_eq!(path(Config::default().path("/a/b/")), "/a/b/");
        assert_eq!(path(Config::default().path("/")), "/");
        assert_eq!(path(Config::default().add_trailing_slash(false)), "/socket.io");
    }
}

//! How a client came.

use std::net::SocketAddr;
use std::time::SystemTime;
use wingbeat_core::Headers;

/// Where a request comes from: to be put into its extensions by whoever accepts connections.
///
/// [`serve`](crate::serve) does it. In other servers a request without it counts as coming from `0.0.0.0:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address of the client, or of the proxy before it.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

/// The request that began a session.
#[derive(Clone, Debug)]
pub struct Handshake {
    headers: Headers,
    /// Path and query.
    url: Box<str>,
    peer: Peer,
    time: SystemTime,
}

impl Handshake {
    pub(crate) fn new<B>(request: &http::Request<B>) -> Handshake {
        let headers = request.headers();
        let text = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let unknown = Peer { address: SocketAddr::from(([0, 0, 0, 0], 0)), secure: false };
        Handshake {
            headers: text.collect(),
            url: request.uri().path_and_query().map_or("/", |url| url.as_str()).into(),
            peer: request.extensions().get::<Peer>().copied().unwrap_or(unknown),
            time: SystemTime::now(),
        }
    }

    /// The request's headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Path and query of the request.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The query of the request, as it came.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The client's address.
    pub fn address(&self) -> SocketAddr {
        self.peer.address
    }

    /// When the session began.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// Whether the connection is encrypted.
    pub fn secure(&self) -> bool {
        self.peer.secure
    }

    /// Whether the request names an origin, as browsers do across sites.
    pub fn xdomain(&self) -> bool {
        self.headers.get("origin").is_some()
    }
}

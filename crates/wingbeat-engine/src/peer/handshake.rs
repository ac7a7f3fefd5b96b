//! How a client came.

use super::forwarded;
use crate::config::Config;
use http::request::Parts;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use wingbeat_core::Headers;

/// Where a request comes from: to be put into its extensions by whoever accepts connections.
///
/// [`serve`](crate::serve) does it. In other servers a request without it counts as coming from `0.0.0.0:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The address of the client, or of the proxy before it.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Peer {
    /// A client at this address, over a connection that is not encrypted.
    pub fn new(address: SocketAddr) -> Peer {
        Peer { address, secure: false }
    }

    /// The same, over an encrypted connection.
    #[must_use]
    pub fn encrypted(mut self) -> Peer {
        self.secure = true;
        self
    }
}

/// The request that began a session.
#[derive(Clone)]
pub struct Handshake {
    headers: Headers,
    /// Path and query.
    url: Box<str>,
    peer: Peer,
    /// In milliseconds since 1970, as the reference server tells it: half of what a `SystemTime` takes.
    time: u64,
}

impl Handshake {
    pub(crate) fn new(request: &Parts, config: &Config) -> Handshake {
        let unknown = Peer { address: SocketAddr::from(([0, 0, 0, 0], 0)), secure: false };
        let peer = request.extensions.get::<Peer>().copied().unwrap_or(unknown);
        let peer = forwarded::client(peer, &request.headers, config);
        Handshake {
            headers: Headers::from(&request.headers),
            url: request.uri.path_and_query().map_or("/", |url| url.as_str()).into(),
            peer,
            time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
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

    /// The query of the request, decoded, as pairs of names and values.
    ///
    /// ```
    /// # fn tenant(handshake: &wingbeat_engine::Handshake) -> Option<String> {
    /// let mut pairs = handshake.query_pairs();
    /// pairs.find(|(name, _)| name == "tenant").map(|(_, tenant)| tenant.into_owned())
    /// # }
    /// ```
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query().as_bytes())
    }

    /// The client's address: behind [trusted proxies](Config::trusted_proxies) what they say, with port 0 if they name
    /// none.
    pub fn address(&self) -> SocketAddr {
        self.peer.address
    }

    /// When the session began, to the millisecond.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.time)
    }

    /// Whether the client's connection is encrypted: behind [trusted proxies](Config::trusted_proxies) what they say.
    pub fn secure(&self) -> bool {
        self.peer.secure
    }

    /// Whether the request names an origin, as browsers do across sites.
    pub fn xdomain(&self) -> bool {
        self.headers.get("origin").is_some()
    }
}

impl fmt::Debug for Handshake {
    /// Without the query, and of the headers only the names: both can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("Handshake")
            .field("path", &path)
            .field("headers", &self.headers)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let parts = http::Request::get("/x?a%20b=%C3%A9+1&c").body(()).unwrap().into_parts().0;
        let handshake = Handshake::new(&parts, &Config::default());
        let pairs: Vec<_> =
            handshake.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        assert_eq!(pairs, [("a b".to_owned(), "\u{e9} 1".to_owned()), ("c".to_owned(), String::new())]);
        assert_eq!(handshake.query(), "a%20b=%C3%A9+1&c");
    }

    #[test]
    fn what_may_be_secret_is_not_printed() {
        let request =
            http::Request::get("/x?token=s3cret").header("authorization", "s3cret").header("cookie", "s3cret");
        let printed = format!("{:?}", Handshake::new(&request.body(()).unwrap().into_parts().0, &Config::default()));
        assert!(!printed.contains("s3cret") && printed.contains("authorization"), "{printed}");
    }
}

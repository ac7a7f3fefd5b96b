//! How a client came.

use http::request::Parts;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};
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
    /// In milliseconds since 1970, as the reference server tells it: half of what a `SystemTime` takes.
    time: u64,
}

impl Handshake {
    pub(crate) fn new(request: &Parts, proxies: &[IpAddr]) -> Handshake {
        let text = request.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let unknown = Peer { address: SocketAddr::from(([0, 0, 0, 0], 0)), secure: false };
        let mut peer = request.extensions.get::<Peer>().copied().unwrap_or(unknown);
        // A listener for both families sees IPv4 addresses as parts of IPv6.
        let trusted = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == address.to_canonical());
        if trusted(&peer.address.ip()) {
            // The last one was added by the proxy that we trust, to a line of the client's or as one of its own; who stands
            // before an untrusted one, anybody can say.
            let lines = request.headers.get_all("x-forwarded-for").iter().rev();
            let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
            let mut hops = hops.map_while(|hop| hop.trim().parse::<IpAddr>().ok());
            if let Some(client) = hops.find(|hop| !trusted(hop)) {
                peer.address = SocketAddr::new(client, 0);
            }
        }
        Handshake {
            headers: text.collect(),
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

    /// The client's address.
    pub fn address(&self) -> SocketAddr {
        self.peer.address
    }

    /// When the session began, to the millisecond.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.time)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &str, proxies: &[IpAddr]) -> String {
        let peer = Peer { address: peer.parse().unwrap(), secure: false };
        let request = http::Request::get("/").extension(peer);
        let request = forwarded.split('\n').fold(request, |request, line| request.header("x-forwarded-for", line));
        let request = request.body(()).unwrap();
        Handshake::new(&request.into_parts().0, proxies).address().ip().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(address("10.0.0.1:80", "6.6.6.6, 1.2.3.4, 10.0.0.2", &proxies), "1.2.3.4");
        assert_eq!(address("9.9.9.9:80", "1.2.3.4", &proxies), "9.9.9.9");
        assert_eq!(address("10.0.0.1:80", "1.2.3.4, nonsense", &proxies), "10.0.0.1");
        // However the addresses are written.
        assert_eq!(address("[::ffff:10.0.0.1]:80", "1.2.3.4, ::ffff:10.0.0.2", &proxies), "1.2.3.4");
        let mapped = ["::ffff:10.0.0.1".parse().unwrap()];
        assert_eq!(address("10.0.0.1:80", "1.2.3.4", &mapped), "1.2.3.4");
        // A line that the client has sent stands before the one of the proxy.
        assert_eq!(address("10.0.0.1:80", "6.6.6.6\n1.2.3.4", &proxies), "1.2.3.4");
        assert_eq!(address("10.0.0.1:80", "6.6.6.6\n1.2.3.4\n10.0.0.2", &proxies), "1.2.3.4");
    }
}

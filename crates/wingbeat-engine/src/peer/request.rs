//! What a configuration says of any HTTP request: where it comes from, and from which page.

use super::{Peer, forwarded};
use crate::config::{Config, Cors};
use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;

impl Config {
    /// Where a request comes from: its [`Peer`], or the client that [trusted proxies](Config::trusted_proxies) name.
    /// Nothing if whoever accepted the connection said nothing.
    pub fn client(&self, request: &Parts) -> Option<Peer> {
        let peer = request.extensions.get::<Peer>()?;
        Some(self.client_behind(*peer, &request.headers))
    }

    /// As [`client`](Config::client), of whom these headers came from.
    pub fn client_behind(&self, peer: Peer, headers: &HeaderMap) -> Peer {
        forwarded::client(peer, headers, self)
    }

    /// Whether a request may come from the page that it comes from, as [`check_origin`](Config::check_origin),
    /// [`same_origin`](Config::same_origin) and CORS say.
    pub fn accepts_origin(&self, request: &Parts) -> bool {
        let allows = |origin: &str| match (&self.check_origin, &self.cors) {
            (Some(origins), _) => origins.contain(origin),
            (None, Some(cors)) => cors.allows(origin),
            (None, None) => false,
        };
        if self.check_origin.is_none() && self.cookie.is_none() && !self.same_origin {
            return true;
        }
        let Some(origin) = request.headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let own = origin.split_once("://").is_some_and(|(_, authority)| self.is_asked(authority, request));
        own || allows(origin)
    }

    /// Whether a request is for this host, as far as it says so itself or a trusted proxy does.
    fn is_asked(&self, authority: &str, request: &Parts) -> bool {
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        // HTTP/2 names the host in the URI.
        let host = host.or_else(|| request.uri.authority().map(Authority::as_str));
        let is_same = |host: &str| host.eq_ignore_ascii_case(authority);
        let peer = request.extensions.get::<Peer>().map(|peer| peer.address.ip());
        let passed_on = || peer.and_then(|peer| forwarded::host(peer, &request.headers, self));
        host.is_some_and(is_same) || passed_on().is_some_and(|host| is_same(&host))
    }

    /// The headers that let pages of other origins read an answer.
    pub fn cors_headers(&self) -> Option<&Cors> {
        self.cors.as_ref()
    }
}

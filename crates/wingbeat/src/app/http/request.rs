//! Requests that are no transport's: who makes them.

#[cfg(feature = "axum")]
use super::HttpBody;
use crate::app::App;
use crate::realtime::Headers;
use crate::service::{Params, invocation::Caller};
use http::Extensions;
#[cfg(feature = "axum")]
use http::Request;
use http::request::Parts;
use std::net::IpAddr;
use wingbeat_engine::Peer;

/// The transport whose calls those of other HTTP requests are like.
const REST: &str = "rest";

impl App {
    /// The params that a call over [`Rest`](crate::Rest) with the headers of this request would have: `provider` is
    /// `"rest"`, `headers`, `address` and `authentication` are the request's. So a route of your own calls services as
    /// the client, and their hooks decide about it. The query is empty: what the request's query string means is the
    /// route's to say.
    ///
    /// ```
    /// use http::request::Parts;
    /// use wingbeat::prelude::*;
    ///
    /// async fn newest(app: &App, request: &Parts) -> Result<Payload> {
    ///     let mut params = app.params_from(request);
    ///     params.query.set("$limit", 1);
    ///     app.service("notes").dispatched().find(params).await
    /// }
    /// ```
    ///
    /// Such calls may reach methods that clients may not call, because the route makes them; and they answer what the server
    /// sees. What is shown to the client had better be asked for with
    /// [`dispatched`](crate::service::ServiceHandle::dispatched).
    ///
    /// Proxies are believed as the transport `Rest` is told to, or Socket.IO where there is no `Rest`.
    ///
    /// # Panics
    /// If a strategy of your own does, at a header.
    pub fn params_from(&self, request: &Parts) -> Params {
        let headers = Headers::from(&request.headers);
        let mut params = Params::new();
        Caller::Request { provider: REST, headers: &headers, address: self.address_of(request) }.introduce(&mut params);
        if let Some(authentication) = self.0.registry.load().authentication(&headers) {
            params.set("authentication", authentication);
        }
        params
    }

    fn address_of(&self, request: &Parts) -> Option<IpAddr> {
        let peer = peer_of(&request.extensions)?;
        let transports = self.0.http.transports().iter().filter_map(|transport| transport.client_addresses.as_ref());
        let proxies = transports.min_by_key(|(provider, _)| *provider != REST);
        let client = proxies.map_or(peer, |(_, proxies)| proxies.client_behind(peer, &request.headers));
        Some(client.address.ip())
    }
}

/// Who has made a request, as far as somebody has said it.
fn peer_of(extensions: &Extensions) -> Option<Peer> {
    let peer = extensions.get::<Peer>().copied();
    #[cfg(feature = "axum")]
    let peer = peer.or_else(|| {
        use axum::extract::ConnectInfo;
        let ConnectInfo(address) = extensions.get::<ConnectInfo<std::net::SocketAddr>>()?;
        Some(Peer::new(*address))
    });
    peer
}

/// Takes over what axum knows of the client. Who has said more than that, is believed.
#[cfg(feature = "axum")]
pub(super) fn with_peer(request: &mut Request<HttpBody>) {
    if let Some(peer) = peer_of(request.extensions()) {
        request.extensions_mut().insert(peer);
    }
}

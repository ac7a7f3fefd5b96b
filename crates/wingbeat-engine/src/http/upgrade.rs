//! Requests that become WebSockets.

use super::Body;
use super::answer::{Refused, empty};
use super::service::edit_headers;
use crate::engine::Shared;
use crate::handshake::Handshake;
use crate::link::{Link, Via};
use crate::serve::Patient;
use crate::session::Session;
use crate::ws::{self, Io, WebSocket};
use bytes::Bytes;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use wingbeat_core::packet::Frame;

/// Begins a session on a WebSocket.
pub(super) fn begin(shared: &Arc<Shared>, parts: &mut Parts) -> Response<Body> {
    let Some((mut response, on)) = switch(parts) else { return Refused::BadRequest.text() };
    let handshake = Handshake::new(parts, &shared.config.trusted_proxies);
    let link = match shared.register(handshake, Via::WebSocket) {
        Ok(link) => link,
        Err(full) => return empty(full.status()),
    };
    edit_headers(shared, parts, response.headers_mut(), Some(&link));
    let pending = Pending(Some(link));
    tokio::spawn(establish(on, pending));
    response
}

/// Offers a WebSocket to a session that is on polling.
pub(super) fn offer(link: &Arc<Link>, parts: &mut Parts) -> Response<Body> {
    let Some((mut response, on)) = switch(parts) else { return Refused::BadRequest.text() };
    edit_headers(&link.engine, parts, response.headers_mut(), None);
    let link = link.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = on.await else { return };
        let ws = take_back(upgraded);
        let wanted = link.engine.config.allow_upgrades && link.via() == Via::Polling;
        let refused = match link.polls() {
            Some(mut polls) if wanted && !polls.upgrading => {
                polls.offer(ws);
                None
            }
            _ => Some(ws),
        };
        match refused {
            None => link.wake(),
            Some(ws) => ws::refuse(&link.engine, ws),
        }
    });
    response
}

/// The packet that begins a session: as the body of a poll, and as a frame.
pub(super) fn open_packet(link: &Link, upgrades: bool) -> (Bytes, Frame) {
    let config = &link.engine.config;
    let json = format!(
        r#"0{{"sid":"{}","upgrades":[{}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        link.id.as_str(),
        if upgrades { r#""websocket""# } else { "" },
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    );
    let frame = Frame::text(&[json.as_bytes()]);
    (json.into(), frame)
}

fn switch(parts: &mut Parts) -> Option<(Response<Body>, OnUpgrade)> {
    let accept = ws::accept(parts)?;
    let on = parts.extensions.remove::<OnUpgrade>()?;
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Some((response, on))
}

/// A session whose connection is not there yet. If it never is, the session is forgotten.
struct Pending(Option<Arc<Link>>);

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.set_via(Via::Nothing);
            link.engine.unregister(&link);
        }
    }
}

/// Waits for the connection, then gives it to a task of its own, so that nothing of the handshake is kept.
async fn establish(on: OnUpgrade, mut pending: Pending) {
    let Ok(upgraded) = on.await else { return };
    let ws = take_back(upgraded);
    if let Some(link) = pending.0.take() {
        link.push(&open_packet(&link, false).1);
        tokio::spawn(Session::on_websocket(link, ws));
    }
}

/// The TCP stream itself where there is one, without the layers that HTTP put around it.
fn take_back(upgraded: Upgraded) -> WebSocket {
    let upgraded = match upgraded.downcast::<TokioIo<Patient<TcpStream>>>() {
        Ok(parts) => return WebSocket::new(Io::Tcp(parts.io.into_inner().into_inner()), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return WebSocket::new(Io::Tcp(parts.io.into_inner()), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => WebSocket::new(Io::Tcp(parts.io.into_inner()), &parts.read_buf),
        Err(upgraded) => WebSocket::new(Io::Other(Box::new(TokioIo::new(upgraded))), b""),
    }
}

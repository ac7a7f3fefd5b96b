//! Requests that become WebSockets.

use super::Body;
use super::answer::{Refused, empty};
use super::service::edit_headers;
use crate::engine::{SessionHandle, Shared, TransportState, refuse};
use crate::peer::Handshake;
use crate::serve::{UpgradeHandoff, WriteTimeout};
use crate::session::Session;
use crate::ws::{self, Io, WebSocket};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;
use wingbeat_protocol::packet::Frame;

/// Begins a session on a WebSocket.
pub(super) fn begin(shared: &Arc<Shared>, parts: &mut Parts) -> Response<Body> {
    let (mut response, on) = match handoff(parts) {
        Ok(switched) => switched,
        Err(refused) => return refused.text(),
    };
    let handshake = Handshake::new(parts, &shared.config);
    let handle = match shared.register(handshake, TransportState::WebSocket) {
        Ok(handle) => handle,
        Err(full) => return empty(full.status()),
    };
    // From here on: what edits the headers may panic.
    let pending = Pending(Some(handle.clone()));
    edit_headers(shared, parts, response.headers_mut(), Some(&handle));
    let open = Frame::text(&open_packet(&handle, false));
    let handoff = parts.extensions.remove::<UpgradeHandoff>();
    match &handoff {
        Some(handoff) => handoff.say(open.into_bytes()),
        None => handle.push(&open),
    }
    tokio::spawn(Opening::Waiting(on, handoff, pending));
    response
}

/// Offers a WebSocket to a session that is on polling.
pub(super) fn offer(handle: &Arc<SessionHandle>, parts: &mut Parts) -> Response<Body> {
    let (mut response, on) = match handoff(parts) {
        Ok(switched) => switched,
        Err(refused) => return refused.text(),
    };
    edit_headers(&handle.engine, parts, response.headers_mut(), None);
    let handle = handle.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = on.await else { return };
        propose(&handle, take_back(upgraded));
    });
    response
}

/// Hands a WebSocket to a session that may want to move to it.
pub(crate) fn propose(handle: &Arc<SessionHandle>, ws: WebSocket) {
    let wanted = handle.engine.config.allow_upgrades && handle.transport() == TransportState::Polling;
    let refused = match handle.polls() {
        Some(mut polls) if wanted => polls.offer(ws),
        _ => Some(ws),
    };
    match refused {
        None => handle.wake(),
        Some(ws) => refuse(&handle.engine, ws),
    }
}

/// The packet that begins a session, in pieces.
pub(super) fn open_packet(handle: &SessionHandle, upgrades: bool) -> [&[u8]; 3] {
    let rest = &handle.engine.openings[usize::from(upgrades)];
    [br#"0{"sid":""#, handle.id.as_str().as_bytes(), rest.as_bytes()]
}

fn handoff(parts: &mut Parts) -> Result<(Response<Body>, OnUpgrade), Refused> {
    let accept = ws::accept(parts).map_err(Refused::Handshake)?;
    let on = parts.extensions.remove::<OnUpgrade>().ok_or(Refused::BadRequest)?;
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = ws::protocol(parts) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok((response, on))
}

/// A session whose connection is not there yet. If it never is, the session is forgotten.
struct Pending(Option<Arc<SessionHandle>>);

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.set_transport(TransportState::Ended);
            handle.engine.unregister(&handle);
        }
    }
}

/// Waits for the connection and is the session from then on. One task, but nothing of the handshake is kept.
#[expect(clippy::large_enum_variant, reason = "nearly all of its life it is the large one")]
enum Opening {
    Waiting(OnUpgrade, Option<UpgradeHandoff>, Pending),
    Open(Session),
}

impl Future for Opening {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let opening = self.get_mut();
        loop {
            let (on, handoff, pending) = match opening {
                Opening::Open(session) => return Pin::new(session).poll(cx),
                Opening::Waiting(on, handoff, pending) => (on, handoff, pending),
            };
            if let Some(handle) = &pending.0 {
                // So that the end of the server is noticed.
                handle.begin_turn(cx.waker());
                if handle.engine.is_closing() {
                    return Poll::Ready(());
                }
            }
            let upgraded = ready!(Pin::new(on).poll(cx));
            let Some((upgraded, handle)) = upgraded.ok().and_then(|upgraded| Some((upgraded, pending.0.take()?)))
            else {
                return Poll::Ready(());
            };
            let mut ws = take_back(upgraded);
            ws.append(handoff.take().map(|handoff| handoff.take()).filter(|unsent| !unsent.is_empty()));
            handle.outbox.count(ws.unsent());
            *opening = Opening::Open(Session::on_websocket(handle, ws));
        }
    }
}

/// The TCP stream itself where there is one, without the layers that HTTP put around it.
fn take_back(upgraded: Upgraded) -> WebSocket {
    let upgraded = match upgraded.downcast::<TokioIo<WriteTimeout<TcpStream>>>() {
        Ok(parts) => return WebSocket::new(Io::Tcp(parts.io.into_inner().into_inner()), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return foreign(parts.io.into_inner(), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => foreign(parts.io.into_inner(), &parts.read_buf),
        Err(upgraded) => WebSocket::new(Io::Other(Box::new(TokioIo::new(upgraded))), b""),
    }
}

/// A stream that another server has accepted, with the system's defaults. Ours has seen to that already.
fn foreign(stream: TcpStream, read: &[u8]) -> WebSocket {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    crate::serve::keep_little(&stream);
    WebSocket::new(Io::Tcp(stream), read)
}

//! The engine as a tower service.

use super::Body;
use super::answer::{Refused, empty};
use crate::Engine;
use crate::engine::Shared;
use crate::handshake::Handshake;
use crate::link::{Link, Via};
use crate::session::Session;
use crate::ws::{self, Io, WebSocket};
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tower_service::Service;
use wingbeat_core::packet::{Frame, write_header, Opcode};

/// The engine as a tower service, to be mounted in an axum or tower application.
#[derive(Clone, Debug)]
pub struct EngineService(Engine);

impl Engine {
    /// The engine as a tower service.
    pub fn service(&self) -> EngineService {
        EngineService(self.clone())
    }
}

impl<B> Service<Request<B>> for EngineService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = self.0.0.clone();
        Box::pin(async move { Ok(answer(shared, request).await) })
    }
}

/// What the query says.
#[derive(Debug, Default)]
struct Query<'a> {
    transport: &'a str,
    sid: Option<&'a str>,
    eio: &'a str,
}

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Query<'a> {
        let mut parsed = Query::default();
        for (name, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
            match name {
                "transport" => parsed.transport = value,
                "sid" => parsed.sid = Some(value),
                "EIO" => parsed.eio = value,
                _ => {}
            }
        }
        parsed
    }
}

async fn answer<B>(shared: Arc<Shared>, mut request: Request<B>) -> Response<Body> {
    if !shared.handles(request.uri().path()) {
        return empty(StatusCode::NOT_FOUND);
    }
    let is_upgrade = ws::is_upgrade(&request);
    match verify(&shared, &request, is_upgrade) {
        Err(refused) if is_upgrade => refused.text(),
        Err(refused) => refused.json(),
        Ok(_) if is_upgrade => upgrade(&shared, &mut request),
        Ok(_) => empty(StatusCode::NOT_IMPLEMENTED),
    }
}

/// The reference server's checks, in its order. The session that the request is for, if it names one.
fn verify<B>(shared: &Shared, request: &Request<B>, is_upgrade: bool) -> Result<Option<Arc<Link>>, Refused> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let config = &shared.config;
    let via = match query.transport {
        "polling" if config.polling => Via::Polling,
        "websocket" if config.websocket => Via::WebSocket,
        _ => return Err(Refused::UnknownTransport),
    };
    if is_upgrade && via != Via::WebSocket {
        return Err(Refused::BadRequest);
    }
    if let Some(sid) = query.sid {
        let link = shared.find(sid).ok_or(Refused::UnknownSession)?;
        if !is_upgrade && link.via() != via {
            return Err(Refused::BadRequest);
        }
        return Ok(Some(link));
    }
    if request.method() != http::Method::GET {
        return Err(Refused::BadMethod);
    }
    if via == Via::WebSocket && !is_upgrade {
        return Err(Refused::BadRequest);
    }
    if query.eio != "4" {
        return Err(Refused::UnsupportedVersion);
    }
    Ok(None)
}

fn upgrade<B>(shared: &Arc<Shared>, request: &mut Request<B>) -> Response<Body> {
    let Some(accept) = ws::accept(request) else { return Refused::BadRequest.text() };
    let Some(on) = request.extensions_mut().remove::<OnUpgrade>() else { return Refused::BadRequest.text() };
    let handshake = Handshake::new(request);
    tokio::spawn(establish(shared.clone(), on, handshake));
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Waits for the connection, then gives it to a task of its own, so that nothing of the handshake is kept.
async fn establish(shared: Arc<Shared>, on: OnUpgrade, handshake: Handshake) {
    let Ok(upgraded) = on.await else { return };
    let ws = take_back(upgraded);
    let Some(link) = shared.register(handshake, Via::WebSocket) else { return };
    link.push(&open_packet(&link, false));
    tokio::spawn(Session::on_websocket(link, ws));
}

/// The TCP stream itself where there is one, without the layers that HTTP put around it.
fn take_back(upgraded: Upgraded) -> WebSocket {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return WebSocket::new(Io::Tcp(parts.io.into_inner()), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => WebSocket::new(Io::Tcp(parts.io.into_inner()), &parts.read_buf),
        Err(upgraded) => WebSocket::new(Io::Other(Box::new(TokioIo::new(upgraded))), b""),
    }
}

fn open_packet(link: &Link, upgrades: bool) -> Frame {
    let config = &link.engine.config;
    let json = format!(
        r#"0{{"sid":"{}","upgrades":[{}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        link.id.as_str(),
        if upgrades { r#""websocket""# } else { "" },
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    );
    let mut bytes = Vec::with_capacity(json.len() + 4);
    write_header(&mut bytes, Opcode::Text, json.len());
    bytes.extend_from_slice(json.as_bytes());
    Frame::from_encoded(bytes.into())
}

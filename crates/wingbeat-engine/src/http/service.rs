//! The engine as a tower service.

use super::answer::{Refused, empty, with_type};
use super::client_files::client_file;
use super::request::{Purpose, verify};
use super::{Body, upgrade};
use crate::engine::polling::{self, Posted};
use crate::engine::{SessionHandle, Shared, TransportState};
use crate::gzip::{accepts_gzip, gzip_in_turns};
use crate::peer::Handshake;
use crate::session::Session;
use crate::{Engine, ws};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// The engine as a tower service, to be mounted in an axum or tower application.
///
/// It answers its own path: mounted where a prefix is taken off, set [`path`](crate::Config::path) to what is left.
/// Requests should carry a [`Peer`](crate::Peer), or clients have no address.
#[derive(Clone, Debug)]
pub struct EngineService(Engine);

impl Engine {
    /// The engine as a tower service.
    pub fn service(&self) -> EngineService {
        EngineService(self.clone())
    }

    /// Answers one request, as [`service`](Engine::service) does.
    pub fn answer<B>(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + Send + use<B>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
    {
        answer(self.0.clone(), request)
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
        Box::pin(self.0.answer(request).map(Ok))
    }
}

async fn answer<B>(shared: Arc<Shared>, request: Request<B>) -> Response<Body>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    if !shared.handles(request.uri().path()) {
        return empty(StatusCode::NOT_FOUND);
    }
    let (mut parts, body) = request.into_parts();
    let cors = shared.config.cors.as_ref();
    if let Some(cors) = cors
        && parts.method == Method::OPTIONS
    {
        let mut response = empty(StatusCode::NO_CONTENT);
        cors.preflight(&parts.headers, response.headers_mut());
        return response;
    }
    let mut response = match client_file(&shared, parts.uri.path(), &parts.headers).await {
        Some(response) => response,
        None => own(&shared, &mut parts, body).await,
    };
    if let Some(cors) = cors {
        cors.answer(&parts.headers, response.headers_mut());
    }
    response
}

async fn own<B>(shared: &Arc<Shared>, parts: &mut Parts, body: B) -> Response<Body>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    let is_upgrade = ws::is_upgrade(parts);
    let refuse = |refused: Refused| if is_upgrade { refused.text() } else { refused.json() };
    let purpose = match verify(shared, parts, is_upgrade) {
        Ok(purpose) => purpose,
        Err(refused) => return refuse(refused),
    };
    if let (Purpose::Handshake(_), Some(allow)) = (&purpose, &shared.config.allow_request)
        && let Err(message) = allow(parts).await
    {
        return refuse(Refused::Forbidden(if message.is_empty() { "Forbidden".into() } else { message.into() }));
    }
    match purpose {
        Purpose::Handshake(_) if shared.is_closing() => empty(StatusCode::SERVICE_UNAVAILABLE),
        Purpose::Handshake(TransportState::Polling) => {
            let handshake = Handshake::new(parts, &shared.config);
            let handle = match shared.register(handshake, TransportState::Polling) {
                Ok(handle) => handle,
                Err(full) => return empty(full.status()),
            };
            let open = upgrade::open_packet(&handle, shared.config.allow_upgrades && shared.config.websocket).concat();
            tokio::spawn(Session::on_polling(handle.clone()));
            // From here on: what edits the headers may panic, here or around the engine.
            let mut response = polled(Body::opening(open, handle.clone()), None);
            edit_headers(shared, parts, response.headers_mut(), Some(&handle));
            response
        }
        Purpose::Handshake(_) => upgrade::begin(shared, parts),
        Purpose::Session(handle) if is_upgrade => upgrade::offer(&handle, parts),
        Purpose::Session(handle) if parts.method == Method::GET => poll(handle, parts).await,
        Purpose::Session(handle) if parts.method == Method::POST => post(handle, parts, body).await,
        Purpose::Session(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn poll(handle: Arc<SessionHandle>, parts: &Parts) -> Response<Body> {
    let shared = handle.engine.clone();
    let Some((body, taken)) = polling::get(handle).await else { return empty(StatusCode::BAD_REQUEST) };
    let threshold = shared.config.http_compression.unwrap_or(usize::MAX);
    let smaller = match body.iter().map(Bytes::len).sum::<usize>() >= threshold && accepts_gzip(&parts.headers) {
        true => gzip_in_turns(&body).await.ok(),
        false => None,
    };
    let (body, encoding) = match smaller {
        Some(smaller) => (vec![smaller.into()], Some(HeaderValue::from_static("gzip"))),
        None => (body, None),
    };
    let mut response = polled(Body::with_packets(body, taken), encoding);
    edit_headers(&shared, parts, response.headers_mut(), None);
    response
}

async fn post<B: http_body::Body>(handle: Arc<SessionHandle>, parts: &Parts, body: B) -> Response<Body> {
    let shared = handle.engine.clone();
    match polling::post(handle, &parts.headers, body).await {
        Posted::Read => {
            let mut response = with_type(StatusCode::OK, "text/html", &b"ok"[..]);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            edit_headers(&shared, parts, response.headers_mut(), None);
            response
        }
        Posted::TooLarge => {
            let mut response = empty(StatusCode::PAYLOAD_TOO_LARGE);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
        Posted::Refused | Posted::Broken => empty(StatusCode::BAD_REQUEST),
    }
}

/// The answer to a poll.
fn polled(body: Body, encoding: Option<HeaderValue>) -> Response<Body> {
    let mut response = with_type(StatusCode::OK, "text/plain; charset=UTF-8", Bytes::new());
    *response.body_mut() = body;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(encoding) = encoding {
        response.headers_mut().insert(CONTENT_ENCODING, encoding);
    }
    response
}

/// Cookie and hooks. `first` is the session that begins with this answer.
pub(super) fn edit_headers(shared: &Shared, parts: &Parts, headers: &mut HeaderMap, first: Option<&SessionHandle>) {
    let config = &shared.config;
    if let Some(handle) = first {
        if let Some(cookie) = config.cookie.as_ref().and_then(|cookie| cookie.header(handle.id.as_str())) {
            headers.append(SET_COOKIE, cookie);
        }
        if let Some(edit) = &config.initial_headers {
            edit(headers, parts);
        }
    }
    if let Some(edit) = &config.headers {
        edit(headers, parts);
    }
}

//! The answers of the reference server.

use super::Body;
use crate::engine::TOO_OLD;
use crate::ws::{HandshakeError, VERSION};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_VERSION};
use http::{HeaderValue, Response, StatusCode};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    UnknownTransport,
    UnknownSession,
    BadMethod,
    BadRequest,
    Forbidden(Cow<'static, str>),
    UnsupportedVersion,
    /// The same for a client that shows nothing of an answer like that.
    TooOld,
    /// A request for a WebSocket that is wrong by itself.
    Handshake(HandshakeError),
}

impl Refused {
    fn code(&self) -> u8 {
        match self {
            Refused::UnknownTransport => 0,
            Refused::UnknownSession => 1,
            Refused::BadMethod => 2,
            Refused::BadRequest | Refused::Handshake(_) => 3,
            Refused::Forbidden(_) => 4,
            Refused::UnsupportedVersion | Refused::TooOld => 5,
        }
    }

    fn message(&self) -> &str {
        match self {
            Refused::UnknownTransport => "Transport unknown",
            Refused::UnknownSession => "Session ID unknown",
            Refused::BadMethod => "Bad handshake method",
            Refused::BadRequest => "Bad request",
            Refused::Forbidden(message) => message,
            Refused::UnsupportedVersion | Refused::TooOld => "Unsupported protocol version",
            Refused::Handshake(HandshakeError::Method) => "Invalid HTTP method: a WebSocket begins with GET",
            Refused::Handshake(HandshakeError::Body) => {
                "Invalid Content-Length or Transfer-Encoding header: a handshake has no body"
            }
            Refused::Handshake(HandshakeError::Key) => "Missing or invalid Sec-WebSocket-Key header",
            Refused::Handshake(HandshakeError::Version) => {
                "Missing or invalid Sec-WebSocket-Version header: this is version 13"
            }
        }
    }

    /// The answer to a plain request.
    pub(super) fn json(&self) -> Response<Body> {
        if *self == Refused::TooOld {
            return too_old();
        }
        let status =
            if matches!(self, Refused::Forbidden(_)) { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        let message = serde_json::Value::from(self.message());
        let body = format!(r#"{{"code":{},"message":{message}}}"#, self.code());
        with_type(status, "application/json", body)
    }

    /// The answer to a request for a WebSocket.
    pub(super) fn text(&self) -> Response<Body> {
        let mut response = with_type(StatusCode::BAD_REQUEST, "text/html", self.message().to_owned());
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if *self == Refused::Handshake(HandshakeError::Version) {
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, VERSION);
        }
        response
    }
}

/// Tells a client of protocol 3 in its own packets, behind their lengths: one that begins a session, the error, which its
/// sockets emit as `error`, and one that ends the session. Of a status it would show the number only.
fn too_old() -> Response<Body> {
    let open = r#"0{"sid":"0","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    let packets = [open, &format!("44{}", serde_json::Value::from(TOO_OLD)), "1"];
    let body: String = packets.iter().map(|packet| format!("{}:{packet}", packet.len())).collect();
    let mut response = with_type(StatusCode::OK, "text/plain; charset=UTF-8", body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

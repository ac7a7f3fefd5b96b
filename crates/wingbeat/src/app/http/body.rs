//! Bodies of requests and responses, and answers in JSON.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::{Error, RawJson};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's or response's body, of whatever kind.
pub struct HttpBody(Kind);

// Most requests have none, and most answers are whole: those are not put on the heap.
enum Kind {
    Whole(Full<Bytes>),
    Boxed(UnsyncBoxBody<Bytes, BoxError>),
}

impl HttpBody {
    /// A body of any kind.
    pub fn new<B>(body: B) -> HttpBody
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match body.is_end_stream() {
            true => HttpBody::empty(),
            false => HttpBody(Kind::Boxed(body.map_err(Into::into).boxed_unsync())),
        }
    }

    /// These bytes.
    pub(crate) fn whole(bytes: Bytes) -> HttpBody {
        HttpBody(Kind::Whole(Full::new(bytes)))
    }

    /// Nothing.
    pub fn empty() -> HttpBody {
        HttpBody(Kind::Whole(Full::default()))
    }
}

impl http_body::Body for HttpBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Kind::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match &self.0 {
            Kind::Whole(body) => body.size_hint(),
            Kind::Boxed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpBody")
    }
}

/// An error as JSON, with its code as status.
pub(crate) fn error_response(error: &Error) -> Response<HttpBody> {
    let status = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json_response(status, RawJson::new(error).unwrap_or(RawJson::NULL))
}

/// A JSON answer.
pub(crate) fn json_response(status: StatusCode, body: RawJson) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::whole(body.bytes()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

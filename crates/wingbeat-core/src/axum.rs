//! Errors and payloads as what a route of axum answers.

use crate::{Error, LogThrottle, Payload};
use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;

/// Routes that failed for a reason of the server's own. Such reasons last: a full disk fails every request.
static FAILED: LogThrottle = LogThrottle::new();

/// As clients of Feathers read it: JSON, with the code as status. What failed for a reason of the server's own is logged,
/// with its cause, which clients never read. The response has the error among its extensions, for layers around the route.
///
/// ```
/// use axum_core::response::IntoResponse;
/// use wingbeat_core::Error;
///
/// let response = Error::forbidden("Only for members").into_response();
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
/// assert!(response.extensions().get::<Error>().is_some());
/// ```
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.code() >= 500
            && let Some(times) = FAILED.happened_as(&format!("{self:?}"))
        {
            tracing::error!(error = ?self, times, "a route failed");
        }
        // An error is an object of texts and values, so it always has a JSON form.
        let mut response = json(self.code(), serde_json::to_vec(&self).unwrap_or_default().into());
        response.extensions_mut().insert(self);
        response
    }
}

/// As JSON, which is passed on as it is where nobody has looked at it: what a service has answered.
impl IntoResponse for Payload {
    fn into_response(self) -> Response {
        match self.into_raw() {
            Ok(raw) => json(200, raw.with_buffers()),
            Err(error) => error.into_response(),
        }
    }
}

fn json(status: u16, body: Bytes) -> Response {
    let head = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    // Codes of errors are those of HTTP.
    head.body(Body::from(body)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::json;

    #[test]
    fn every_error_is_an_answer_with_its_code() {
        for &kind in ErrorKind::ALL {
            assert_eq!(Error::new(kind, "m").into_response().status().as_u16(), kind.code());
        }
    }

    #[test]
    fn a_payload_is_answered_as_json() {
        let response = Payload::from(json!({"id": 1})).into_response();
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
            (200, "application/json; charset=utf-8")
        );
    }
}

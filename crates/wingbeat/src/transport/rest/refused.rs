//! Requests that get no result.

use super::endpoint::Endpoint;
use crate::app::{HttpBody, error_page_or_json};
use http::request::Parts;
use http::{Response, StatusCode, header};
use wingbeat_core::Error;

/// Why a request gets no result.
pub(super) struct Refused {
    pub(super) error: Error,
    /// Another status than that of the error.
    pub(super) status: Option<StatusCode>,
    /// What could be asked instead.
    pub(super) allow: Option<String>,
}

impl Refused {
    pub(super) fn response(self, head: &Parts) -> Response<HttpBody> {
        let mut response = error_page_or_json(&head.headers, &self.error);
        if let Some(status) = self.status {
            *response.status_mut() = status;
        }
        if let Some(allow) = self.allow.and_then(|allow| allow.parse().ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }

    pub(super) fn told(self, endpoint: &Endpoint) -> Refused {
        Refused { error: endpoint.told(self.error), ..self }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { error, status: None, allow: None }
    }
}

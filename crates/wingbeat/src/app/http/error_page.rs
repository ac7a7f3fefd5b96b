//! Errors as HTTP responses, for programs and for people.

use super::body::{HttpBody, error_response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use wingbeat_core::Error;

/// An error as JSON, or as a page for those who look at it with a browser: as in Express, where request headers speak of HTML
/// and not of JSON.
pub(crate) fn error_page_or_json(request: &HeaderMap, error: &Error) -> Response<HttpBody> {
    match wants_page(request) {
        true => error_page(error),
        false => error_response(error),
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, word| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(word))
    };
    let either = |word| says(ACCEPT, word) || says(CONTENT_TYPE, word);
    !either("json") && either("html")
}

fn error_page(error: &Error) -> Response<HttpBody> {
    let status = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // The titles of Feathers' two pages.
    let title = if status == StatusCode::NOT_FOUND { "Page Not Found" } else { "Internal Server Error" };
    let mut text = String::new();
    error.message().chars().for_each(|character| match character {
        '<' => text.push_str("&lt;"),
        '&' => text.push_str("&amp;"),
        other => text.push(other),
    });
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n</html>\n"
    );
    let mut response = Response::new(HttpBody::whole(page.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
    response
}

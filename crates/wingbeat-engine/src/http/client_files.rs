//! The client's bundles.

use super::Body;
use super::answer::empty;
use crate::bundles::Bundle;
use crate::engine::Shared;
use crate::gzip::accepts_gzip;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::sync::Arc;

/// The bundles of the npm package, and their maps.
const NAMES: [&str; 4] = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// Answers a request for a bundle; `None` if it asks for something else.
pub(super) async fn client_file(shared: &Arc<Shared>, path: &str, request: &HeaderMap) -> Option<Response<Body>> {
    let name = path.strip_prefix(&*shared.config.path)?.trim_start_matches('/');
    let bundle = name.strip_suffix(".map").unwrap_or(name);
    if !shared.config.serve_client || !NAMES.contains(&bundle) {
        return None;
    }
    let Some(folder) = &shared.config.client_files else {
        shared.client_warnings.bundle(name);
        return Some(empty(StatusCode::NOT_FOUND));
    };
    let file = shared.bundles.get(folder, name).await;
    Some(file.map_or_else(|| empty(StatusCode::NOT_FOUND), |file| answer(&file, name, request)))
}

fn answer(bundle: &Bundle, name: &str, request: &HeaderMap) -> Response<Body> {
    let same =
        |tag: &HeaderValue| tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes()) == bundle.etag.as_bytes();
    if request.get(IF_NONE_MATCH).is_some_and(same) {
        return empty(StatusCode::NOT_MODIFIED);
    }
    let gzip = accepts_gzip(request);
    let mut response = Response::new(Body::new(if gzip { bundle.gzip.clone() } else { bundle.plain.clone() }));
    let headers = response.headers_mut();
    let kind = if name.ends_with(".map") {
        "application/json; charset=utf-8"
    } else {
        "application/javascript; charset=utf-8"
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
    headers.insert(ETAG, bundle.etag.clone());
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

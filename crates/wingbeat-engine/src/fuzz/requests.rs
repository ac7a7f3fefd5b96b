//! Requests: methods, queries, headers.

use super::{run, server};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower_service::Service;

/// The first line is `<method> <query>`, the others are headers, and what follows an empty line is the body.
pub fn request(data: &[u8]) {
    let at = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..at], data.get(at + 2..).unwrap_or_default());
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut lines = head.split('\n');
    let (method, query) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("GET", head));
    let mut request = Request::builder().method(method).uri(format!("/socket.io/?{query}"));
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Full::new(Bytes::copy_from_slice(body))) else { return };
    let (engine, _) = server(false);
    let status = run(async { engine.service().call(request).await }).map(|response| response.status().as_u16());
    let Ok(status) = status;
    assert!(matches!(status, 200 | 204 | 400 | 403 | 404 | 413 | 429 | 500 | 503), "{status}");
}

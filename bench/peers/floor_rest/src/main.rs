//! The floor over plain HTTP: hyper, and nothing but what the answer to `GET /quiet/:id` needs, with the same headers as
//! the framework's.
//!
//! `floor_rest --port P`

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hasher};
use std::io::Result;
use tokio::net::TcpListener;

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
    id: &'a str,
}

fn main() -> Result<()> {
    let port = std::env::args().skip_while(|word| word != "--port").nth(1).and_then(|port| port.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(port.unwrap_or(3030)))
}

async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let id = request.uri().path().strip_prefix("/quiet/").filter(|_| request.method() == Method::GET);
    let id = id.and_then(|id| percent_decode_str(id).decode_utf8().ok());
    let Some(body) = id.and_then(|id| serde_json::to_vec(&Message { text: "hello", id: &id }).ok()) else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    let tag = format!("W/\"{:x}-{:016x}\"", body.len(), hasher.finish());
    if request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(status(StatusCode::NOT_MODIFIED));
    }
    let length = body.len();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CONTENT_LENGTH, length.into());
    Ok(response)
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

//! A file as a response.

use super::disposition::attachment;
use super::range::{self, Wish};
use crate::app::HttpBody;
use crate::service::Blob;
use bytes::Bytes;
use futures_util::stream;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method as Verb, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use tokio::task::spawn_blocking;

/// How much is read at a time.
const CHUNK: u64 = 256 * 1024;

pub(super) fn answered(head: &Parts, blob: Blob) -> Response<HttpBody> {
    let tag = format!("\"{}\"", blob.sha256);
    let is_read = matches!(head.method, Verb::GET);
    let mut response = Response::new(HttpBody::empty());
    let headers = response.headers_mut();
    describe(headers, &blob, &tag);
    if is_known(&head.headers, &tag) {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let wish = head.headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| is_read);
    // A part of another file than the client has the rest of is of no use.
    let is_same = head.headers.get(header::IF_RANGE).is_none_or(|same| same.as_bytes() == tag.as_bytes());
    let (status, range) = match wish.filter(|_| is_same).map_or(Wish::Whole, |wish| range::read(wish, blob.size)) {
        Wish::Whole => (StatusCode::OK, 0..blob.size),
        Wish::Part(range) => {
            said(headers, header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, blob.size));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wish::Nowhere => {
            said(headers, header::CONTENT_RANGE, format!("bytes */{}", blob.size));
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::ETAG);
            (StatusCode::RANGE_NOT_SATISFIABLE, 0..0)
        }
    };
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    *response.status_mut() = status;
    if is_read && !range.is_empty() {
        *response.body_mut() = body(blob.file, range);
    }
    response
}

/// What keeps a browser from running what strangers have sent, whatever they call it.
fn describe(headers: &mut HeaderMap, blob: &Blob, tag: &str) {
    let plain = HeaderValue::from_static;
    said(headers, header::CONTENT_TYPE, blob.media.clone());
    headers.insert(header::CONTENT_DISPOSITION, attachment(blob.name.as_deref()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, plain("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, plain("sandbox; default-src 'none'"));
    // Whether somebody may still read it is asked each time.
    headers.insert(header::CACHE_CONTROL, plain("private, no-cache"));
    headers.insert(header::ACCEPT_RANGES, plain("bytes"));
    said(headers, header::ETAG, tag.to_owned());
}

fn said(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    // All of them are made of digits, types and hashes.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Whether the client has this file already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    known
        .flat_map(|list| list.split(','))
        .any(|one| matches!(one.trim().trim_start_matches("W/"), one if one == "*" || one == tag))
}

/// The bytes of a file, read as the client takes them.
fn body(file: File, range: Range<u64>) -> HttpBody {
    let chunks = stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = spawn_blocking(move || chunk(file, range)).await.map_err(io::Error::other)?;
        read.map(|(bytes, file, rest)| Some((Frame::data(bytes), (file, rest))))
    });
    HttpBody::new(StreamBody::new(chunks))
}

fn chunk(mut file: File, range: Range<u64>) -> io::Result<(Bytes, File, Range<u64>)> {
    let length = (range.end - range.start).min(CHUNK);
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((bytes.into(), file, range.start + length..range.end))
}

//! HTTP/1.1, the client's side, as far as handshakes and long-polling need it.

use memchr::memmem::find;
use std::io::{Error, Result};

/// The key that every upgrade request carries, and what a server must make of it.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Appends a request; a body makes it a POST.
pub fn request(out: &mut Vec<u8>, target: &str, headers: &str, body: Option<&str>) {
    let method = if body.is_some() { "POST" } else { "GET" };
    out.extend_from_slice(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}").as_bytes());
    if let Some(body) = body {
        let length = body.len();
        let head = format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n");
        out.extend_from_slice(head.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or("").as_bytes());
}

/// Appends a request for a WebSocket.
pub fn upgrade(out: &mut Vec<u8>, target: &str, headers: &str) {
    let upgrade = format!(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}"
    );
    request(out, target, &upgrade, None);
}

/// The length of the answer to [`upgrade`] that `buf` begins with; `None` while it is not whole.
pub fn upgraded(buf: &[u8]) -> Result<Option<usize>> {
    let Some(end) = find(buf, b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&buf[..end]);
    if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
        return Err(Error::other(format!("no upgrade: {head}")));
    }
    Ok(Some(end + 4))
}

/// The body of the 200 that `buf` begins with, and the length of all of it; `None` while it is not whole.
pub fn response(buf: &[u8]) -> Result<Option<(String, usize)>> {
    let Some(end) = find(buf, b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&buf[..end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(Error::other(format!("not a 200: {head}")));
    }
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let rest = &buf[end + 4..];
    let body = if let Some(length) = header("content-length:") {
        let length: usize = length.parse().map_err(Error::other)?;
        rest.get(..length).map(|body| (body.to_vec(), length))
    } else if header("transfer-encoding:") == Some("chunked") {
        chunks(rest)?
    } else {
        Some((Vec::new(), 0))
    };
    body.map(|(body, used)| Ok((String::from_utf8(body).map_err(Error::other)?, end + 4 + used))).transpose()
}

fn chunks(buf: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = find(&buf[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&buf[at..at + line]).map_err(Error::other)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(Error::other)?;
        at += line + 2;
        let Some(chunk) = buf.get(at..at + size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1";
        for n in 0..whole.len() - 8 {
            assert!(response(&whole[..n]).unwrap().is_none(), "{n} bytes");
        }
        assert_eq!(response(whole).unwrap(), Some(("ok".into(), whole.len() - 8)));
    }

    #[test]
    fn chunks_are_put_together() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nnext";
        assert_eq!(response(whole).unwrap(), Some(("abc".into(), whole.len() - 4)));
        assert_eq!(response(&whole[..whole.len() - 6]).unwrap(), None);
    }

    #[test]
    fn what_is_no_200_is_an_error() {
        assert!(response(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
        assert!(upgraded(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

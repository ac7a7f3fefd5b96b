//! The opening handshake of a WebSocket.

use super::dial::Stream;
use super::{Address, Broken, USER_AGENT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, Uri, header};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How large the head of an answer may be.
const HEAD: usize = 16 * 1024;
/// How much of a refusal is read, and for how long: it is for people.
const SAID: usize = 200;
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks for a WebSocket, and gives what came behind the answer.
pub(super) async fn upgrade(stream: &mut Stream, uri: &Uri, address: &Address) -> Result<Vec<u8>, Broken> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(Broken::connect)?;
    let key = BASE64.encode(random);
    stream.write_all(&request(uri, &address.headers, &key)).await.map_err(Broken::connect)?;
    stream.flush().await.map_err(Broken::connect)?;
    let mut read = Vec::with_capacity(512);
    let end = read_head(stream, &mut read).await.map_err(Broken::connect)?;
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(&read[..end]).map_err(|error| Broken::connect(format!("invalid HTTP in the answer: {error}")))?;
    let answer = Answer { status: answer.code.unwrap_or(0), headers: answer.headers };
    if answer.status != 101 {
        return Err(answer.refusal(stream, read[end..].to_vec()).await);
    }
    answer.check(&key)?;
    Ok(read.split_off(end))
}

/// Headers that belong to the handshake or to the body: programs cannot set them.
pub(crate) fn is_our_own(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::UPGRADE | header::CONTENT_LENGTH | header::TRANSFER_ENCODING)
        || name.as_str().starts_with("sec-websocket-")
}

fn request(uri: &Uri, headers: &HeaderMap, key: &str) -> Vec<u8> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut out = format!("GET {target} HTTP/1.1\r\n").into_bytes();
    let mut line = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    };
    if !headers.contains_key(header::HOST) {
        line("Host", uri.authority().map_or("", |authority| authority.as_str()).as_bytes());
    }
    line("Connection", b"Upgrade");
    line("Upgrade", b"websocket");
    line("Sec-WebSocket-Version", b"13");
    line("Sec-WebSocket-Key", key.as_bytes());
    if !headers.contains_key(header::USER_AGENT) {
        line("User-Agent", USER_AGENT.as_bytes());
    }
    for (name, value) in headers {
        line(name.as_str(), value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Reads until the head is complete, and gives its length.
pub(super) async fn read_head(stream: &mut Stream, read: &mut Vec<u8>) -> io::Result<usize> {
    const END: &[u8] = b"\r\n\r\n";
    loop {
        let seen = read.len().saturating_sub(END.len() - 1);
        if stream.read_buf(read).await? == 0 {
            return Err(io::Error::other("the server closed the connection during the handshake"));
        }
        if let Some(at) = read[seen..].windows(END.len()).position(|bytes| bytes == END) {
            return Ok(seen + at + END.len());
        }
        if read.len() > HEAD {
            return Err(io::Error::other(format!("the head of the answer has more than {HEAD} bytes")));
        }
    }
}

struct Answer<'a> {
    status: u16,
    headers: &'a [httparse::Header<'a>],
}

impl Answer<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.filter_map(|header| std::str::from_utf8(header.value).ok())
    }

    fn names(&self, name: &str, word: &str) -> bool {
        self.values(name).flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    }

    fn check(&self, key: &str) -> Result<(), Broken> {
        let wrong = if !self.names("upgrade", "websocket") || !self.names("connection", "upgrade") {
            "the server did not upgrade to a WebSocket"
        } else if !self.values("sec-websocket-accept").eq([wingbeat_protocol::ws::accept(key.as_bytes())]) {
            "invalid Sec-WebSocket-Accept header from the server"
        } else if self.values("sec-websocket-extensions").chain(self.values("sec-websocket-protocol")).count() > 0 {
            "the server wants an extension or a protocol that was not offered"
        } else {
            return Ok(());
        };
        Err(Broken::connect(wrong))
    }

    /// What a server says that does not want this WebSocket.
    async fn refusal(&self, stream: &mut Stream, mut body: Vec<u8>) -> Broken {
        let length = self.values("content-length").next().and_then(|length| length.trim().parse().ok());
        let wanted = SAID.min(length.unwrap_or(0));
        let rest =
            async { while body.len() < wanted && stream.read_buf(&mut body).await.is_ok_and(|read| read > 0) {} };
        let _ = timeout(PATIENCE, rest).await;
        body.truncate(wanted);
        let mut said = format!("HTTP {}", self.status);
        if let Some(to) = self.values("location").next() {
            said.extend([" to ", &to.chars().take(SAID).collect::<String>()]);
        }
        let body = String::from_utf8_lossy(&body);
        if !body.trim().is_empty() {
            said.extend([": ", body.trim()]);
        }
        Broken::connect(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_each_header_once() {
        let uri = "ws://a.example:81/socket.io/?EIO=4".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", "b.example".parse().unwrap());
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        let text = String::from_utf8(request(&uri, &headers, "key=")).unwrap();
        let mut lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!((lines[0], lines.split_off(lines.len() - 2)), ("GET /socket.io/?EIO=4 HTTP/1.1", vec!["", ""]));
        assert!(lines.contains(&"host: b.example") && !text.contains("a.example"));
        assert!(lines.contains(&"x-a: 1") && lines.contains(&"x-a: 2") && lines.contains(&"Sec-WebSocket-Key: key="));
    }

    #[test]
    fn an_answer_that_proves_nothing_is_refused() {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        let right = [("Upgrade", "WebSocket"), ("connection", "x, upgrade"), ("Sec-WebSocket-Accept", accept)];
        let check = |headers: &[(&str, &str)]| {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| httparse::Header { name, value: value.as_bytes() }).collect();
            Answer { status: 101, headers: &headers }.check("dGhlIHNhbXBsZSBub25jZQ==")
        };
        assert!(check(&right).is_ok());
        for left_out in 0..3 {
            let some: Vec<_> =
                right.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, one)| *one).collect();
            assert!(check(&some).is_err(), "{left_out}");
        }
        for more in [("sec-websocket-accept", accept), ("sec-websocket-extensions", "permessage-deflate")] {
            assert!(check(&[&right[..], &[more]].concat()).is_err(), "{more:?}");
        }
    }
}

//! Engine.IO over HTTP long-polling, and the way from there to a WebSocket.

use super::request::Requests;
use super::websocket::WebSocket;
use super::{Address, Broken, Handshake, Incoming, Outbox, Outgoing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wingbeat_protocol::packet::engine::{SEPARATOR, next_packet};

type Request<T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + Send>>;

/// A session on long-polling: at most one request that waits for packets, and one that brings some.
pub(crate) struct Polling {
    requests: Requests,
    sid: String,
    max_payload: usize,
    received: Body,
    get: Option<Request<String>>,
    post: Option<Request<()>>,
    probe: Option<Request<Box<WebSocket>>>,
    upgraded: Option<Box<WebSocket>>,
}

/// What comes of polling.
pub(crate) enum Progress {
    /// Something was handed over.
    Packets,
    /// The session has moved to this WebSocket.
    Upgraded(Box<WebSocket>),
}

/// The packets of an answer, of which the first `at` bytes were handed over.
pub(crate) struct Body {
    text: String,
    at: usize,
}

/// How large a body is at most for servers that announce nothing: what they accept by default.
const MAX_PAYLOAD: usize = 1_000_000;

/// How many packets are handed over at a time.
const PACKETS: usize = 64;

impl Polling {
    pub(crate) async fn open(address: Arc<Address>, upgrade: bool) -> Result<(Polling, Handshake), Broken> {
        let requests = Requests::new(address.clone());
        let mut received = Body::new(requests.clone().get(None).await?);
        let handshake = received.next().and_then(Handshake::parse);
        let handshake = handshake.ok_or_else(|| Broken::protocol("invalid handshake from the server"))?;
        let sid = handshake.sid.clone();
        let probe: Option<Request<_>> = (upgrade && handshake.offers_websocket()).then(|| {
            let sid = sid.clone();
            Box::pin(async move { WebSocket::probe(&address, &sid).await.map(Box::new) }) as _
        });
        let max_payload = handshake.max_payload().unwrap_or(MAX_PAYLOAD);
        let polling = Polling { requests, sid, max_payload, received, get: None, post: None, probe, upgraded: None };
        Ok((polling, handshake))
    }

    /// Moves all requests on until there are packets, or the WebSocket takes over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox,
        each: &mut dyn FnMut(Incoming<'_>, &mut Outbox) -> bool,
    ) -> Poll<Result<Progress, Broken>> {
        loop {
            if !self.received.is_empty() {
                return Poll::Ready(
                    self.received.hand_over(|incoming| each(incoming, outbox)).map(|()| Progress::Packets),
                );
            }
            if let Some(result) = finished(&mut self.probe, cx) {
                // Polling goes on if the WebSocket does not work.
                self.upgraded = result.ok();
            }
            if let Some(result) = finished(&mut self.post, cx) {
                result?;
            }
            if self.post.is_none() && self.upgraded.is_none() && !outbox.is_empty() {
                let body = take_body(outbox, self.max_payload);
                self.post = Some(Box::pin(self.requests.clone().post(self.sid.clone(), body)));
                continue;
            }
            if let Some(result) = finished(&mut self.get, cx) {
                self.received = Body::new(result?);
                if self.received.is_empty() {
                    return Poll::Ready(Err(Broken::protocol("an answer without packets")));
                }
                continue;
            }
            if self.get.is_none() && self.upgraded.is_none() {
                self.get = Some(Box::pin(self.requests.clone().get(Some(self.sid.clone()))));
                continue;
            }
            // The server releases the waiting poll; only then nothing is under way any more.
            if self.get.is_none()
                && self.post.is_none()
                && let Some(socket) = self.upgraded.take()
            {
                outbox.upgrade_first();
                return Poll::Ready(Ok(Progress::Upgraded(socket)));
            }
            return Poll::Pending;
        }
    }

    /// Brings what waits, and ends the session.
    pub(crate) async fn close(&mut self, outbox: &mut Outbox) {
        if let Some(post) = self.post.take() {
            let _ = post.await;
        }
        outbox.text("1");
        while !outbox.is_empty() {
            let body = take_body(outbox, self.max_payload);
            if self.requests.clone().post(self.sid.clone(), body).await.is_err() {
                return;
            }
        }
    }
}

/// Polls a request, if there is one; one that is ready is taken away.
fn finished<T>(request: &mut Option<Request<T>>, cx: &mut Context<'_>) -> Option<Result<T, Broken>> {
    match request.as_mut()?.as_mut().poll(cx) {
        Poll::Ready(result) => {
            *request = None;
            Some(result)
        }
        Poll::Pending => None,
    }
}

impl Body {
    pub(crate) fn new(text: String) -> Body {
        Body { text, at: 0 }
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The next packet.
    fn next(&mut self) -> Option<&str> {
        // Nothing behind the last separator is not a packet here.
        if self.at >= self.text.len() {
            return None;
        }
        next_packet(self.text.as_bytes(), &mut self.at).map(|packet| &self.text[packet])
    }

    /// Hands over some packets, until `each` says no.
    pub(crate) fn hand_over(&mut self, mut each: impl FnMut(Incoming<'_>) -> bool) -> Result<(), Broken> {
        for _ in 0..PACKETS {
            let goes_on = match self.next() {
                Some(packet) => match packet.strip_prefix('b') {
                    Some(base64) => {
                        let bytes = BASE64.decode(base64);
                        let bytes = bytes.map_err(|_| Broken::protocol("invalid base64 in a binary packet"))?;
                        each(Incoming::Binary(bytes.into()))
                    }
                    None => each(Incoming::Text(packet)),
                },
                None => {
                    *self = Body::new(String::new());
                    return Ok(());
                }
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}

/// How long a binary packet is in a body.
pub(super) fn in_base64(len: usize) -> usize {
    1 + len.div_ceil(3) * 4
}

/// Takes as many packets as the server accepts in one body, and one at least.
fn take_body(outbox: &mut Outbox, max_payload: usize) -> Bytes {
    let mut body = Vec::new();
    while let Some(next) = outbox.front() {
        let len = match next {
            Outgoing::Text(text) => text.len(),
            Outgoing::Binary(bytes) => in_base64(bytes.len()),
        };
        if !body.is_empty() && body.len() + 1 + len > max_payload {
            break;
        }
        if !body.is_empty() {
            body.push(SEPARATOR);
        }
        match next {
            Outgoing::Text(text) => body.extend_from_slice(text),
            Outgoing::Binary(bytes) => {
                body.push(b'b');
                body.extend_from_slice(BASE64.encode(bytes).as_bytes());
            }
        }
        outbox.pop();
    }
    body.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_keep_to_the_size_that_the_server_accepts() {
        let mut outbox = Outbox::default();
        for packet in ["4aaaa", "4bbbb", "4cccccccccccccccccc"] {
            outbox.text(packet);
        }
        outbox.binary(Bytes::from_static(b"\x01"));
        let bodies: Vec<_> = std::iter::from_fn(|| (!outbox.is_empty()).then(|| take_body(&mut outbox, 11))).collect();
        assert_eq!(bodies, ["4aaaa\u{1e}4bbbb", "4cccccccccccccccccc", "bAQ=="]);
    }

    #[test]
    fn a_body_is_handed_over_in_pieces_and_then_gone() {
        let mut body = Body::new("2\u{1e}".repeat(100) + "bAQ==");
        let mut seen = Vec::new();
        while !body.is_empty() {
            let before = seen.len();
            let each = |incoming: Incoming<'_>| {
                seen.push(matches!(incoming, Incoming::Text("2")));
                true
            };
            body.hand_over(each).unwrap();
            assert!(seen.len() - before <= PACKETS);
        }
        assert_eq!((seen.len(), seen.iter().filter(|text| **text).count()), (101, 100));
        assert!(Body::new("b!".to_owned()).hand_over(|_| true).is_err());
    }
}

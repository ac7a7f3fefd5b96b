//! Engine.IO over HTTP long-polling, and the way from there to a WebSocket.

use super::request::Requests;
use super::websocket::{Binary, WebSocket};
use super::{Address, Broken, Handshake, Incoming, Outbox, Outgoing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wingbeat_core::packet::engine::{SEPARATOR, split_payload};

type Request<T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + Send>>;

/// A session on long-polling: at most one request that waits for packets, and one that brings some.
pub(crate) struct Polling {
    requests: Requests,
    sid: String,
    max_payload: usize,
    received: VecDeque<Incoming>,
    get: Option<Request<String>>,
    post: Option<Request<()>>,
    probe: Option<Request<Box<WebSocket>>>,
    upgraded: Option<Box<WebSocket>>,
}

/// What comes of polling.
pub(crate) enum Progress {
    Packet(Incoming),
    /// The session has moved to this WebSocket.
    Upgraded(Box<WebSocket>),
}

impl Polling {
    pub(crate) async fn open(address: Arc<Address>, upgrade: bool) -> Result<(Polling, Handshake), Broken> {
        let requests = Requests::new(address.clone());
        let body = requests.clone().get(None).await?;
        let mut packets = split_payload(&body);
        let handshake = packets.next().and_then(Handshake::parse);
        let handshake = handshake.ok_or_else(|| Broken::protocol("the server's handshake is none"))?;
        let received = packets.map(incoming).collect::<Result<_, _>>()?;
        let sid = handshake.sid.clone();
        let probe: Option<Request<_>> = (upgrade && handshake.offers_websocket()).then(|| {
            let sid = sid.clone();
            Box::pin(async move { WebSocket::probe(&address, &sid).await.map(Box::new) }) as _
        });
        let max_payload = handshake.max_payload();
        let polling = Polling { requests, sid, max_payload, received, get: None, post: None, probe, upgraded: None };
        Ok((polling, handshake))
    }

    /// Moves all requests on until there is a packet, or the WebSocket takes over.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<Result<Progress, Broken>> {
        loop {
            if let Some(packet) = self.received.pop_front() {
                return Poll::Ready(Ok(Progress::Packet(packet)));
            }
            if let Some(result) = finished(&mut self.probe, cx) {
                // A WebSocket that does not work is no loss: polling goes on.
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
                self.received = polled(&result?)?.into();
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
                outbox.push_front(Outgoing::Text("5".to_owned()));
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

/// The packets of a body.
pub(crate) fn polled(body: &str) -> Result<Vec<Incoming>, Broken> {
    split_payload(body).map(incoming).collect()
}

fn incoming(packet: &str) -> Result<Incoming, Broken> {
    match packet.strip_prefix('b') {
        Some(base64) => {
            let bytes = BASE64.decode(base64).map_err(|_| Broken::protocol("a binary packet is no base64"))?;
            Ok(Incoming::Binary(Binary::from(bytes)))
        }
        None => Ok(Incoming::Text(packet.into())),
    }
}

/// Takes as many packets as the server accepts in one body, and one at least.
fn take_body(outbox: &mut Outbox, max_payload: usize) -> String {
    let mut body = String::new();
    while let Some(next) = outbox.front() {
        let len = match next {
            Outgoing::Text(text) => text.len(),
            Outgoing::Binary(bytes) => 1 + bytes.len().div_ceil(3) * 4,
        };
        if !body.is_empty() && body.len() + 1 + len > max_payload {
            break;
        }
        if !body.is_empty() {
            body.push(char::from(SEPARATOR));
        }
        match outbox.pop() {
            Some(Outgoing::Text(text)) => body.push_str(&text),
            Some(Outgoing::Binary(bytes)) => {
                body.push('b');
                BASE64.encode_string(&bytes, &mut body);
            }
            None => break,
        }
    }
    body
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
        outbox.push(Outgoing::Binary(Binary::from_static(b"\x01")));
        let bodies: Vec<_> = std::iter::from_fn(|| (!outbox.is_empty()).then(|| take_body(&mut outbox, 11))).collect();
        assert_eq!(bodies, ["4aaaa\u{1e}4bbbb", "4cccccccccccccccccc", "bAQ=="]);
    }
}

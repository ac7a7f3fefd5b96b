//! Engine.IO over a WebSocket.

use super::dial::Stream;
use super::{Address, Broken, Incoming, Outbox, Outgoing};
use futures_util::{Sink, SinkExt, Stream as _, StreamExt};
use http::HeaderValue;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// An open WebSocket.
pub(crate) struct WebSocket(WebSocketStream<Stream>);

impl WebSocket {
    /// Opens a WebSocket, of a new session or of the given one.
    pub(crate) async fn open(address: &Address, sid: Option<&str>) -> Result<WebSocket, Broken> {
        let uri = address.uri("ws", "websocket", sid)?;
        let stream = address.dialer.dial(&uri).await.map_err(Broken::connect)?;
        let mut request = uri.into_client_request().map_err(Broken::connect)?;
        for (name, value) in &address.headers {
            request.headers_mut().append(name, value.clone());
        }
        request.headers_mut().entry("user-agent").or_insert(HeaderValue::from_static(super::USER_AGENT));
        // Small buffers: there can be thousands of clients, and large messages grow them for as long as they take.
        let config = WebSocketConfig::default()
            .read_buffer_size(2 * 1024)
            .write_buffer_size(16 * 1024)
            .max_message_size(Some(address.max_payload))
            .max_frame_size(Some(address.max_payload));
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(Broken::connect)?;
        Ok(WebSocket(socket))
    }

    /// Opens a WebSocket for a session that lives on polling, and asks whether it works.
    pub(crate) async fn probe(address: &Address, sid: &str) -> Result<WebSocket, Broken> {
        let mut socket = WebSocket::open(address, Some(sid)).await?;
        socket.0.send(Message::text("2probe")).await.map_err(Broken::connect)?;
        match socket.receive().await? {
            Incoming::Text(text) if text.as_str() == "3probe" => Ok(socket),
            _ => Err(Broken::protocol("the probe was not answered")),
        }
    }

    /// The next packet.
    pub(crate) async fn receive(&mut self) -> Result<Incoming, Broken> {
        std::future::poll_fn(|cx| self.poll_incoming(cx)).await
    }

    /// Writes what waits, and reads the next packet.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<Result<Incoming, Broken>> {
        // What cannot be written now must not keep us from reading.
        if let Poll::Ready(Err(error)) = self.poll_write(cx, outbox) {
            return Poll::Ready(Err(error));
        }
        self.poll_incoming(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<Result<(), Broken>> {
        if outbox.is_empty() && outbox.flushed {
            return Poll::Ready(Ok(()));
        }
        outbox.flushed = false;
        let mut socket = Pin::new(&mut self.0);
        while !outbox.is_empty() {
            ready!(socket.as_mut().poll_ready(cx)).map_err(Broken::lost)?;
            let Some(outgoing) = outbox.pop() else { break };
            let message = match outgoing {
                Outgoing::Text(text) => Message::Text(Utf8Bytes::from(text)),
                Outgoing::Binary(bytes) => Message::Binary(bytes),
            };
            socket.as_mut().start_send(message).map_err(Broken::lost)?;
        }
        ready!(socket.poll_flush(cx)).map_err(Broken::lost)?;
        outbox.flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, Broken>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text)),
                Some(Ok(Message::Binary(bytes))) => Ok(Incoming::Binary(bytes)),
                // Answered below us; Engine.IO has heartbeats of its own.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => Err(Broken::closed()),
                Some(Err(error)) => Err(Broken::lost(error)),
            });
        }
    }

    /// Writes what waits and says goodbye.
    pub(crate) async fn close(&mut self, outbox: &mut Outbox) {
        let written: Result<(), io::Error> =
            std::future::poll_fn(|cx| self.poll_write(cx, outbox)).await.map_err(io::Error::other);
        if written.is_ok() && self.0.close(None).await.is_ok() {
            while let Some(Ok(_)) = self.0.next().await {}
        }
    }
}

/// Text as tungstenite gives it: valid UTF-8, shared.
pub(crate) type Text = Utf8Bytes;

/// Bytes of a message.
pub(crate) type Binary = Bytes;

//! A server that does what a test says, over real sockets.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use wingbeat_client::{Builder, Client, Reconnection, TransportKind};

pub(crate) const OPEN: &str =
    r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// A client that connects by WebSocket, and once only.
pub(crate) fn once(url: &str) -> Builder {
    Client::builder(url).reconnection(Reconnection::never()).transports([TransportKind::WebSocket])
}

pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) async fn bind() -> Listener {
        Listener(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// Accepts a WebSocket, unless the client leaves first.
    pub(crate) async fn peer(&self) -> Option<Peer> {
        tokio_tungstenite::accept_async(self.tcp().await).await.ok().map(Peer)
    }

    /// Accepts a WebSocket; also says what was asked for.
    pub(crate) async fn websocket(&self) -> (Peer, String) {
        let (peer, request) = self.request().await;
        (peer, request.uri().to_string())
    }

    /// Accepts a WebSocket; also gives the request.
    pub(crate) async fn request(&self) -> (Peer, Request) {
        let mut asked = Request::default();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            asked = request.clone();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(self.tcp().await, look).await.unwrap();
        (Peer(socket), asked)
    }

    /// Accepts a WebSocket and joins the main namespace.
    pub(crate) async fn joined(&self) -> Peer {
        let (mut peer, _) = self.websocket().await;
        peer.send(OPEN).await;
        assert_eq!(peer.receive().await.as_deref(), Some("40"));
        peer.send(r#"40{"sid":"x"}"#).await;
        peer
    }
}

pub(crate) struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    pub(crate) async fn send(&mut self, text: &str) {
        // A client that has left is seen when reading.
        let _ = self.0.send(Message::text(text)).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        let _ = self.0.send(Message::binary(bytes.to_vec())).await;
    }

    /// The next text; `None` if the client has gone.
    pub(crate) async fn receive(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn receive_binary(&mut self) -> Vec<u8> {
        match self.0.next().await {
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            other => panic!("no binary message: {other:?}"),
        }
    }
}

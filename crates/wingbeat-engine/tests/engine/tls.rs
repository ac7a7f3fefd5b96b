//! Encrypted connections, and HTTP/2.

use crate::client::PATIENCE;
use crate::server::{NotFound, Seen, Test};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wingbeat_engine::rustls::crypto::aws_lc_rs::default_provider;
use wingbeat_engine::rustls::{ClientConfig, RootCertStore};
use wingbeat_engine::{Config, Engine, Tls};

/// A server with a certificate of its own, and what connects to it.
pub(crate) async fn start(seen: Arc<Seen>) -> (u16, RootCertStore) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = Tls::from_pem(listener, own.cert.pem().as_bytes(), own.signing_key.serialize_pem().as_bytes()).unwrap();
    let engine = Engine::new(Config::default(), Test(seen)).unwrap();
    tokio::spawn(wingbeat_engine::serve(tls, engine, NotFound, std::future::pending()));
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    (port, roots)
}

pub(crate) async fn connect(port: u16, roots: RootCertStore, protocol: &[u8]) -> TlsStream<TcpStream> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap()
}

async fn until(stream: &mut TlsStream<TcpStream>, end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut seen)).await.expect("in time").unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&seen));
    }
    seen
}

#[tokio::test]
async fn websockets_are_encrypted_and_know_it() {
    let (port, roots) = start(Arc::default()).await;
    let mut stream = connect(port, roots, b"http/1.1").await;
    let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(until(&mut stream, b"}").await.windows(4).any(|part| part == b"0{\"s"));
    stream.write_all(&crate::client::frame(0x81, b"40")).await.unwrap();
    until(&mut stream, b"}").await;
    stream.write_all(&crate::client::frame(0x81, b"421[\"secure\"]")).await.unwrap();
    assert!(until(&mut stream, b"]").await.ends_with(b"431[null,true]"));
}

#[tokio::test]
async fn an_encrypted_connection_ends_right_after_its_close_frame() {
    let (port, roots) = start(Arc::default()).await;
    for (sent, code) in
        [(crate::client::frame(0x81, b"\xff"), 1007), (crate::client::frame(0x88, b"\x03\xe8"), 1000_u16)]
    {
        let mut stream = connect(port, roots.clone(), b"http/1.1").await;
        let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        until(&mut stream, b"}").await;
        stream.write_all(&sent).await.unwrap();
        let mut rest = Vec::new();
        // The end comes in order (`close_notify`), while the client has answered nothing.
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it ends").unwrap();
        assert_eq!(rest, [&[0x88, 2][..], &code.to_be_bytes()].concat());
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_harms_nobody() {
    let (port, roots) = start(Arc::default()).await;
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    // It may be reset as well.
    drop(tokio::time::timeout(PATIENCE, plain.read_to_end(&mut rest)).await.expect("it is closed"));
    assert!(!rest.starts_with(b"HTTP/1.1"));
    connect(port, roots, b"http/1.1").await;
}

#[tokio::test]
async fn broken_certificates_are_an_error() {
    for (chain, key) in [("", ""), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(Tls::from_pem(listener, chain.as_bytes(), key.as_bytes()).is_err());
    }
}

#[cfg(feature = "http2")]
mod http2 {
    use super::*;
    use crate::memory::{Door, Pipes};
    use bytes::Bytes;
    use http_body_util::{BodyExt, Empty, Full};
    use hyper::body::Incoming;
    use hyper::{Request, Response};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use std::convert::Infallible;
    use std::future::{Ready, pending, ready};
    use std::io;
    use std::task::{Context, Poll};
    use std::time::Duration;
    use tokio::io::DuplexStream;
    use tower_service::Service;
    use wingbeat_engine::{BoxFuture, Listener, Peer};

    #[tokio::test]
    async fn polls_go_over_http2_and_websockets_do_not() {
        let (port, roots) = start(Arc::default()).await;
        let stream = connect(port, roots, b"h2").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for (transport, status, begin) in
            [("polling", 200, "0{\"sid\""), ("websocket", 400, r#"{"code":3,"message":"Bad request"}"#)]
        {
            let url = format!("https://localhost/socket.io/?EIO=4&transport={transport}");
            let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status(), status);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(begin.as_bytes()), "{body:?}");
        }
    }

    /// Clients that have agreed to HTTP/2 without saying so.
    struct Agreed(Pipes);

    impl Listener for Agreed {
        type Io = DuplexStream;
        type Opening = Ready<io::Result<DuplexStream>>;

        fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
            self.0.poll_accept(cx)
        }

        fn is_http2(_: &DuplexStream) -> bool {
            true
        }
    }

    /// Answers everything with this much.
    #[derive(Clone)]
    struct Long(usize);

    impl Service<Request<Incoming>> for Long {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Incoming>) -> Self::Future {
            ready(Ok(Response::new(Full::new(vec![b'x'; self.0].into()))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_ends_its_connection_whatever_else_is_read() {
        let (door, pipes) = Door::new();
        tokio::spawn(wingbeat_engine::serve_http(Agreed(pipes), Long(100_000), pending()));
        let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        client.initial_stream_window_size(10_000);
        let (mut sender, connection) = client.handshake(TokioIo::new(door.knock())).await.unwrap();
        tokio::spawn(connection);
        let request = || Request::get("http://x/").body(Empty::<Bytes>::new()).unwrap();
        let _unread = sender.send_request(request()).await.unwrap();
        let others = async {
            while let Ok(answer) = sender.send_request(request()).await {
                if let Ok(body) = answer.into_body().collect().await {
                    assert_eq!(body.to_bytes().len(), 100_000);
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(100), others).await.expect("it is kept");
    }

    /// Answers after this long.
    #[derive(Clone)]
    struct Late(Duration);

    impl Service<Request<Incoming>> for Late {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Incoming>) -> Self::Future {
            let late = tokio::time::sleep(self.0);
            Box::pin(async move {
                late.await;
                Ok(Response::new(Full::new("late".into())))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_kept_and_not_used_is_closed_and_one_that_waits_is_not() {
        let (door, pipes) = Door::new();
        tokio::spawn(wingbeat_engine::serve_http(Agreed(pipes), Late(Duration::from_secs(35)), pending()));
        let client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = client.handshake(TokioIo::new(door.knock())).await.unwrap();
        let connection = tokio::spawn(connection);
        for _ in 0..2 {
            let request = Request::get("http://x/").body(Empty::<Bytes>::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "late");
        }
        let idle = tokio::time::Instant::now();
        let ended = tokio::time::timeout(Duration::from_secs(3600), connection).await;
        ended.expect("it is closed").unwrap().unwrap();
        assert!((75..=80).contains(&idle.elapsed().as_secs()), "{:?}", idle.elapsed());
    }
}

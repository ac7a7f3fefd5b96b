//! How a server is reached: by certificates that are trusted, and through proxies.

use crate::encrypted::Identity;
use crate::fixture::{Fixture, Target};
use crate::soon;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use wingbeat_client::rustls::{ClientConfig, RootCertStore};
use wingbeat_client::{Builder, Client, Error, Reconnection, TransportKind};

const BOTH: [TransportKind; 2] = [TransportKind::WebSocket, TransportKind::Polling];

on_both! {
    tls_is_spoken_with_certificates_that_are_trusted_and_no_others
    a_certificate_as_openssl_makes_it_is_trusted_where_it_was_given
    both_transports_go_through_a_proxy
    what_is_encrypted_goes_through_a_tunnel
}

async fn tls_is_spoken_with_certificates_that_are_trusted_and_no_others(target: Target) {
    let server = Fixture::start(target, "base");
    let identity = Identity::of_a_server();
    let url = identity.before(server.port).await;
    let mut roots = RootCertStore::empty();
    roots.add(identity.certificate.clone()).unwrap();
    let config = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
    for transports in [vec![TransportKind::WebSocket], vec![TransportKind::Polling, TransportKind::WebSocket]] {
        for builder in
            [Client::builder(&url).tls(config.clone()), Client::builder(&url).root_certificates(&identity.pem)]
        {
            let client = builder.transports(transports.clone()).connect().await.unwrap();
            let text = "x".repeat(100_000);
            let record = client.untyped("messages").create(&json!({ "text": text })).await.unwrap();
            assert_eq!(record["text"], text);
            client.close().await;
        }
    }
    for transport in BOTH {
        let error = refused(Client::builder(&url).transports([transport])).await;
        assert!(error.message().starts_with("Cannot connect"), "{error}");
        assert!(error.message().contains("its issuer is not trusted here"), "{error}");
        assert!(error.message().contains("--ca FILE"), "{error}");
    }
}

async fn refused(builder: Builder) -> Error {
    builder.reconnection(Reconnection::never()).connect().await.err().expect("this must not be connected to")
}

async fn a_certificate_as_openssl_makes_it_is_trusted_where_it_was_given(target: Target) {
    let server = Fixture::start(target, "base");
    let [right, other] = [(); 2].map(|()| Identity::as_by_openssl(Some("localhost"), 2400));
    let url = right.before(server.port).await;
    for transport in BOTH {
        let builder = || Client::builder(&url).transports([transport]);
        // A file may hold several, and what is not a certificate.
        let pem = format!("# ours\n{}\n{}", other.pem, right.pem);
        for trusting in [builder().root_certificates(pem), builder().danger_accept_any_certificate(true)] {
            let client = trusting.connect().await.unwrap();
            assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
            client.close().await;
        }
        for untrusting in [builder(), builder().root_certificates(&other.pem)] {
            let error = refused(untrusting.danger_accept_any_certificate(false)).await;
            assert!(error.message().contains("CA:TRUE") && error.message().contains("--ca FILE"), "{error}");
        }
    }
    for (identity, words) in [
        (Identity::as_by_openssl(Some("localhost"), 2021), "expired"),
        (Identity::as_by_openssl(Some("example.com"), 2400), "not valid for name \"localhost\""),
        (Identity::as_by_openssl(None, 2400), "-addext subjectAltName"),
    ] {
        let url = identity.before(server.port).await;
        let error = refused(Client::builder(&url).root_certificates(&identity.pem)).await;
        assert!(error.message().contains(words), "{error}");
        let builder = Client::builder(&url).danger_accept_any_certificate(true);
        builder.connect().await.unwrap().close().await;
    }
}

#[tokio::test]
async fn what_cannot_be_trusted_or_passed_through_is_told_when_the_client_is_built() {
    let wrong = |change: &dyn Fn(Builder) -> Builder| {
        let error = change(Client::builder("https://localhost")).build().err().unwrap();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
        error.message().into_owned()
    };
    assert!(wrong(&|builder| builder.root_certificates("")).contains("Missing certificate"));
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    assert!(wrong(&|builder| builder.root_certificates(broken)).contains("cannot be read"));
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(wrong(&|builder| builder.root_certificates(empty)).contains("cannot be used"));
    let config = || ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let both = |builder: Builder| builder.tls(Arc::new(config())).danger_accept_any_certificate(true);
    assert!(wrong(&both).contains("Builder::tls replaces all TLS settings"));
    for proxy in ["", "socks5://ann:secret@h:1", "http://ann:secret@"] {
        let error = wrong(&|builder| builder.proxy(proxy));
        assert!(error.contains("Builder::proxy") && !error.contains("secret"), "{error}");
    }
    let error = Client::builder("https://ann:secret@localhost").build().err().unwrap();
    assert!(error.message().contains("…@localhost") && !error.message().contains("secret"), "{error}");
}

/// A proxy that makes tunnels and sends requests on, for who knows the password; and what it was asked.
struct Middle {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

/// `ann:secret`
const PASSWORD: &str = "Proxy-Authorization: Basic YW5uOnNlY3JldA==";

impl Middle {
    async fn start() -> Middle {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let middle = Middle { address: listener.local_addr().unwrap().to_string(), heads: Arc::default() };
        let heads = middle.heads.clone();
        tokio::spawn(async move {
            loop {
                let (mut tcp, _) = listener.accept().await.unwrap();
                let heads = heads.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = tcp.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).unwrap();
                    heads.lock().unwrap().push(head.clone());
                    serve(tcp, &head).await;
                });
            }
        });
        middle
    }

    fn url(&self) -> String {
        format!("http://ann:secret@{}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

async fn serve(mut tcp: TcpStream, head: &str) {
    if !head.lines().any(|line| line.eq_ignore_ascii_case(PASSWORD)) {
        let _ = tcp.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
        return;
    }
    let (method, rest) = head.split_once(' ').unwrap();
    let mut server = if method == "CONNECT" {
        let server = rest.split_once(' ').unwrap().0.replace("localhost", "127.0.0.1");
        let Ok(server) = TcpStream::connect(server).await else {
            let _ = tcp.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
            return;
        };
        tcp.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        server
    } else {
        // One request a connection.
        let (server, path) = rest.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        let path = path.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        server.write_all(format!("{method} /{path}").as_bytes()).await.unwrap();
        server
    };
    let _ = copy_bidirectional(&mut tcp, &mut server).await;
}

async fn both_transports_go_through_a_proxy(target: Target) {
    let server = Fixture::start(target, "base");
    let middle = Middle::start().await;
    for (transport, begin) in
        [(TransportKind::WebSocket, "CONNECT 127.0.0.1:"), (TransportKind::Polling, "GET http://")]
    {
        let client = server.client().proxy(&middle.url()).transports([transport]).connect().await.unwrap();
        assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
        client.close().await;
        let heads = middle.heads();
        assert!(heads[0].starts_with(begin) && heads[0].contains(&server.port.to_string()), "{heads:?}");
        // None after all; and one that is not let through.
        server.client().proxy(&middle.url()).no_proxy().transports([transport]).connect().await.unwrap();
        assert!(middle.heads().is_empty());
        let stranger = format!("http://bob:secret@{}", middle.address);
        let error = refused(server.client().proxy(&stranger).transports([transport])).await;
        assert!(!error.message().contains("secret") && !error.message().contains("Ym9i"), "{error}");
        assert!(error.message().contains("valid name and password") || error.message().contains("HTTP 407"), "{error}");
        middle.heads();
    }
    let error = refused(server.client().proxy("http://127.0.0.1:1")).await;
    assert!(error.message().contains("the proxy 127.0.0.1:1: "), "{error}");
}

async fn what_is_encrypted_goes_through_a_tunnel(target: Target) {
    let server = Fixture::start(target, "base");
    let (middle, identity) = (Middle::start().await, Identity::of_a_server());
    let url = identity.before(server.port).await;
    // The way to the proxy may be encrypted as well.
    let port = middle.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let encrypted = identity.before(port).await.replacen("://", "://ann:secret@", 1);
    for proxy in [middle.url(), encrypted] {
        for transport in BOTH {
            let builder = Client::builder(&url).proxy(&proxy).root_certificates(&identity.pem);
            let client = builder.transports([transport]).connect().await.unwrap();
            assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
            client.close().await;
            let server = url.strip_prefix("https://").unwrap();
            for head in middle.heads() {
                assert!(head.starts_with(&format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n")), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_that_answers_nonsense_is_left() {
    for (answer, words) in [
        ("", "closed the connection"),
        ("nonsense\r\n\r\n", "invalid HTTP"),
        ("HTTP/1.1 403 Not you\r\n\r\n", "HTTP 403 Not you"),
        ("HTTP/1.1 200 OK\r\n\r\n\u{81}", "bytes after its answer"),
        (&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000)), "more than 16384 bytes"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let builder = Client::builder("http://a.example").proxy(&proxy).transports([TransportKind::WebSocket]);
        let server = async {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let _ = tcp.read(&mut [0; 1024]).await.unwrap();
            let _ = tcp.write_all(answer.as_bytes()).await;
            let _ = tcp.shutdown().await;
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        };
        let (error, ()) = soon(async { tokio::join!(refused(builder), server) }).await;
        assert!(error.message().contains("the proxy 127.0.0.1:") && error.message().contains(words), "{error}");
    }
}

//! Sockets on a port of their own.

use crate::sockets::Client;
use futures_util::StreamExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite;
use wingbeat::engine::HttpLimits;
use wingbeat::{Builder, Health, Phase, Rest, prelude::*, store::Memory};

/// An application on two ports, which ends when it is told.
struct Server {
    pages: SocketAddr,
    sockets: SocketAddr,
    app: App,
    end: oneshot::Sender<()>,
    ended: JoinHandle<Result<()>>,
}

impl Server {
    async fn start(builder: Builder, transport: SocketIo) -> Server {
        let is_ready = Arc::new(Notify::new());
        let (told, listener) = (is_ready.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let app = builder
            .mount("messages", Mount::new(Memory::new().start(1)).publish(|_| channel("everybody")))
            .on_connection(|app, connection| app.channel("everybody").join(connection))
            .around_setup(wingbeat::hooks::with(told, async |told: Arc<Notify>, _: &App, services: Phase<'_>| {
                services.run().await?;
                told.notify_one();
                Ok(())
            }))
            .configure(transport)
            .configure(Rest::new())
            .configure(Health::new())
            .build()
            .unwrap();
        let (pages, (end, told)) = (listener.local_addr().unwrap(), oneshot::channel::<()>());
        let serving = wingbeat::serve(listener, app.clone()).until(async { drop(told.await) });
        let ended = tokio::spawn(serving.into_future());
        // The port is taken by then, so connections to it wait at worst.
        is_ready.notified().await;
        let sockets = app.addresses()[0];
        Server { pages, sockets, app, end, ended }
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/socket.io/?EIO=4&transport=websocket")
}

async fn request(address: SocketAddr, head: &str, body: &str) -> String {
    request_over(TcpStream::connect(address).await.unwrap(), head, body).await
}

async fn request_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str, body: &str) -> String {
    let length = body.len();
    let request = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn sockets_hear_on_their_port_what_rest_makes_on_the_other() {
    let server = Server::start(App::builder(), SocketIo::new().listen("127.0.0.1:0")).await;
    let mut client = Client::open(&url(server.sockets)).await;
    let head = "POST /messages HTTP/1.1\r\nContent-Type: application/json";
    assert!(request(server.pages, head, r#"{"text":"Hello"}"#).await.starts_with("HTTP/1.1 201 "));
    assert_eq!(client.read().await, r#"42["messages created",{"text":"Hello","id":1}]"#);
    client.send(r#"421["get","messages",1]"#).await;
    assert_eq!(client.read().await, r#"431[null,{"text":"Hello","id":1}]"#);
    server.end().await;
}

#[tokio::test]
async fn each_port_serves_what_is_its_own_and_nothing_else() {
    let server = Server::start(App::builder(), SocketIo::new().listen("127.0.0.1:0")).await;
    let handshake = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";
    assert!(request(server.sockets, handshake, "").await.starts_with("HTTP/1.1 200 "));
    assert!(request(server.pages, handshake, "").await.starts_with("HTTP/1.1 404 "));
    for path in ["/health", "/messages"] {
        let get = format!("GET {path} HTTP/1.1");
        assert!(request(server.pages, &get, "").await.starts_with("HTTP/1.1 200 "), "{path}");
        assert!(request(server.sockets, &get, "").await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_call_under_way_is_answered_on_both_ports_and_then_both_are_free() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Semaphore::new(0)));
    let wait = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |_: serde_json::Value, _: Params| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                begun.notify_one();
                drop(go_on.acquire().await);
                Ok("done")
            }
        }
    };
    let builder = App::builder().mount("calls", Mount::empty().method("wait", wait));
    let server = Server::start(builder, SocketIo::new().listen("127.0.0.1:0")).await;
    let (pages, sockets, app) = (server.pages, server.sockets, server.app.clone());
    let mut client = Client::open(&url(sockets)).await;
    client.send(r#"421["wait","calls",{}]"#).await;
    begun.notified().await;
    let asked = tokio::spawn(request(pages, "POST /calls/wait HTTP/1.1", ""));
    begun.notified().await;
    let ending = tokio::spawn(server.end());
    // Nobody new is let in; the calls go on.
    while TcpStream::connect(sockets).await.is_ok() || TcpStream::connect(pages).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go_on.add_permits(2);
    assert_eq!(client.read().await, r#"431[null,"done"]"#);
    assert!(asked.await.unwrap().ends_with(r#""done""#));
    ending.await.unwrap();
    TcpListener::bind(sockets).await.unwrap();
    TcpListener::bind(pages).await.unwrap();
    drop(app);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_by_its_address_before_anything_begins() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let (setup, listener) = (Arc::new(Notify::new()), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let begun = setup.clone();
    let app = App::builder()
        .around_setup(wingbeat::hooks::with(begun, async |begun: Arc<Notify>, _: &App, services: Phase<'_>| {
            begun.notify_one();
            services.run().await
        }))
        .configure(SocketIo::new().listen("127.0.0.1:0"))
        .configure(SocketIo::new().listen(address))
        .build()
        .unwrap();
    let error = wingbeat::serve(listener, app.clone()).await.unwrap_err();
    let says = format!("Cannot listen on {address} for sockets: another program has this port");
    assert!(error.message().starts_with(&says), "{error:?}");
    assert!(futures_util::FutureExt::now_or_never(setup.notified()).is_none(), "the setup has begun");
    // What had been taken before it is given back.
    TcpListener::bind(app.addresses()[0]).await.unwrap();
}

#[tokio::test]
async fn a_setup_is_tried_again_with_the_port_when_that_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let app = App::builder().configure(SocketIo::new().listen(address)).build().unwrap();
    app.setup().await.unwrap_err();
    drop(taken);
    app.setup().await.unwrap();
    app.setup().await.unwrap();
    Client::open(&url(address)).await;
    app.shutdown(Duration::from_secs(5)).await;
    assert_eq!(app.setup().await.unwrap_err().code(), 503);
}

#[tokio::test]
async fn setup_opens_the_port_for_those_who_serve_the_application_themselves() {
    let app = App::builder().configure(SocketIo::new().listen("127.0.0.1:0")).build().unwrap();
    assert_eq!(app.addresses(), []);
    app.setup().await.unwrap();
    let address = app.addresses()[0];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pages = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback_service(app.http());
    tokio::spawn(axum::serve(listener, router).into_future());
    let mut client = Client::open(&url(address)).await;
    assert!(tokio_tungstenite::connect_async(url(pages)).await.is_err());
    let ending = tokio::spawn(async move { app.shutdown(Duration::from_secs(5)).await });
    assert!(client.0.next().await.unwrap().unwrap().is_close());
    ending.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_application_that_is_dropped_gives_its_port_back() {
    let app = App::builder().configure(SocketIo::new().listen("127.0.0.1:0")).build().unwrap();
    app.setup().await.unwrap();
    let address = app.addresses()[0];
    drop(app);
    while TcpListener::bind(address).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn limits_hold_on_the_port_of_the_sockets() {
    use wingbeat::engine::Config;
    let config = Config::default().max_connections_per_address(1);
    let limits = HttpLimits::default().max_header_bytes(8 * 1024);
    let transport = SocketIo::with_config(config).listen("127.0.0.1:0").http_limits(limits);
    let server = Server::start(App::builder(), transport).await;
    let _client = Client::open(&url(server.sockets)).await;
    let refused = tokio_tungstenite::connect_async(url(server.sockets)).await.unwrap_err();
    assert!(matches!(&refused, tungstenite::Error::Http(answer) if answer.status() == 429), "{refused:?}");
    let long = format!("GET /socket.io/ HTTP/1.1\r\nX-Long: {}", "x".repeat(9 * 1024));
    assert!(request(server.sockets, &long, "").await.starts_with("HTTP/1.1 431 "));
    server.end().await;
}

#[test]
fn an_address_without_host_or_port_is_told_when_the_application_is_built() {
    for address in ["3031", "localhost", ":3031", "127.0.0.1:http", "127.0.0.1:65536", ""] {
        let error = App::builder().configure(SocketIo::new().listen(address)).build().unwrap_err();
        assert!(error.message().starts_with(&format!("Invalid address '{address}'")), "{error:?}");
    }
    let limits = SocketIo::new().http_limits(HttpLimits::default());
    let error = App::builder().configure(limits).build().unwrap_err();
    assert!(error.message().contains("`listen` opens"), "{error:?}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_port_may_be_encrypted() {
    use wingbeat::engine::Tls;
    use wingbeat::engine::rustls;

    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = Tls::from_pem(tcp, own.cert.pem().as_bytes(), own.signing_key.serialize_pem().as_bytes()).unwrap();
    let server = Server::start(App::builder(), SocketIo::new().listener(tls)).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(server.sockets).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    let answer = request_over(stream, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"0{"sid":"#), "{answer}");
    server.end().await;
}

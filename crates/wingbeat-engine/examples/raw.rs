//! A raw Socket.IO server to hold against the reference's client: `raw --state msgpack --port 0`. It prints its address
//! and ends with its standard input. States are words with commas between them; see `config`.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::Ipv4Addr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use wingbeat_core::RawJson;
use wingbeat_engine::io::{Io, IoSocket};
use wingbeat_engine::{Answer, Config, Cookie, Cors, Engine, Event, Refusal};

fn config(state: &str) -> Config {
    state.split(',').fold(Config::default(), |config, word| match word {
        "msgpack" => config.msgpack(true),
        "credentials" => config
            .cors(Cors::new(wingbeat_engine::Origins::Mirror).credentials(true))
            .cookie(Cookie::default())
            .client_files(files()),
        "files" => config.client_files(files()),
        _ => config,
    })
}

/// Where npm puts the client's bundles, as seen from the root of the project.
fn files() -> String {
    std::env::var("WINGBEAT_CLIENT_FILES").unwrap_or_else(|_| "conformance/node_modules/socket.io-client/dist".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut state, mut port) = (String::new(), 0);
    while let Some((name, value)) = arguments.next().zip(arguments.next()) {
        match &*name {
            "--state" => state = value,
            "--port" => port = value.parse().map_err(std::io::Error::other)?,
            _ => return Err(std::io::Error::other(format!("unknown option {name}"))),
        }
    }
    let io = Io::new();
    listen(&io);
    let engine = Engine::new(config(&state), io.handler()).map_err(std::io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening {}", listener.local_addr()?);
    let ended = async {
        let mut rest = Vec::new();
        drop(tokio::io::stdin().read_to_end(&mut rest).await);
    };
    wingbeat_engine::serve(listener, engine.clone(), Page, ended).await?;
    engine.close(Duration::from_secs(2)).await;
    Ok(())
}

fn listen(io: &Io) {
    io.middleware(|socket| async move {
        match socket.handshake().query().contains("deny=1") {
            true => Err(Refusal::new("not you").with_data(serde_json::json!({"code": 7}))),
            false => Ok(()),
        }
    });
    io.on_connection(talk);
    io.of("/chat").on_connection(talk);
    io.of_matching(|name| name.starts_with("/room-")).on_connection(talk);
}

/// What every socket can ask for.
fn talk(socket: IoSocket) {
    socket.on("echo", |_, event| async move { Answer::args(&event.args().collect::<Vec<_>>()) });
    socket.on("back", |socket, event| async move {
        socket.emit("back", &event.args().collect::<Vec<_>>());
        Answer::args(&[])
    });
    socket.on("join", |socket, event| async move {
        socket.join(&text(&event, 0));
        Answer::args(&[])
    });
    socket.on("say", |socket, event| async move {
        let said: Vec<RawJson> = event.args().skip(1).collect();
        socket.to(&text(&event, 0)).emit("said", &said);
        Answer::args(&[])
    });
    socket.on("ask me", |socket, event| async move {
        let question: Vec<RawJson> = event.args().collect();
        let reply = socket.request("question", &question, Duration::from_millis(500)).await;
        match reply {
            Ok(reply) => Answer::args(&(0..reply.len()).filter_map(|at| reply.arg(at)).collect::<Vec<_>>()),
            Err(error) => Answer::args(&[RawJson::new(&error.to_string()).unwrap_or(RawJson::NULL)]),
        }
    });
    socket.on("header", |socket, event| async move {
        let header = socket.handshake().headers().get(&text(&event, 0)).map(str::to_owned);
        RawJson::new(&header).ok().map(|header| Answer::args(&[header]))
    });
    socket.on("auth", |socket, _| async move { Answer::args(&[socket.auth().cloned().unwrap_or(RawJson::NULL)]) });
    socket.on("leave", |socket, event| async move {
        socket.disconnect(event.arg(0).is_some_and(|close| close.as_bytes() == b"true"));
    });
}

fn text(event: &Event, at: usize) -> String {
    event.arg(at).and_then(|arg| arg.to().ok()).unwrap_or_default()
}

/// An empty page, for browsers to begin at.
#[derive(Clone)]
struct Page;

impl tower_service::Service<Request<Incoming>> for Page {
    type Response = Response<http_body_util::Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let mut response = Response::new(http_body_util::Full::new(Bytes::from_static(b"<!doctype html>")));
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/html"));
        if request.uri().path() != "/" {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        ready(Ok(response))
    }
}

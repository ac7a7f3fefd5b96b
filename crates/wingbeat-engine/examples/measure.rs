//! A server for the load generator, on the engine alone: what a call costs before any framework.
//!
//! `cargo run --release -p wingbeat-engine --example measure -- 3030`

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;
use wingbeat_core::RawJson;
use wingbeat_engine::{Answer, Config, Engine, Event, Frame, Handled, Handler, Reason, Socket};

/// `get` and `create` of `messages` (published to everybody) and `quiet` (to nobody).
#[derive(Default)]
struct Measured {
    sockets: Mutex<Arc<Vec<Socket>>>,
    created: AtomicU64,
}

impl Handler for Measured {
    fn connected(&self, socket: &Socket) {
        if let Ok(mut sockets) = self.sockets.lock() {
            Arc::make_mut(&mut sockets).push(socket.clone());
        }
    }

    fn disconnect(&self, socket: &Socket, _: Reason) {
        if let Ok(mut sockets) = self.sockets.lock() {
            Arc::make_mut(&mut sockets).retain(|other| other != socket);
        }
    }

    fn event(&self, _: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        let argument = event.arg_str(1).unwrap_or("null").as_bytes();
        let result: Vec<u8> = match event.name() {
            "get" => [b"{\"id\":", argument, b",\"text\":\"hello\"}"].concat(),
            "create" => {
                let id = self.created.fetch_add(1, Ordering::Relaxed) + 1;
                let fields = argument.strip_suffix(b"}").unwrap_or(argument);
                let record = [fields, format!(",\"id\":{id}}}").as_bytes()].concat();
                if event.arg_str(0) == Some("\"messages\"") {
                    let frame = Frame::event("/", "messages created", &[&record]);
                    let sockets = self.sockets.lock().map(|sockets| sockets.clone()).unwrap_or_default();
                    sockets.iter().for_each(|socket| socket.send(&frame));
                }
                record
            }
            _ => return Handled::now(None),
        };
        Handled::now(Some(Answer::result(RawJson::from_valid(result.into()))))
    }
}

/// Answers nothing else.
#[derive(Clone)]
struct Nothing;

impl tower_service::Service<http::Request<hyper::body::Incoming>> for Nothing {
    type Response = http::Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<hyper::body::Incoming>) -> Self::Future {
        ready(Ok(http::Response::new(String::new())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(3030);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let engine = Engine::new(Config::default(), Measured::default()).map_err(std::io::Error::other)?;
    wingbeat_engine::serve(listener, engine, Nothing, pending()).await
}

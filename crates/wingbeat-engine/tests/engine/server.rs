//! A server with a handler that tests can look into.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use wingbeat_core::RawJson;
use wingbeat_engine::{Answer, BoxFuture, Config, Engine, Event, Handled, Handler, Reason, Refusal, Socket};

/// What the handler saw, and what it waits for.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) log: Mutex<Vec<String>>,
    pub(crate) sockets: Mutex<Vec<Socket>>,
    pub(crate) changed: Notify,
    pub(crate) gate: Notify,
    /// For a clock that is paused, which jumps to the deadline whenever nothing else is going on.
    pub(crate) patience: OnceLock<Duration>,
}

impl Seen {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
        self.changed.notify_waiters();
    }

    /// Waits until the log has this line.
    pub(crate) async fn wait_for(&self, line: &str) {
        let wait = self.wait_for_many(line, 1);
        let patience = self.patience.get().copied().unwrap_or(super::client::PATIENCE);
        if tokio::time::timeout(patience, wait).await.is_err() {
            panic!("{line:?} is not in {:?}", self.log.lock().unwrap());
        }
    }

    /// Waits until the log has this line so many times.
    pub(crate) async fn wait_for_many(&self, line: &str, times: usize) {
        loop {
            let changed = self.changed.notified();
            if self.count(line) >= times {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|seen| *seen == line).count()
    }
}

/// Panics without a backtrace: reading symbols takes 60 MB, and other tests look at how much memory there is in all.
fn panicked(why: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(why))
}

/// A megabyte.
fn large() -> RawJson {
    // Once, because other tests look at how much memory there is in all.
    static LARGE: LazyLock<RawJson> = LazyLock::new(|| RawJson::new(&"x".repeat(1_000_000)).unwrap());
    LARGE.clone()
}

/// `echo` answers at once, `slow` after one more turn, `gate` when the gate opens, `never` never, `panic` panics,
/// `tell` sends an event before it answers, `large` answers a megabyte at once and `late large` when the gate opens.
pub(crate) struct Test(pub(crate) Arc<Seen>);

impl Handler for Test {
    fn namespace(&self, name: &str) -> bool {
        matches!(name, "/" | "/other" | "/closed" | "/leaving" | "/late")
    }

    fn connect(&self, socket: &Socket, auth: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        self.0.note(format!("connect {} {auth:?}", socket.namespace()));
        let (closed, late) = (socket.namespace() == "/closed", socket.namespace() == "/late");
        if late || socket.namespace() == "/leaving" {
            socket.disconnect(false);
        }
        if late {
            let seen = self.0.clone();
            return Box::pin(async move {
                seen.gate.notified().await;
                Ok(())
            });
        }
        Box::pin(ready(if closed {
            Err(Refusal::new("closed").with_data(serde_json::json!({"why": 1})))
        } else {
            Ok(())
        }))
    }

    fn connected(&self, socket: &Socket) {
        self.0.sockets.lock().unwrap().push(socket.clone());
        self.0.note("connected".to_owned());
    }

    fn event(&self, socket: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        let (seen, socket) = (self.0.clone(), socket.clone());
        let arg = event.arg(0).unwrap_or(RawJson::NULL);
        seen.note(format!("event {} {arg:?}", event.name()));
        let answer: BoxFuture<'static, Option<Answer>> = match event.name() {
            "echo" => Box::pin(ready(Some(Answer::result(arg)))),
            "slow" => Box::pin(async move {
                tokio::task::yield_now().await;
                Some(Answer::result(arg))
            }),
            "gate" => Box::pin(async move {
                seen.gate.notified().await;
                seen.note("through".to_owned());
                Some(Answer::result(arg))
            }),
            "large" => Box::pin(ready(Some(Answer::result(large())))),
            "late large" => Box::pin(async move {
                seen.gate.notified().await;
                Some(Answer::result(large()))
            }),
            "tell" => Box::pin(async move {
                socket.emit("told", std::slice::from_ref(&arg));
                Some(Answer::result(arg))
            }),
            "panic" => panicked("as asked"),
            "late panic" => Box::pin(async move {
                tokio::task::yield_now().await;
                panicked("as asked, late")
            }),
            "flood" => Box::pin(async move {
                let text = RawJson::new(&"x".repeat(60_000)).unwrap();
                for _ in 0..200 {
                    socket.emit("flood", std::slice::from_ref(&text));
                }
                None
            }),
            "secure" => {
                let secure = RawJson::new(&socket.handshake().secure()).ok();
                Box::pin(ready(secure.map(Answer::result)))
            }
            "leave" => {
                socket.disconnect(false);
                Box::pin(ready(None))
            }
            "close" => {
                socket.disconnect(true);
                Box::pin(ready(None))
            }
            "never" => Box::pin(pending()),
            _ => Box::pin(ready(None)),
        };
        answer.into()
    }

    fn disconnect(&self, _: &Socket, reason: Reason) {
        self.0.note(format!("disconnect {reason}"));
    }
}

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) engine: Engine,
    pub(crate) seen: Arc<Seen>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Server {
        let seen = Arc::new(Seen::default());
        let engine = Engine::new(config, Test(seen.clone())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(wingbeat_engine::serve(listener, engine.clone(), NotFound, pending()));
        Server { port, engine, seen }
    }
}

/// Answers 404 to everything.
#[derive(Clone)]
pub(crate) struct NotFound;

impl tower_service::Service<Request<Incoming>> for NotFound {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        let mut response = Response::new("nobody".to_owned());
        *response.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok(response))
    }
}

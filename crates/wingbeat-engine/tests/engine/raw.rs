//! Raw Socket.IO: namespaces, rooms, middleware, acknowledgements both ways.

use crate::client::{Got, PATIENCE, Ws};
use crate::server::{NotFound, Seen, Test};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use wingbeat_core::RawJson;
use wingbeat_engine::io::{Io, IoSocket};
use wingbeat_engine::{Answer, Config, Engine, Handler, Refusal, Unanswered};

async fn start(handler: impl Handler) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(wingbeat_engine::serve(
        listener,
        Engine::new(Config::default(), handler).unwrap(),
        NotFound,
        pending(),
    ));
    port
}

fn json(value: &str) -> RawJson {
    RawJson::new(value).unwrap()
}

#[tokio::test]
async fn services_and_raw_events_live_side_by_side() {
    let io = Io::new();
    io.on_connection(|socket| {
        socket.on("raw", |_, event| async move { Some(Answer::args(&[json("raw"), event.arg(0).unwrap()])) });
        socket.on("twice", |_, _| async { None });
        socket.on("twice", |_, _| async { Answer::args(&[json("second")]) });
    });
    let port = start(io.beside(Test(Arc::new(Seen::default())))).await;
    let mut ws = Ws::connect(port).await;
    ws.send("421[\"raw\",7]").await;
    assert_eq!(ws.text().await, "431[\"raw\",7]");
    ws.send("422[\"echo\",8]").await;
    assert_eq!(ws.text().await, "432[null,8]");
    ws.send("423[\"twice\"]").await;
    assert_eq!(ws.text().await, "433[\"second\"]");
}

#[tokio::test]
async fn rooms_are_reached_once_and_without_the_excepted() {
    let io = Io::new();
    io.on_connection(|socket| {
        socket.on("join", |socket, event| async move {
            socket.join(&event.arg(0).unwrap().to::<String>().unwrap());
            Some(Answer::args(&[]))
        });
        socket.on("others", |socket, _| async move {
            socket.to("a").emit("hi", &[]);
            Some(Answer::args(&[]))
        });
    });
    let port = start(io.handler()).await;
    let (mut one, mut two, mut three) = (Ws::connect(port).await, Ws::connect(port).await, Ws::connect(port).await);
    two.send("421[\"join\",\"b\"]").await;
    assert_eq!(two.text().await, "431[]");
    for (ws, room) in [(&mut one, "a"), (&mut two, "a"), (&mut three, "b")] {
        ws.send(&format!("421[\"join\",\"{room}\"]")).await;
        assert_eq!(ws.text().await, "431[]");
    }
    io.to("a").to("b").emit("both", &[json("x")]);
    for ws in [&mut one, &mut two, &mut three] {
        assert_eq!(ws.text().await, "42[\"both\",\"x\"]");
    }
    io.of("/").except("b").emit("a only", &[]);
    assert_eq!(one.text().await, "42[\"a only\"]");
    one.send("422[\"others\"]").await;
    assert_eq!(one.text().await, "432[]");
    assert_eq!(two.text().await, "42[\"hi\"]");
    assert_eq!((io.to("a").fetch_sockets().len(), io.to("b").except("a").fetch_sockets().len()), (2, 1));
    io.to("a").disconnect_sockets(false);
    assert_eq!((one.text().await, two.text().await), ("41".into(), "41".into()));
    three.silent().await;
    io.emit("left", &[]);
    assert_eq!(three.text().await, "42[\"left\"]");
}

#[tokio::test]
async fn clients_answer_in_time_or_not() {
    let io = Io::new();
    let port = start(io.handler()).await;
    let mut ws = Ws::connect(port).await;
    let socket = io.of("/").fetch_sockets().remove(0);
    let asked = socket.clone();
    let reply = tokio::spawn(async move { asked.request("ask", &[json("x")], Duration::from_secs(5)).await });
    assert_eq!(ws.text().await, "420[\"ask\",\"x\"]");
    ws.send("430[1,{\"a\":2}]").await;
    let reply = reply.await.unwrap().unwrap();
    assert_eq!((reply.len(), reply.arg(1).unwrap().as_bytes()), (2, &br#"{"a":2}"#[..]));
    assert_eq!(socket.request("ask", &[], Duration::from_millis(20)).await.unwrap_err(), Unanswered::Timeout);
    assert_eq!(ws.text().await, "421[\"ask\"]");
    let asked = socket.clone();
    let reply = tokio::spawn(async move { asked.request("ask", &[], Duration::from_secs(5)).await });
    assert_eq!(ws.text().await, "422[\"ask\"]");
    ws.send("41").await;
    assert_eq!(reply.await.unwrap().unwrap_err(), Unanswered::Disconnected);
}

#[tokio::test]
async fn namespaces_have_their_own_middleware_and_data() {
    let io = Io::new();
    let gone = Arc::new(Mutex::new(Vec::new()));
    let rooms = io.of_matching(|name| name.starts_with("/room-"));
    rooms.middleware(|socket| async move {
        match socket.auth() {
            Some(auth) => {
                socket.set_data("auth", auth.to::<serde_json::Value>().unwrap());
                Ok(())
            }
            None => Err(Refusal::new("no").with_data(serde_json::json!([1]))),
        }
    });
    let noted = gone.clone();
    rooms.on_connection(move |socket| {
        let noted = noted.clone();
        socket.join("x");
        socket.on_disconnect(move |socket, reason| {
            noted.lock().unwrap().push(format!("{} {reason} {}", socket.namespace(), socket.rooms().len()))
        });
        socket
            .on("data", |socket, _| async move { Some(Answer::args(&[RawJson::new(&socket.data("auth")).unwrap()])) });
    });
    let port = start(io.handler()).await;
    let mut ws = Ws::connect(port).await;
    ws.send("40/room-1,").await;
    assert_eq!(ws.text().await, "44/room-1,{\"message\":\"no\",\"data\":[1]}");
    ws.send("40/room-1,{\"k\":1}").await;
    assert!(ws.text().await.starts_with("40/room-1,{\"sid\":"));
    ws.send("42/room-1,9[\"data\"]").await;
    assert_eq!(ws.text().await, "43/room-1,9[{\"k\":1}]");
    io.of("/room-1").to("x").emit("in x", &[]);
    assert_eq!(ws.text().await, "42/room-1,[\"in x\"]");
    ws.send("41/room-1,").await;
    ws.send("40/nope,").await;
    assert!(ws.text().await.starts_with("44/nope,"));
    assert_eq!(*gone.lock().unwrap(), ["/room-1 client namespace disconnect 2"]);
    io.of("/").disconnect_sockets(true);
    assert_eq!([ws.next().await, ws.next().await], [Got::Text("41".into()), Got::Close(None)]);
}

/// A server whose namespaces `/room-…` are for those who say something, and the sockets that were in them.
async fn guarded_rooms() -> (Io, u16, Arc<Mutex<Vec<IoSocket>>>) {
    let (io, seen) = (Io::new(), Arc::new(Mutex::new(Vec::new())));
    let rooms = io.of_matching(|name| name.starts_with("/room-"));
    rooms.middleware(|socket| async move { socket.auth().map(drop).ok_or(Refusal::new("no")) });
    let all = seen.clone();
    rooms.on_connection(move |socket| all.lock().unwrap().push(socket));
    let port = start(io.handler()).await;
    (io, port, seen)
}

#[tokio::test]
async fn a_namespace_that_has_vanished_does_not_come_back_without_its_middleware() {
    let (_io, port, seen) = guarded_rooms().await;
    let mut ws = Ws::connect(port).await;
    ws.send("40/room-1,{}").await;
    assert!(ws.text().await.starts_with("40/room-1,{\"sid\":"));
    ws.send("41/room-1,").await;
    // Refused, so what was sent before has been read.
    ws.send("40/room-2,").await;
    assert!(ws.text().await.starts_with("44/room-2,"));
    let late = seen.lock().unwrap().remove(0);
    late.broadcast().emit("to all others", &[]);
    late.to("x").emit("to those in x", &[]);
    ws.send("40/room-1,").await;
    assert_eq!(ws.text().await, "44/room-1,{\"message\":\"no\"}");
}

#[tokio::test]
async fn what_is_sent_to_an_empty_namespace_of_a_pattern_opens_it_to_nobody() {
    let (io, port, _) = guarded_rooms().await;
    let before = io.of("/room-1");
    before.emit("nobody hears this", &[]);
    let mut ws = Ws::connect(port).await;
    ws.send("40/room-1,").await;
    assert_eq!(ws.text().await, "44/room-1,{\"message\":\"no\"}");
    ws.send("40/room-1,{}").await;
    assert!(ws.text().await.starts_with("40/room-1,{\"sid\":"));
    before.emit("news", &[]);
    assert_eq!(ws.text().await, "42/room-1,[\"news\"]");
}

#[tokio::test]
async fn a_listener_that_panics_keeps_no_socket_in_its_namespace() {
    let io = Io::new();
    let told = Arc::new(Notify::new());
    let tell = told.clone();
    io.on_connection(move |socket| {
        let tell = tell.clone();
        socket.on_disconnect(|_, _| panic!("as asked"));
        socket.on_disconnect(move |_, _| tell.notify_one());
    });
    let port = start(io.handler()).await;
    let ws = Ws::connect(port).await;
    assert_eq!(io.of("/").fetch_sockets().len(), 1);
    drop(ws);
    tokio::time::timeout(PATIENCE, told.notified()).await.expect("the other listener hears of it");
    assert_eq!(io.of("/").fetch_sockets().len(), 0);
}

/// Without a backtrace, which takes memory.
fn panicked() {
    std::panic::resume_unwind(Box::new("as asked"));
}

#[tokio::test]
async fn listeners_of_one_event_do_not_wait_for_one_another() {
    let (io, told) = (Io::new(), Arc::new(Notify::new()));
    let tell = told.clone();
    io.on_connection(move |socket| {
        let tell = tell.clone();
        socket.on("event", |_, _| pending::<()>());
        socket.on("event", move |_, _| {
            let tell = tell.clone();
            async move {
                tokio::task::yield_now().await;
                tell.notify_one();
            }
        });
    });
    let mut ws = Ws::connect(start(io.handler()).await).await;
    ws.send("42[\"event\"]").await;
    tokio::time::timeout(PATIENCE, told.notified()).await.expect("the second is called");
}

#[tokio::test]
async fn a_listener_that_panics_hides_no_answer_of_another() {
    let io = Io::new();
    io.on_connection(|socket| {
        socket.on("answered", |_, _| async { panicked() });
        socket.on("answered", |_, _| {
            panicked();
            async {}
        });
        socket.on("answered", |_, _| async { Answer::args(&[json("third")]) });
        socket.on("not answered", |_, _| async {});
        socket.on("not answered", |_, _| async { panicked() });
    });
    let mut ws = Ws::connect(start(io.handler()).await).await;
    ws.send("421[\"answered\"]").await;
    assert_eq!(ws.text().await, "431[\"third\"]");
    ws.send("42[\"not answered\"]").await;
    ws.send("422[\"not answered\"]").await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn a_socket_that_does_not_join_is_not_kept_by_its_listeners() {
    let (io, kept) = (Io::new(), Arc::new(Mutex::new(Vec::new())));
    let keep = kept.clone();
    io.middleware(move |socket| {
        let held = (socket.clone(), Arc::new(()));
        keep.lock().unwrap().push(Arc::downgrade(&held.1));
        socket.on_disconnect(move |_, _| drop(held.clone()));
        async move {
            if socket.auth().is_some() {
                pending::<()>().await;
            }
            Err(Refusal::new("no"))
        }
    });
    let port = start(io.handler()).await;
    for connect in ["40", "40{}"] {
        let mut ws = Ws::open(port, "/socket.io/?EIO=4&transport=websocket").await;
        assert!(ws.text().await.starts_with('0'));
        ws.send(connect).await;
        if connect == "40" {
            assert_eq!(ws.text().await, "44{\"message\":\"no\"}");
        }
        ws.send("2").await;
        assert_eq!(ws.next().await, Got::Close(None));
    }
    let free = async {
        while kept.lock().unwrap().iter().any(|held| held.upgrade().is_some()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("nothing holds them");
    assert_eq!(kept.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_may_ask_for_namespaces() {
    let io = Io::new();
    let (lobby, own) = (io.of("/lobby"), io.clone());
    io.of_matching(move |name| name == format!("/room-{}", own.of("/lobby").fetch_sockets().len()));
    let mut ws = Ws::connect(start(io.handler()).await).await;
    ws.send("40/lobby,").await;
    assert!(ws.text().await.starts_with("40/lobby,{"));
    ws.send("40/room-1,").await;
    assert!(ws.text().await.starts_with("40/room-1,{"));
    assert_eq!((lobby.fetch_sockets().len(), io.of("/room-1").name()), (1, "/room-1"));
}

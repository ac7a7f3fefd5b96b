//! The recorded way from polling to a WebSocket: ours sends the same requests and frames.

use crate::recordings::{Case, cases};
use crate::scripted::Listener;
use crate::soon;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wingbeat_client::{Client, Reconnection, TransportKind};
use wingbeat_protocol::packet::{Opcode, write_header};
use wingbeat_protocol::ws::{Fragments, Item, Sender, accept, next_item};

/// Something the client has sent, as recordings have it, and where the answer goes.
struct Sent {
    what: Value,
    answer: mpsc::Sender<String>,
}

#[tokio::test]
async fn polling_upgrades_with_the_requests_of_the_recorded_client() {
    let case = cases().into_iter().find(|case| case.name == "client/polling-upgrade").unwrap();
    let listener = Listener::bind().await;
    let url = listener.url();
    let (sent, received) = mpsc::channel(100);
    tokio::spawn(async move {
        loop {
            tokio::spawn(connection(listener.tcp().await, sent.clone()));
        }
    });
    let server = tokio::spawn(play(case, received));
    let transports = [TransportKind::Polling, TransportKind::WebSocket];
    let client = Client::builder(&url).transports(transports).reconnection(Reconnection::never());
    let client = soon(client.connect()).await.unwrap();
    while client.transport() != Some(TransportKind::WebSocket) {
        tokio::task::yield_now().await;
    }
    assert_eq!(soon(async { client.untyped("messages").get(1).await }).await.unwrap()["text"], "one");
    soon(client.close()).await;
    soon(server).await.unwrap();
}

/// Answers as the recorded server did, and compares what comes.
async fn play(case: Case, mut received: mpsc::Receiver<Sent>) {
    let (mut early, mut open): (Vec<Sent>, Vec<Sent>) = (Vec::new(), Vec::new());
    for (dir, frame) in &case.frames {
        if frame.get("api").or(frame.get("resolved")).is_some() {
            continue;
        }
        if dir == "c>s" {
            // What is on its way side by side comes in any order.
            while !early.iter().any(|sent| sent.what == *frame) {
                let next = received.recv().await;
                early.push(next.unwrap_or_else(|| panic!("{frame} never came")));
            }
            let at = early.iter().position(|sent| sent.what == *frame).unwrap();
            open.push(early.remove(at));
            continue;
        }
        let text = |text: &str| text.replace("{{sid:", "sid-").replace("}}\"", "\"");
        let (answers, answer): (fn(&Sent) -> bool, String) = match frame {
            Value::String(packet) => (|sent| sent.what["ws"] == "open", text(packet)),
            _ if frame["ws"] == "accepted" => continue,
            _ if frame["body"] == "ok" => (|sent| sent.what["method"] == "POST", "ok".to_owned()),
            _ => (|sent| sent.what["method"] == "GET", text(frame["body"].as_str().unwrap())),
        };
        let asked = open.iter().position(answers).unwrap_or_else(|| panic!("nobody asked for {frame}"));
        open[asked].answer.send(answer).await.unwrap();
        if open[asked].what["ws"] != "open" {
            open.remove(asked);
        }
    }
    // A poll more, for which there was time before the probe was answered, is no difference: servers release it.
    let polls = |sent: &Sent| sent.what["method"] == "GET";
    assert!(early.iter().all(polls), "{:?}", early.iter().map(|sent| &sent.what).collect::<Vec<_>>());
}

/// One connection: requests one after another, until one of them makes it a WebSocket.
async fn connection(mut tcp: TcpStream, sent: mpsc::Sender<Sent>) {
    let (answer, mut answers) = mpsc::channel(10);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = tcp.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let header = |name: &str| {
            let named = head.lines().filter_map(|line| line.split_once(": "));
            named.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
        };
        let mut line = head.split(' ');
        let (method, path) = (line.next().unwrap(), normal(line.next().unwrap()));
        if let Some(key) = header("sec-websocket-key") {
            let what = json!({"ws": "open", "path": path, "headers": {}});
            sent.send(Sent { what, answer: answer.clone() }).await.unwrap();
            let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade";
            let head = format!("{switch}\r\nsec-websocket-accept: {}\r\n\r\n", accept(key.as_bytes()));
            tcp.write_all(head.as_bytes()).await.unwrap();
            return websocket(tcp, sent, answer, answers).await;
        }
        let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
        tcp.read_exact(&mut body).await.unwrap();
        let body = if method == "GET" { Value::Null } else { String::from_utf8(body).unwrap().into() };
        let mut headers = json!({});
        for name in ["content-type", "accept"] {
            if let Some(value) = header(name) {
                headers[name] = value.into();
            }
        }
        let what = json!({"http": "request", "method": method, "path": path, "headers": headers, "body": body});
        sent.send(Sent { what, answer: answer.clone() }).await.unwrap();
        let Some(answer) = answers.recv().await else { return };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        tcp.write_all((head + &answer).as_bytes()).await.unwrap();
    }
}

/// Passes texts on in both directions.
async fn websocket(
    mut tcp: TcpStream,
    sent: mpsc::Sender<Sent>,
    answer: mpsc::Sender<String>,
    mut answers: mpsc::Receiver<String>,
) {
    let (mut read, mut part, mut fragments) = (vec![0; 4096], Vec::new(), Fragments::default());
    loop {
        tokio::select! {
            n = tcp.read(&mut read) => part.extend_from_slice(&read[..n.unwrap_or(0)]),
            text = answers.recv() => {
                let text = text.unwrap();
                let mut frame = Vec::new();
                write_header(&mut frame, Opcode::Text, text.len());
                tcp.write_all(&[&frame, text.as_bytes()].concat()).await.unwrap();
            }
        }
        while let Some((used, item)) = next_item(Sender::Client, &mut fragments, &mut part, 1 << 20).unwrap() {
            match item {
                Item::Text(text) => {
                    let what = Value::from(text.into_owned());
                    // The test may be over.
                    let _ = sent.send(Sent { what, answer: answer.clone() }).await;
                }
                _ => return,
            }
            part.drain(..used);
        }
    }
}

/// The path with what differs each time as recordings have it.
fn normal(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some(("t", _)) => "t={{any}}".to_owned(),
        Some(("sid", "sid-1")) => "sid={{sid:1}}".to_owned(),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

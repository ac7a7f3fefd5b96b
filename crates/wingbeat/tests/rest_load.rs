//! Requests of all kinds, good and bad, over connections that are kept and such that are left: each is answered as it should
//! be, and the server grows by none of them. (A program of its own: it measures the memory of the process.)
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(target_os = "linux")]

use futures_util::future::join_all;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wingbeat::{Rest, prelude::*, store::Memory};

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, and the status that it is to have.
struct Ask {
    method: &'static str,
    path: String,
    headers: &'static str,
    body: String,
    status: u16,
}

impl Ask {
    fn new(method: &'static str, path: impl Into<String>, status: u16) -> Ask {
        Ask { method, path: path.into(), headers: "", body: String::new(), status }
    }

    fn with(self, headers: &'static str, body: impl Into<String>) -> Ask {
        Ask { headers, body: body.into(), ..self }
    }

    fn text(&self) -> String {
        let Ask { method, path, headers, body, .. } = self;
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    }
}

const JSON: &str = "content-type: application/json\r\n";

/// The request of a number, by the client of that number: its records are its own.
fn ask(number: usize, client: usize) -> Ask {
    let own = format!("/notes/{client}");
    match number % 16 {
        0 => Ask::new("GET", "/notes?$limit=3&$sort[id]=-1", 200),
        1 => Ask::new("GET", "/notes/1000", 200),
        2 => Ask::new("POST", "/notes", 201).with(JSON, json!({"id": client, "text": "x".repeat(500)}).to_string()),
        3 => Ask::new("PATCH", own, 200).with(JSON, r#"{"read":true}"#),
        4 => Ask::new("PUT", own, 200).with(JSON, r#"{"text":"again"}"#),
        5 => Ask::new("DELETE", own, 200),
        6 => Ask::new("GET", own, 404),
        7 => Ask::new("POST", "/notes", 400).with(JSON, r#"{"text":"#),
        8 => Ask::new("POST", "/notes", 415).with("content-type: application/xml\r\n", "<note/>"),
        9 => Ask::new("GET", format!("/notes?{}", "a[b][c]=d&".repeat(800)), 200),
        10 => Ask::new("GET", format!("/notes?{}", "a&".repeat(1500)), 400),
        11 => Ask::new("POST", "/notes", 403).with("origin: https://elsewhere.example\r\n", "{}"),
        12 => Ask::new("GET", "/notes", 406).with("accept: image/png\r\n", ""),
        13 => Ask::new("GET", "/nowhere", 404),
        14 => Ask::new("POST", "/notes/shout", 200).with(JSON, r#"{"text":"hi"}"#),
        _ => Ask::new("DELETE", "/notes", 400),
    }
}

struct Client {
    port: u16,
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn connect(port: u16) -> Client {
        Client { port, stream: BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()) }
    }

    /// Asks, and reads the whole answer; the connection is kept, unless the server ends it.
    async fn ask(&mut self, ask: &Ask) {
        self.stream.write_all(ask.text().as_bytes()).await.unwrap();
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            assert_ne!(self.stream.read_line(&mut line).await.unwrap(), 0, "no answer to {}", ask.path);
            write!(head, "{}", line.to_ascii_lowercase()).unwrap();
        }
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        assert_eq!(status, ask.status, "{} {}: {}", ask.method, ask.path, String::from_utf8_lossy(&body));
        if head.contains("connection: close") {
            *self = Client::connect(self.port).await;
        }
    }

    /// Begins a request, and leaves in its middle.
    async fn leave(&mut self, ask: &Ask) {
        let text = ask.text();
        self.stream.write_all(&text.as_bytes()[..text.len() / 2]).await.unwrap();
        *self = Client::connect(self.port).await;
    }
}

/// Bytes that belong to this process.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_are_answered_and_leave_nothing_behind() {
    let shout = |data: serde_json::Value, _: Params| async move { Ok(data) };
    let notes = Memory::new().records([json!({"id": 1000, "text": "stays"})]).multi(true).paginate(10, 50);
    let app = App::builder()
        .mount("notes", Mount::new(notes).method("shout", shout))
        .publish(|_publication| channel("everybody"))
        .configure(Rest::new())
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let notes = app.service("notes");
    tokio::spawn(wingbeat::serve(listener, app).into_future());
    let run = |from: usize, to: usize| {
        join_all((1..=CLIENTS).map(|client| async move {
            let mut connection = Client::connect(port).await;
            for number in from..to {
                let ask = ask(number, client);
                timeout(PATIENCE, connection.ask(&ask)).await.expect("an answer in time");
                if number % 50 == 0 {
                    connection.leave(&ask).await;
                }
            }
        }))
    };
    let each = REQUESTS / CLIENTS / 16 * 16;
    run(0, each / 5 / 16 * 16).await;
    let first = resident();
    run(0, each).await;
    let last = resident();
    assert!(last <= first + first / 5, "{} KiB have become {} KiB", first / 1024, last / 1024);
    let left = notes.find(Params::new()).await.unwrap().to::<Page<serde_json::Value>>().unwrap();
    assert_eq!(left.total, Some(1));
}

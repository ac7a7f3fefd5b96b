//! What other calls feel while many log in: the latency of `get` before and during 200 concurrent logins by password.
//!
//! `cargo run --profile quick -p wingbeat --features auth --example logins`

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use wingbeat::auth::{Auth, Key, Local, Passwords, authenticate};
use wingbeat::{prelude::*, store::Memory};

const LOGINS: usize = 200;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Result<()> {
    let passwords = Passwords::new();
    let hash = passwords.hash("swordfish".into()).await?;
    let users = (0..LOGINS).map(|n| json!({"id": n, "email": format!("{n}@example.com"), "password": hash}));
    let app = App::builder()
        .mount("authentication", Auth::new(Key::secret(&"s".repeat(32))?).strategy(Local::new("email", "password")))
        .mount("users", Mount::new(Memory::new().records(users)))
        .mount("notes", Mount::new(Memory::new().records([json!({"id": 1})])).before(All, authenticate("jwt")))
        .configure(SocketIo::new())
        .build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", listener.local_addr()?);
    tokio::spawn(wingbeat::serve(listener, app).into_future());

    let mut caller = connect(&url).await?;
    login(&mut caller, 0).await?;
    println!("quiet:           {}", Latencies::of(&mut caller, tokio::time::sleep(Duration::from_secs(2))).await?);

    let sockets = futures_util::future::try_join_all((0..LOGINS).map(|_| connect(&url))).await?;
    let start = Instant::now();
    let logins = sockets.into_iter().enumerate().map(|(n, mut socket)| async move { login(&mut socket, n).await });
    let logins = tokio::spawn(futures_util::future::try_join_all(logins));
    let during = Latencies::of(&mut caller, logins).await?;
    println!("{LOGINS} logins at once: {during}; all were in after {:.1?}", start.elapsed());
    Ok(())
}

async fn connect(url: &str) -> Result<Socket> {
    let (mut socket, _) = connect_async(url).await?;
    socket.send(Message::text("40")).await?;
    while !read(&mut socket).await?.starts_with("40") {}
    Ok(socket)
}

async fn login(socket: &mut Socket, n: usize) -> Result<()> {
    let data = json!({"strategy": "local", "email": format!("{n}@example.com"), "password": "swordfish"});
    call(socket, json!(["create", "authentication", data])).await
}

async fn call(socket: &mut Socket, arguments: Value) -> Result<()> {
    socket.send(Message::text(format!("421{arguments}"))).await?;
    let answer = read(socket).await?;
    if answer.starts_with("431[null,") { Ok(()) } else { Err(Error::general(answer)) }
}

/// The next text, after answering heartbeats.
async fn read(socket: &mut Socket) -> Result<String> {
    loop {
        let message = socket.next().await.ok_or_else(|| Error::general("the server has gone"))??;
        match message.to_text()? {
            "2" => socket.send(Message::text("3")).await?,
            text => return Ok(text.to_owned()),
        }
    }
}

/// How long calls took, sorted.
struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of calls one after the other until `end`.
    async fn of<T>(caller: &mut Socket, end: impl Future<Output = T>) -> Result<Latencies> {
        let mut end = std::pin::pin!(end);
        let mut all = Vec::new();
        while futures_util::poll!(end.as_mut()).is_pending() {
            let start = Instant::now();
            call(caller, json!(["get", "notes", 1])).await?;
            all.push(start.elapsed());
        }
        all.sort();
        Ok(Latencies(all))
    }

    fn at(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (median, p99, max) = (self.at(0.5), self.at(0.99), self.at(1.0));
        write!(f, "{} calls, median {median:.1?}, p99 {p99:.1?}, max {max:.1?}", self.0.len())
    }
}

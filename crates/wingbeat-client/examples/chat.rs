//! A chat in the terminal, with the server that `make run` starts:
//! `cargo run -p wingbeat-client --example chat -- Ada [http://localhost:3030]`

use serde::Deserialize;
use serde_json::json;
use std::io::BufRead;
use tokio::sync::mpsc;
use wingbeat_client::{Client, ConnectionEvent, Order, Query, Result, Service};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    author: String,
    text: String,
}

#[derive(Deserialize)]
struct Room {
    id: i64,
    name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("Who are you? Give a name")?;
    let url = arguments.next().unwrap_or_else(|| "http://localhost:3030".to_owned());
    let client = Client::connect_to(&url).await?;
    let rooms: Vec<Room> =
        client.service("rooms").find().query(Query::new().sort("id", Order::Ascending)).await?.into_records();
    let room = rooms.first().ok_or("There is no room")?;
    let messages: Service<Message> = client.service("messages");
    let mut created = messages.on("created");
    let mut connection = client.connection_events();
    enter(&client, &name, room).await?;
    let latest = Query::new().eq("roomId", room.id).sort("id", Order::Descending).limit(10);
    for Message { author, text } in messages.find().query(latest).await?.into_iter().rev() {
        println!("{}: {}", plain(&author), plain(&text));
    }
    let mut lines = lines();
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref().map(str::trim) {
                Some("") => {}
                Some(text) => send(&messages, room, text).await,
                None => break,
            },
            message = created.next() => match message {
                Some(Ok(Message { author, text })) => println!("{}: {}", plain(&author), plain(&text)),
                Some(Err(error)) => eprintln!("{error}"),
                None => break,
            },
            event = connection.next() => match event {
                Some(ConnectionEvent::Disconnected { reason, .. }) => eprintln!("({reason})"),
                // The server knows a connection, not a person: say the name again.
                Some(ConnectionEvent::Connected { .. }) => enter(&client, &name, room).await?,
                _ => {}
            },
        }
    }
    client.close().await;
    Ok(())
}

async fn enter(client: &Client, name: &str, room: &Room) -> Result<()> {
    client.untyped("people").create(&json!({ "name": name })).await?;
    client.untyped("rooms").method::<serde_json::Value>("enter", &json!({ "id": room.id })).await?;
    eprintln!("({name} in {})", room.name);
    Ok(())
}

async fn send(messages: &Service<Message>, room: &Room, text: &str) {
    // A name of our own for the message: sent twice, it is stored once.
    let uid = format!("{}-{:?}", std::process::id(), std::time::SystemTime::now());
    let uid: String = uid.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if let Err(error) = messages.create(&json!({ "uid": uid, "roomId": room.id, "text": text })).await {
        eprintln!("not sent: {error}");
    }
}

/// Without what could command the terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Standard input, read by a thread of its own: it cannot be waited for otherwise.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

//! A service that speaks any JSON, and raw Socket.IO beside it. `cargo run -p examples --bin raw`
//!
//! Every path of the service is a small document: `get` reads a part of it, `patch` merges, and whoever watches hears
//! of it. Try `wingbeat call documents patch agenda '{"points": ["tea"]}'`.

use serde_json::{Map, Value, json};
use std::collections::HashMap;
use tokio::{net::TcpListener, sync::RwLock};
use wingbeat::{RawJson, engine::Answer, prelude::*};

/// More would fill the memory: clients choose the names.
const MOST: usize = 1000;

#[derive(Default)]
struct Documents(RwLock<HashMap<String, Map<String, Value>>>);

impl RawService for Documents {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get, Patch]
    }

    /// The names of all documents.
    async fn find(&self, _: &Params) -> Result<Payload> {
        Payload::new(&self.0.read().await.keys().collect::<Vec<_>>())
    }

    /// A document, or with `{"at": "/points/0"}` as query a part of it.
    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let documents = self.0.read().await;
        let missing = || Error::not_found(format!("There is no document '{id}'"));
        let document = documents.get(&id.to_string()).ok_or_else(missing)?;
        let at = params.query.get("at").and_then(Value::as_str).unwrap_or_default();
        let document = Value::Object(document.clone());
        Ok(document.pointer(at).cloned().ok_or_else(missing)?.into())
    }

    /// Sets members; null takes one away. A document that is not there begins empty.
    async fn patch(&self, id: IdArg, data: Option<Payload>, _: &Params) -> Result<Payload> {
        let name = id.id().ok_or_else(|| Error::bad_request("Which document?"))?.to_string();
        let changes: Map<String, Value> = data.ok_or_else(|| Error::bad_request("Data is required"))?.to()?;
        let mut documents = self.0.write().await;
        if documents.len() >= MOST && !documents.contains_key(&name) {
            return Err(Error::unavailable("There are too many documents"));
        }
        let document = documents.entry(name.clone()).or_default();
        for (member, value) in changes {
            match value {
                Value::Null => drop(document.remove(&member)),
                value => drop(document.insert(member, value)),
            }
        }
        Ok(json!({"id": name, "document": document}).into())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3030".into());
    // Events that are no calls: whoever says `watch` with a name joins its channel.
    let transport = SocketIo::new().with(|io| {
        io.on_connection(|socket| {
            socket.on("watch", |socket, event| async move {
                let name: String = event.arg(0)?.to().ok()?;
                Connection::of(&socket)?.set("watches", name.clone());
                RawJson::new(&format!("You watch {name}")).ok().map(|told| Answer::args(&[told]))
            });
        });
    });
    let watched = |change: &Publication| channel("everybody").having("watches", change.data()["id"].clone());
    let app = App::builder()
        .mount("documents", Mount::new(Documents::default()).publish(watched))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(transport)
        .build()?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    wingbeat::serve(listener, app).await
}

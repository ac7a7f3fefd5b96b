//! The chat in memory and the people who visit it, for tests.

use crate::chat;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wingbeat::{LocalClient, prelude::*, store::Sqlite};

/// The chat with an empty database.
pub(crate) async fn opened() -> App {
    let database = Sqlite::memory().await.unwrap();
    crate::migrate(&database).await.unwrap();
    let app = chat(&database).build().unwrap();
    app.setup().await.unwrap();
    app
}

pub(crate) struct Visitor {
    app: App,
    client: LocalClient,
    heard: mpsc::UnboundedReceiver<(String, Value)>,
}

impl Visitor {
    /// Somebody who has not said a name.
    pub(crate) fn stranger(app: &App) -> Visitor {
        let (hears, heard) = mpsc::unbounded_channel();
        // The last things a visitor would hear while leaving go nowhere.
        let client = LocalClient::connect(app, move |event, data| drop(hears.send((event.to_owned(), data))));
        Visitor { app: app.clone(), client, heard }
    }

    /// Somebody with a name, in the room with this id.
    pub(crate) async fn new(app: &App, name: &str, room: i64) -> Visitor {
        let visitor = Visitor::stranger(app);
        visitor.create("people", json!({ "name": name })).await.unwrap();
        visitor.call("rooms", "enter", json!({ "id": room })).await.unwrap();
        visitor
    }

    pub(crate) async fn create(&self, path: &str, data: Value) -> Result<Value> {
        self.app.service(path).create(data, self.client.params()).await?.into_value()
    }

    pub(crate) async fn call(&self, path: &str, method: &str, data: Value) -> Result<Value> {
        self.app.service(path).call(method, data, self.client.params()).await?.into_value()
    }

    pub(crate) async fn find(&self, path: &str, query: Value) -> Result<Value> {
        self.app.service(path).find(self.client.params().with_query(query)?).await?.into_value()
    }

    pub(crate) fn id(&self) -> u64 {
        self.client.connection().id()
    }

    /// What this event carries when it comes next; others are passed over.
    pub(crate) async fn hears(&mut self, event: &str) -> Value {
        loop {
            let (heard, data) = self.heard.recv().await.unwrap();
            if heard == event {
                return data;
            }
        }
    }
}

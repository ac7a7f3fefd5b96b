//! The chat in memory and the people who visit it, for tests.

use crate::chat;
use serde_json::{Value, json};
use wingbeat::test::Client;
use wingbeat::{prelude::*, store::Sqlite};

/// The chat with an empty database.
pub(crate) async fn opened() -> App {
    let database = Sqlite::memory().await.unwrap();
    crate::migrate(&database).await.unwrap();
    let app = chat(&database).build().unwrap();
    app.setup().await.unwrap();
    app
}

pub(crate) struct Visitor(Client);

impl Visitor {
    /// Somebody who has not said a name.
    pub(crate) async fn stranger(app: &App) -> Visitor {
        Visitor(Client::connect(app).await.unwrap())
    }

    /// Somebody with a name, in the room with this id.
    pub(crate) async fn new(app: &App, name: &str, room: i64) -> Visitor {
        let visitor = Visitor::stranger(app).await;
        visitor.create("people", json!({ "name": name })).await.unwrap();
        visitor.call("rooms", "enter", json!({ "id": room })).await.unwrap();
        visitor
    }

    pub(crate) async fn create(&self, path: &str, data: Value) -> Result<Value> {
        self.0.service(path).create(data).await
    }

    pub(crate) async fn call(&self, path: &str, method: &str, data: Value) -> Result<Value> {
        self.0.service(path).call(method, data).await
    }

    pub(crate) async fn find(&self, path: &str, query: Value) -> Result<Value> {
        self.0.service(path).query(query).find().await
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.connection().id()
    }

    /// What this event carries when it comes next; others are passed over.
    pub(crate) async fn hears(&self, event: &str) -> Value {
        self.0.hears(event).await
    }
}

//! The chat in memory and the people who visit it, for tests.

use crate::{chat, people, users};
use serde_json::{Value, json};
use wingbeat::auth::Passwords;
use wingbeat::test::Client;
use wingbeat::{Builder, bus, prelude::*, store::Sqlite};

/// The chat with an empty database.
pub(crate) async fn opened() -> App {
    let database = Sqlite::memory().await.unwrap();
    crate::migrate(&database).await.unwrap();
    opened_with(&database).await
}

/// The chat with this one.
pub(crate) async fn opened_with(database: &Sqlite) -> App {
    started(built(database)).await
}

/// One node of several, with the same database.
pub(crate) async fn node(database: &Sqlite, bus: &bus::Memory) -> App {
    crate::migrate(database).await.unwrap();
    started(built(database).bus(bus.clone())).await
}

fn built(database: &Sqlite) -> Builder {
    let auth = users::authentication(&users::Secret::for_tests(), Passwords::with_cost(8, 1).unwrap()).unwrap();
    chat(database, auth, 200)
}

async fn started(app: Builder) -> App {
    let app = app.build().unwrap();
    app.setup().await.unwrap();
    users::note_looks(&app).await.unwrap();
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

    /// Somebody who has signed up and in, and is in the first room.
    pub(crate) async fn member(app: &App, name: &str) -> Visitor {
        let visitor = Visitor::stranger(app).await;
        visitor.create("users", json!({ "name": name, "password": "correct horse" })).await.unwrap();
        visitor.sign_in(name, "correct horse").await.unwrap();
        visitor.create("people", json!({ "name": name })).await.unwrap();
        visitor.call("rooms", "enter", json!({ "id": 1 })).await.unwrap();
        visitor
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Result<Value> {
        self.create("authentication", json!({ "strategy": "local", "name": name, "password": password })).await
    }

    pub(crate) async fn sign_out(&self) -> Result<Value> {
        self.0.service("authentication").remove(json!(null)).await
    }

    /// The id of the room that only members see.
    pub(crate) async fn members_room(&self) -> Value {
        self.find("rooms", json!({ "membersOnly": true })).await.unwrap()["data"][0]["id"].clone()
    }

    /// A call with any arguments.
    pub(crate) async fn ask(&self, method: &str, arguments: &[Value]) -> Result<Value> {
        self.0.emit(method, arguments).await
    }

    /// All that was heard and not asked for yet, as text.
    pub(crate) fn all_heard(&self) -> String {
        self.0.heard().iter().map(|heard| format!("{} {}\n", heard.event, heard.data)).collect()
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
        people::id_of(self.0.connection())
    }

    /// What this event carries when it comes next; others are passed over.
    pub(crate) async fn hears(&self, event: &str) -> Value {
        self.0.hears(event).await
    }
}

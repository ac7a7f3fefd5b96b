//! A service over a table, over a real WebSocket.

use crate::sockets::{Client, Server};
use serde_json::json;
use wingbeat::{ErrorKind, prelude::*, service::Extends, store::Memory, test};

/// Numbers its records by itself, which the table below does not know.
struct Numbered(Memory);

impl Extends for Numbered {
    type Base = Memory;

    fn base(&self) -> &Memory {
        &self.0
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let mut new: serde_json::Value = data.ok_or_else(|| Error::bad_request("Data is required"))?.to()?;
        new["number"] = 100.into();
        self.base().create(Some(new.into()), params).await
    }
}

#[tokio::test]
async fn a_service_that_replaces_one_method_of_a_table_leaves_select_and_pages_as_they_are() {
    let table = Memory::new().start(1).paginate(10, 50);
    let app = App::builder().mount("notes", Mount::new(Numbered(table)));
    let server = Server::over(app, SocketIo::new()).await;
    let mut client = Client::connect(&server).await;
    client.send(r#"421["create","notes",{"text":"a","author":"Ann"},{"$select":["number"]}]"#).await;
    let event = client.read().await;
    assert!(event.starts_with(r#"42["notes created","#), "{event}");
    assert_eq!(client.read().await, r#"431[null,{"number":100,"id":1}]"#);
    let found = client.call(2, json!(["find", "notes", {"$select": ["text"]}])).await;
    assert_eq!(found[1], json!({"total": 1, "limit": 10, "skip": 0, "data": [{"text": "a", "id": 1}]}));
    let got = client.call(3, json!(["get", "notes", 1, {"$select": ["author"]}])).await;
    assert_eq!(got[1], json!({"author": "Ann", "id": 1}));
}

/// Forwards to its table by hand, and reads what comes back as a type.
struct Forwarding(Memory);

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
    author: String,
}

impl Service for Forwarding {
    type Item = Note;
    type Data = Note;
    type Patch = Note;
    const METHODS: &'static [Method] = &[Find, Get];

    async fn find(&self, params: &Params) -> Result<Found<Note>> {
        self.0.find(params).await?.to()
    }

    async fn get(&self, id: Id, params: &Params) -> Result<Note> {
        self.0.get(id.into(), params).await?.to()
    }
}

#[tokio::test]
async fn what_a_table_answers_and_a_service_cannot_read_is_no_fault_of_the_client() {
    let table = Memory::new().start(1);
    let note = json!({"text": "secret", "author": "Ann"});
    table.create(Some(note.into()), &Params::new()).await.unwrap();
    let app = App::builder().mount("notes", Mount::new(Forwarding(table))).build().unwrap();
    let client = test::Client::connect(&app).await.unwrap();
    let notes = || client.service("notes");
    assert_eq!(notes().find().await.unwrap()[0]["author"], "Ann");
    for error in [
        notes().query(json!({"$select": ["text"]})).find().await.unwrap_err(),
        notes().query(json!({"$select": ["text"]})).get(1).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::GeneralError);
        assert!(!error.message().contains("author") && !error.message().contains("secret"), "{}", error.message());
    }
    // The same, asked from inside.
    let inside = app.service("notes").get(1, Params::new()).await.unwrap();
    assert_eq!(inside.to::<u8>().unwrap_err().kind(), ErrorKind::GeneralError);
}

//! A service over a table, over a real WebSocket.

use crate::sockets::{Client, Server};
use serde_json::json;
use wingbeat::{prelude::*, service::Extends, store::Memory};

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

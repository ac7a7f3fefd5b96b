//! What JavaScript has and other languages do not: half an emoji, and whole numbers written as `1.0`.

use crate::sockets::{Client, Server};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wingbeat::hooks::parse;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// Gives back what it gets, and looks at nothing.
struct Mirror;

impl RawService for Mirror {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
}

#[derive(Serialize, Deserialize)]
struct Order {
    article: i64,
    amount: u32,
    price: f64,
    text: Option<String>,
}

struct Orders;

impl Service for Orders {
    type Item = Order;
    type Data = Order;
    type Patch = Value;
    const METHODS: &'static [Method] = &[Create];

    async fn create(&self, data: OneOrMany<Order>, _params: &Params) -> Result<OneOrMany<Order>> {
        Ok(data)
    }
}

async fn sum(of: Vec<i64>, _params: &Params) -> Result<f64> {
    Ok(of.iter().sum::<i64>() as f64)
}

async fn looked_at(context: &mut Context) -> Result<()> {
    let n = context.items_mut()?.iter().all(|item| item["n"].is_i64());
    if n { Ok(()) } else { Err(Error::bad_request("a hook sees a number that is not whole")) }
}

async fn server() -> Server {
    let app = App::builder()
        .mount("mirror", Mount::new(Mirror))
        .mount("orders", Mount::new(Orders).method("sum", sum))
        .mount("parsed", Mount::new(Memory::new()).before(Create, parse::<Order>))
        .mount("hooked", Mount::new(Memory::new().multi(true)).before(Create, looked_at))
        .mount("memory", Mount::new(Memory::new().start(1).multi(true)));
    #[cfg(feature = "sqlite")]
    let app = {
        let table = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, n INTEGER, price REAL, deep JSON)";
        let db = wingbeat::store::Sqlite::memory().await.unwrap();
        db.migrate(&[("notes", table)]).await.unwrap();
        app.mount("sqlite", Mount::new(db.table::<Value>("notes").multi(true)))
    };
    Server::over(app, SocketIo::new()).await
}

/// What a call that is written by hand is answered, and the events that came before.
async fn asked(client: &mut Client, call: &str) -> (Value, Vec<String>) {
    client.send(&format!("427{call}")).await;
    let mut events = Vec::new();
    loop {
        let packet = client.read().await;
        match packet.strip_prefix("437") {
            Some(answer) => return (serde_json::from_str(answer).unwrap_or(Value::String(packet)), events),
            None => events.push(packet),
        }
    }
}

async fn answered(client: &mut Client, call: &str) -> Value {
    let (answer, _) = asked(client, call).await;
    assert_eq!(answer[0], Value::Null, "{call}: {answer}");
    answer[1].clone()
}

const STORES: &[&str] = &[
    "memory",
    #[cfg(feature = "sqlite")]
    "sqlite",
];

#[tokio::test]
async fn half_an_emoji_is_stored_found_and_published() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for store in STORES {
        let call = format!(r#"["create","{store}",{{"text":"cut \ud83d","deep":{{"\uDC00":["\ud800"]}}}}]"#);
        let (created, events) = asked(&mut client, &call).await;
        assert_eq!((&created[1]["text"], events.len()), (&json!("cut \u{fffd}"), 1), "{store}: {created}");
        assert_eq!(created[1]["deep"], json!({"\u{fffd}": ["\u{fffd}"]}));
        for call in [
            r#"["find","S",{"text":"cut \ud83d"}]"#,
            r#"["find","S",{"text":{"$in":["x","cut \uD83D"]},"$select":["id","\ud83d"]}]"#,
            r#"["find","S",{"$or":[{"deep.\udc00":"\ud800"}]}]"#,
            r#"["patch","S",null,{"text":"still cut \ud83d"},{"text":"cut \ud83d"}]"#,
            r#"["create","S",[{"text":"fine"},{"text":"\ud83dx"}]]"#,
        ] {
            let found = answered(&mut client, &call.replace('S', store)).await;
            assert!(!found.as_array().unwrap().is_empty(), "{store} {call}");
        }
        let (missing, _) = asked(&mut client, &format!(r#"["get","{store}","\ud83d",{{}}]"#)).await;
        assert_eq!(missing[0]["message"], json!("No record found for id '\u{fffd}'"));
    }
    let order =
        answered(&mut client, r#"["create","orders",{"article":1,"amount":1,"price":1,"text":"\ud83d"}]"#).await;
    assert_eq!(order["text"], "\u{fffd}");
    answered(&mut client, r#"["create","memory",{"id":"\udfff","text":"named"}]"#).await;
    assert_eq!(answered(&mut client, r#"["get","memory","\udfff"]"#).await["text"], "named");
    let (unknown, _) = asked(&mut client, r#"["get","\ud83d",1]"#).await;
    assert_eq!(unknown[0]["code"], 404);
}

#[tokio::test]
async fn what_nobody_looks_at_passes_as_it_was_sent() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let data = r#"{"\udc00":"\ud83d","n":1.0}"#;
    client.send(&format!(r#"427["create","mirror",{data}]"#)).await;
    assert_eq!(client.read().await, format!(r#"42["mirror created",{data}]"#));
    assert_eq!(client.read().await, format!("437[null,{data}]"));
}

#[tokio::test]
async fn whole_numbers_are_whole_in_and_out() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for service in ["orders", "parsed"] {
        let call = format!(r#"427["create","{service}",{{"article":7.0,"amount":2e0,"price":3,"text":null}}]"#);
        client.send(&call).await;
        let event = client.read().await;
        assert!(event.contains(r#""article":7,"amount":2,"price":3,"#), "{event}");
        client.read().await;
    }
    answered(&mut client, r#"["create","hooked",[{"n":1.0},{"n":-0},{"n":1e2}]]"#).await.as_array().map_or_else(
        || panic!("a list"),
        |created| assert_eq!(created.iter().map(|one| one["n"].clone()).collect::<Value>(), json!([1, 0, 100])),
    );
    assert_eq!(answered(&mut client, r#"["sum","orders",[1.0,2e0,-0]]"#).await, json!(3));
    for (call, message) in [
        (r#"{"article":1.5,"amount":2,"price":3}"#, "article: invalid type: floating point `1.5`, expected i64"),
        (r#"{"article":1,"amount":-1.0,"price":3}"#, "amount: invalid value: integer `-1`, expected u32"),
        (r#"{"article":1,"amount":1,"price":1e400}"#, "price: number out of range"),
    ] {
        let (refused, _) = asked(&mut client, &format!(r#"["create","orders",{call}]"#)).await;
        assert_eq!(refused[0]["message"], format!("Invalid data: {message}"));
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_numbers_however_they_are_written() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for store in STORES {
        let create = r#"["create","S",{"id":50.0,"text":"x","n":5.0,"price":3.0,"deep":{"v":[1.0,1e18]}}]"#;
        client.send(&format!("427{}", create.replace('S', store))).await;
        let created = client.read().await;
        assert!(created.contains(r#""price":3,"deep":{"v":[1,1000000000000000000]}"#), "{created}");
        client.read().await;
        for call in [
            r#"["find","S",{"id":50,"$limit":1.0,"$skip":-0,"$sort":{"id":1.0}}]"#,
            r#"["find","S",{"n":{"$in":[5.0]},"price":3e0}]"#,
            r#"["find","S",{"deep.v":1.0}]"#,
        ] {
            assert_eq!(answered(&mut client, &call.replace('S', store)).await[0]["id"], 50, "{store} {call}");
        }
        for id in ["50", "50.0", "5e1", "\"50\""] {
            let call = format!(r#"["patch","{store}",{id},{{"n":6.0}}]"#);
            assert_eq!(answered(&mut client, &call).await["n"], 6, "{call}");
        }
        assert_eq!(answered(&mut client, &format!(r#"["remove","{store}",50.0]"#)).await["id"], 50);
    }
}

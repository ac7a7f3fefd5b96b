//! What servers in JavaScript have stored: half an emoji, and numbers of other languages.

use crate::scripted::{Listener, once};
use crate::soon;
use serde_json::{Value, json};
use wingbeat_client::{Found, Hooks};

const RECORDS: &str = r#"[{"id":1.0,"text":"one"},{"id":2,"text":"cut \ud83d"},{"id":3,"text":"\\ud83d","\uDC00":-0}]"#;

#[tokio::test]
async fn one_record_with_half_an_emoji_hides_no_other() {
    let listener = Listener::bind().await;
    let expected = json!([{"id": 1, "text": "one"}, {"id": 2, "text": "cut \u{fffd}"}, {"id": 3, "text": "\\ud83d", "\u{fffd}": 0}]);
    let server = async {
        let mut peer = listener.joined().await;
        for id in 0..4 {
            peer.receive().await.unwrap();
            peer.send(&format!(r#"43{id}[null,{{"total":3.0,"limit":1e1,"skip":0,"data":{RECORDS}}}]"#)).await;
        }
        peer.receive().await.unwrap();
        peer.send(r#"434[null,{"id":2.0,"text":"cut \ud83d"}]"#).await;
        peer.send(r#"42["messages created",{"id":4.0,"text":"\ud83d"}]"#).await;
        peer
    };
    let calls = async {
        let client = once(&listener.url()).connect().await.unwrap();
        let messages = client.untyped("messages");
        let mut created = messages.on("created");
        let found = messages.find().await.unwrap();
        assert_eq!((found.total(), json!(found.into_records())), (Some(3), expected.clone()));
        let typed: Found<(u8,)> = client.service("messages").find().await.unwrap_or(Found::List(vec![(0,)]));
        assert_eq!(typed.into_records(), [(0,)], "what does not fit is an error of its own");
        let page = messages.find().pages().next().await.unwrap().unwrap();
        assert_eq!(json!(page.data), expected);
        let call: Value = client.untyped("messages").method("all", &json!(null)).await.unwrap();
        assert_eq!(call["data"], expected);
        assert_eq!(messages.get("2").await.unwrap(), json!({"id": 2, "text": "cut \u{fffd}"}));
        assert_eq!(created.next().await.unwrap().unwrap(), json!({"id": 4, "text": "\u{fffd}"}));
    };
    soon(async { tokio::join!(calls, server) }).await;
}

#[tokio::test]
async fn whole_floats_are_sent_as_integers() {
    let listener = Listener::bind().await;
    let server = async {
        let mut peer = listener.joined().await;
        let asked = peer.receive().await.unwrap();
        assert_eq!(asked, r#"420["patch","orders",7,{"price":3,"rest":[0.5,0]},{"n":{"$gt":2}}]"#);
        peer.send(r#"430[null,{"price":3.0}]"#).await;
        peer
    };
    let call = async {
        let client = once(&listener.url()).hooks(Hooks::new()).connect().await.unwrap();
        let query = json!({"n": {"$gt": 2.0}});
        let orders = client.service::<Value>("orders");
        let patched = orders.patch(7, &json!({"price": 3.0, "rest": [0.5, -0.0]})).query(query).await.unwrap();
        assert_eq!(patched, json!({"price": 3}));
    };
    soon(async { tokio::join!(call, server) }).await;
}

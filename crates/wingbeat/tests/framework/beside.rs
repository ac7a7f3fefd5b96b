//! Bytes in services, and raw Socket.IO beside them.

use crate::sockets::{Client, Server};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use wingbeat::engine::Answer;
use wingbeat::prelude::*;
use wingbeat::store::Memory;
use wingbeat::{Binary, RawJson};

#[derive(Deserialize, Serialize)]
struct Picture {
    name: String,
    content: Binary,
}

/// Typed: doubles the bytes. Its `many` answers as many pieces as it is asked for.
struct Pictures;

impl Service for Pictures {
    type Item = Picture;
    type Data = Picture;
    type Patch = Value;
    const METHODS: &'static [Method] = &[Create];

    async fn create(&self, data: OneOrMany<Picture>, _: &Params) -> Result<OneOrMany<Picture>> {
        Ok(data.map(|picture| Picture { content: Binary::from(picture.content.repeat(2)), ..picture }))
    }
}

async fn server() -> Server {
    let pictures = Mount::new(Pictures).method("many", async |count: usize, _: &Params| {
        Ok((0..count).map(|_| Binary::from(vec![1])).collect::<Vec<_>>())
    });
    let app = App::builder().mount("pictures", pictures).mount("kept", Mount::new(Memory::new().multi(true)));
    Server::over(
        app,
        SocketIo::new().with(|io| {
            io.of("/news");
            io.on_connection(|socket| {
                socket.join("readers");
                socket.on("whoami", |socket, event| async move {
                    let me = Connection::of(&socket).map(|connection| connection.provider());
                    let back = event.arg(0).unwrap_or(RawJson::NULL);
                    Answer::args(&[RawJson::new(&me).unwrap(), back])
                });
            });
        }),
    )
    .await
}

async fn binary(client: &mut Client) -> Vec<u8> {
    client.0.next().await.unwrap().unwrap().into_data().to_vec()
}

#[tokio::test]
async fn bytes_go_through_typed_services_and_their_events() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let picture = r#"{"name":"x","content":{"_placeholder":true,"num":0}}"#;
    client.send(&format!(r#"451-7["create","pictures",{picture},{{}}]"#)).await;
    client.0.send(Message::binary(vec![1, 2])).await.unwrap();
    for packet in [format!(r#"451-["pictures created",{picture}]"#), format!("461-7[null,{picture}]")] {
        assert_eq!(client.read().await, packet);
        assert_eq!(binary(&mut client).await, [1, 2, 1, 2]);
    }
}

#[tokio::test]
async fn bytes_survive_a_store() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    client.send(r#"451-0["create","kept",[{"id":1},{"id":2,"b":[{"_placeholder":true,"num":0}]}]]"#).await;
    client.0.send(Message::binary(vec![9])).await.unwrap();
    client.send(r#"421["get","kept",2]"#).await;
    let answer = loop {
        let packet = client.0.next().await.unwrap().unwrap();
        if let Ok(text) = packet.into_text()
            && text.contains("-1[")
        {
            break text.to_string();
        }
    };
    assert_eq!(answer, r#"461-1[null,{"id":2,"b":[{"_placeholder":true,"num":0}]}]"#);
    assert_eq!(binary(&mut client).await, [9]);
    let kept = server.app.service("kept").get(2, Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(Binary::from_value(&kept["b"][0]), Some(Binary::from(vec![9])));
}

#[tokio::test]
async fn bytes_are_no_query_and_no_id() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for call in [r#"["find","kept",{"_placeholder":true,"num":0}]"#, r#"["get","kept",{"_placeholder":true,"num":0}]"#]
    {
        client.send(&format!("451-3{call}")).await;
        client.0.send(Message::binary(b"1".to_vec())).await.unwrap();
        let error: Value = serde_json::from_str(client.read().await.strip_prefix("433").unwrap()).unwrap();
        assert_eq!(error[0]["code"], 400, "{error}");
    }
}

#[tokio::test]
async fn more_bytes_than_a_packet_may_have_are_an_error() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let answer = client.call(5, json!(["many", "pictures", 11])).await;
    assert_eq!(answer[0]["code"], 500);
    client.send(r#"426["many","pictures",10]"#).await;
    assert!(client.read().await.starts_with("4610-6["));
}

#[tokio::test]
async fn raw_events_namespaces_and_rooms_work_beside_services() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.call(1, json!(["whoami", {"a": 1}])).await, json!(["socketio", {"a": 1}]));
    assert_eq!(client.call(2, json!(["create", "kept", {"id": 1}])).await, json!([null, {"id": 1}]));
    assert_eq!(client.call(3, json!(["nobody listens"])).await[0]["code"], 404);
    let io = server.app.io().unwrap();
    io.to("readers").emit("hello", &[RawJson::new(&Binary::from(vec![5])).unwrap()]);
    assert_eq!(client.read().await, r#"451-["hello",{"_placeholder":true,"num":0}]"#);
    assert_eq!(binary(&mut client).await, [5]);
    client.send("40/news,").await;
    assert!(client.read().await.starts_with("40/news,{"));
    io.of("/news").emit("extra", &[]);
    assert_eq!(client.read().await, r#"42/news,["extra"]"#);
}

#[tokio::test]
async fn without_raw_socket_io_there_is_none() {
    let app = App::builder().configure(SocketIo::new()).build().unwrap();
    assert!(app.io().is_none());
}

//! Clients that cannot work with the server: what they and the log are told.

use crate::client::{Got, frame};
use crate::log::Log;
use crate::memory::{POLLING, WEBSOCKET, start};
use wingbeat_engine::Config;

/// `{type:0,nsp:"/"}` as MessagePack.
const MSGPACK_CONNECT: &[u8] = b"\x82\xa4type\x00\xa3nsp\xa1/";

#[tokio::test(start_paused = true)]
async fn an_old_client_shows_what_it_has_to_be_updated_to() {
    let ((log, _guard), (door, engine, _)) = (Log::start(), start(Config::default()));
    let answer = door.request("GET", "/socket.io/?EIO=3&transport=polling&t=Q8ghV_z&b64=1", "", "").await;
    assert_eq!(answer.status, 200);
    // The packets of protocol 3 stand behind their lengths.
    let (mut rest, mut packets) = (answer.text(), Vec::new());
    while let Some((length, after)) = rest.split_once(':') {
        let (packet, behind) = after.split_at(length.parse().unwrap());
        packets.push(packet);
        rest = behind;
    }
    assert!(packets[0].starts_with(r#"0{"sid":""#), "{packets:?}");
    assert!(
        packets[1].starts_with("44\"") && packets[1].contains("update socket.io-client to version 4"),
        "{packets:?}"
    );
    assert_eq!(packets[2..], ["1"]);
    // What is no such client is answered as by the reference.
    assert_eq!(door.request("GET", "/socket.io/?EIO=3&transport=polling", "", "").await.status, 400);
    let (_, head) = door.try_open("/socket.io/?EIO=3&transport=websocket&t=1", "127.0.0.1", "").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert_eq!((log.count("update its socket.io-client"), engine.connections()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_log_says_that_client_and_server_need_the_same_parser() {
    let (log, _guard) = Log::start();
    let (door, _, _) = start(Config::default().msgpack(true));
    let mut json = door.open(WEBSOCKET).await;
    assert!(json.text().await.starts_with('0'));
    json.send("40").await;
    assert_eq!((json.next().await, log.count("socket.io-msgpack-parser")), (Got::Close(None), 1));
    let (door, _, _) = start(Config::default());
    let mut msgpack = door.open(WEBSOCKET).await;
    assert!(msgpack.text().await.starts_with('0'));
    msgpack.raw(&frame(0x82, MSGPACK_CONNECT)).await;
    assert_eq!((msgpack.next().await, log.count("set `Config::msgpack(true)`")), (Got::Close(None), 1));
    // Over long-polling, where bytes are base64.
    let (door, _, _) = start(Config::default());
    let answer = door.request("GET", POLLING, "", "").await;
    let path = format!("{POLLING}&sid={}", answer.text().split('"').nth(3).unwrap());
    door.request("POST", &path, "", "bgqR0eXBlAKNuc3ChLw==").await;
    assert_eq!(log.count("set `Config::msgpack(true)`"), 2);
}

#[tokio::test(start_paused = true)]
async fn bundles_that_are_not_served_are_not_found_and_the_log_says_how_they_would_be() {
    let ((log, _guard), (door, _, _)) = (Log::start(), start(Config::default()));
    for name in ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js.map"] {
        assert_eq!(door.request("GET", &format!("/socket.io/{name}"), "", "").await.status, 404, "{name}");
    }
    assert_eq!(log.count("Config::client_files"), 1);
    assert_eq!(door.request("GET", "/socket.io/other.js", "", "").await.status, 400);
    // Where they are not to be served, that needs no cure.
    let (door, _, _) = start(Config::default().serve_client(false));
    let answer = door.request("GET", "/socket.io/socket.io.js", "", "").await;
    assert_eq!((answer.text(), log.count("bundle")), (r#"{"code":0,"message":"Transport unknown"}"#, 1));
}

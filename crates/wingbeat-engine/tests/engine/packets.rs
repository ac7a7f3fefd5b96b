//! What clients may send, and what closes their session.

use crate::client::{Got, Ws};
use crate::server::Server;
use std::time::Duration;
use wingbeat_engine::Config;

#[tokio::test]
async fn what_breaks_the_protocol_closes_the_session_without_a_code() {
    let server = Server::start(Config::default()).await;
    for (packet, reason) in [
        ("40", "forced server close"),
        ("40[1]", "forced close"),
        ("40\"x\"", "forced close"),
        ("40null", "forced close"),
        ("44{}", "forced server close"),
        ("41{}", "forced close"),
        ("42/other,[\"a\"]", "forced server close"),
        ("42{\"a\":1}", "forced close"),
        ("42[\"a\",", "forced close"),
        ("42[]", "forced close"),
        ("42[{}]", "forced close"),
        ("42[null]", "forced close"),
        ("42[\"connect\"]", "forced close"),
        ("42[\"newListener\"]", "forced close"),
        ("4x", "forced close"),
        ("4", "forced close"),
        ("450-[\"a\"]", "forced close"),
        ("45x-[\"a\"]", "forced close"),
        ("4511-[\"a\"]", "forced close"),
        ("43{}", "forced close"),
        ("2", "transport error"),
        ("", "parse error"),
        ("7", "parse error"),
        ("x", "parse error"),
    ] {
        let mut ws = Ws::connect(server.port).await;
        let before = server.seen.count(&format!("disconnect {reason}"));
        ws.send(packet).await;
        assert_eq!(ws.next().await, Got::Close(None), "{packet}");
        assert_eq!(server.seen.count(&format!("disconnect {reason}")), before + 1, "{packet}");
    }
}

#[tokio::test]
async fn what_is_only_odd_does_not() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for odd in [
        "6",
        "5",
        "0",
        "3",
        "42",
        "421",
        "43",
        "435[1]",
        "42[5]",
        "42[\"error\"]",
        "42[\"a\\ud800\",\"\\ud800\"]",
        "42 [ \"a\" ] ",
    ] {
        ws.send(odd).await;
    }
    ws.send(r#"42007["echo","\ud800"]"#).await;
    assert_eq!(ws.text().await, r#"437[null,"\ud800"]"#);
    ws.send(r#"4299999999999999999999["echo",1]"#).await;
    assert_eq!(ws.text().await, "4399999999999999999999[null,1]");
}

#[tokio::test]
async fn depth_is_limited_and_arguments_are_counted() {
    let server = Server::start(Config::default()).await;
    let nested = |n: usize| format!("421[\"echo\",{}{}]", "[".repeat(n), "]".repeat(n));
    let mut ws = Ws::connect(server.port).await;
    ws.send(&nested(200)).await;
    assert!(ws.text().await.starts_with("431[null,[[["));
    ws.send(&nested(256)).await;
    assert_eq!(ws.next().await, Got::Close(None));
    let mut ws = Ws::connect(server.port).await;
    ws.send(&format!("42[\"echo\"{}]", ",1".repeat(65))).await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn namespaces_are_joined_and_left() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send("40/other,{\"token\":1}").await;
    assert!(ws.text().await.starts_with("40/other,{\"sid\":\""));
    server.seen.wait_for("connect /other Some(\"{\\\"token\\\":1}\")").await;
    ws.send("42/other,1[\"echo\",1]").await;
    assert_eq!(ws.text().await, "43/other,1[null,1]");
    ws.send("40/nope,").await;
    assert_eq!(ws.text().await, "44/nope,{\"message\":\"Invalid namespace\"}");
    ws.send("40/closed,").await;
    assert_eq!(ws.text().await, "44/closed,{\"message\":\"closed\",\"data\":{\"why\":1}}");
    ws.send("41").await;
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{\"sid\":\""));
    server.seen.wait_for("disconnect client namespace disconnect").await;
    ws.send("41/other,").await;
    ws.send("42/other,1[\"echo\",1]").await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn a_server_can_make_a_socket_leave() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send("42[\"leave\"]").await;
    assert_eq!(ws.text().await, "41");
    server.seen.wait_for("disconnect server namespace disconnect").await;
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    ws.send("42[\"close\"]").await;
    assert_eq!(ws.text().await, "41");
    assert_eq!(ws.next().await, Got::Close(None));
    assert_eq!(server.seen.count("disconnect server namespace disconnect"), 2);
}

#[tokio::test]
async fn attachments_come_back() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"452-1["echo",{"a":{"_placeholder":true,"num":1},"b":{"_placeholder":true,"num":0}}]"#).await;
    ws.send_binary(b"first").await;
    ws.send_binary(b"second").await;
    // Numbered anew, in the order of the values.
    assert_eq!(ws.text().await, r#"462-1[null,{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1}}]"#);
    assert_eq!([ws.next().await, ws.next().await], [Got::Binary(b"second".into()), Got::Binary(b"first".into())]);
    // Outside a binary event it is an ordinary object.
    ws.send(r#"422["echo",{"_placeholder":true,"num":7}]"#).await;
    assert_eq!(ws.text().await, r#"432[null,{"_placeholder":true,"num":7}]"#);
}

#[tokio::test]
async fn attachments_out_of_order_close_the_session() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send_binary(b"nobody's").await;
    assert_eq!(ws.next().await, Got::Close(None));
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"451-1["echo",{"_placeholder":true,"num":0}]"#).await;
    ws.send(r#"422["echo",1]"#).await;
    assert_eq!(ws.next().await, Got::Close(None));
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"451-1["echo",{"_placeholder":true,"num":5}]"#).await;
    ws.send_binary(b"x").await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn the_close_packet_ends_the_session_quietly() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send("1").await;
    server.seen.wait_for("disconnect transport close").await;
    ws.silent().await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn who_joins_nothing_or_answers_no_ping_is_closed() {
    let config = Config::default().connect_timeout(Duration::from_millis(60));
    let config = config.ping_interval(Duration::from_millis(150)).ping_timeout(Duration::from_millis(100));
    let server = Server::start(config).await;
    let mut idle = Ws::open(server.port, "/socket.io/?EIO=4&transport=websocket").await;
    idle.text().await;
    assert_eq!(idle.next().await, Got::Close(None));
    let mut ws = Ws::connect(server.port).await;
    // Who has joined once may leave and stay.
    ws.send("41").await;
    assert_eq!(ws.text().await, "2");
    ws.send("3").await;
    assert_eq!(ws.text().await, "2");
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    assert_eq!(ws.next().await, Got::Close(None));
    server.seen.wait_for("disconnect ping timeout").await;
}

#[tokio::test]
async fn messagepack_is_spoken_where_it_is_asked_for() {
    let server = Server::start(Config::default().msgpack(true)).await;
    let mut ws = Ws::open(server.port, "/socket.io/?EIO=4&transport=websocket").await;
    assert!(ws.text().await.starts_with('0'));
    // {type:0,nsp:"/"}
    ws.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    let Got::Binary(joined) = ws.next().await else { panic!("not binary") };
    assert!(joined.starts_with(b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xb4"), "{joined:?}");
    // {type:2,nsp:"/",data:["echo",{b:<bin 01 02>}],id:7}
    ws.send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4echo\x81\xa1b\xc4\x02\x01\x02\xa2id\x07").await;
    let answer = b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x92\xc0\x81\xa1b\xc4\x02\x01\x02\xa2id\x07";
    assert_eq!(ws.next().await, Got::Binary(answer.to_vec()));
    ws.send_binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4tell\x05").await;
    assert_eq!(ws.next().await, Got::Binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4told\x05".to_vec()));
    ws.send_binary(b"\xc1").await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn a_socket_that_is_told_to_leave_while_it_joins_does_not_join() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for namespace in ["/leaving", "/late"] {
        ws.send(&format!("40{namespace},")).await;
        assert_eq!(ws.text().await, format!("41{namespace},"));
        server.seen.wait_for(&format!("connect {namespace} None")).await;
        // Its name is free again.
        ws.send(&format!("40{namespace},")).await;
        assert_eq!(ws.text().await, format!("41{namespace},"));
        server.seen.gate.notify_waiters();
    }
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
    // Neither was there, so neither has gone.
    assert_eq!(server.seen.log.lock().unwrap().iter().filter(|line| line.contains("connected")).count(), 1);
    assert_eq!(server.seen.count("disconnect server namespace disconnect"), 0);
}

#[tokio::test]
async fn what_text_may_be_may_stand_beside_attachments() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    // As deep as any packet may be; and what has no value in Unicode.
    let deep = format!("{}{{\"_placeholder\":true,\"num\":0}}{}", "[".repeat(250), "]".repeat(250));
    for (id, argument) in [&deep, r#"[{"_placeholder":true,"num":0},"\ud800"]"#].into_iter().enumerate() {
        ws.send(&format!("451-{id}[\"echo\",{argument}]")).await;
        ws.send_binary(b"x").await;
        assert_eq!(ws.text().await, format!("461-{id}[null,{argument}]"));
        assert_eq!(ws.next().await, Got::Binary(b"x".to_vec()));
    }
}

#[tokio::test]
async fn an_attachment_stands_in_one_place() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    // Each of them would be a copy of it where the argument is read.
    let many = vec![r#"{"_placeholder":true,"num":0}"#; 1000].join(",");
    ws.send(&format!("451-1[\"echo\",[{many}]]")).await;
    ws.send_binary(&[0; 1000]).await;
    assert_eq!(ws.next().await, Got::Close(None));
}

use crate::client::{Got, Ws, frame};
use crate::server::Server;
use wingbeat_engine::Config;

#[tokio::test]
async fn an_event_is_acknowledged() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"427["echo",{"a":1}]"#).await;
    assert_eq!(ws.text().await, r#"437[null,{"a":1}]"#);
}

#[tokio::test]
async fn what_was_sent_before_the_answer_leaves_before_it() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"421["tell",5]"#).await;
    assert_eq!(ws.one_read().await, [Got::Text(r#"42["told",5]"#.into()), Got::Text("431[null,5]".into())]);
}

#[tokio::test]
async fn pipelined_calls_are_answered_ready_ones_first_in_order_in_one_write() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    let calls: Vec<u8> = (0..64)
        .flat_map(|i| frame(0x81, format!(r#"42{i}["{}",{i}]"#, if i % 2 == 0 { "echo" } else { "gate" }).as_bytes()))
        .collect();
    ws.raw(&calls).await;
    let ready: Vec<_> = (0..64).step_by(2).map(|i| Got::Text(format!("43{i}[null,{i}]"))).collect();
    assert_eq!(ws.one_read().await, ready);
    for i in (1..64).step_by(2) {
        server.seen.gate.notify_one();
        assert_eq!(ws.text().await, format!("43{i}[null,{i}]"));
    }
}

#[tokio::test]
async fn a_turn_that_was_used_up_to_the_last_call_is_followed_by_another() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    let calls: Vec<u8> = (0..64).flat_map(|i| frame(0x81, format!(r#"42{i}["echo",{i}]"#).as_bytes())).collect();
    ws.raw(&calls).await;
    for i in 0..64 {
        assert_eq!(ws.text().await, format!("43{i}[null,{i}]"));
    }
    // Not one of the heartbeats, which would wake the session as well.
    ws.send(r#"4264["echo",64]"#).await;
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), ws.text()).await;
    assert_eq!(answer.expect("the session no longer reads"), "4364[null,64]");
}

#[tokio::test]
async fn a_panic_costs_nothing_where_nobody_waits_for_an_answer() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for call in [r#"42["panic"]"#, r#"42["late panic"]"#, r#"423["slow",3]"#] {
        ws.send(call).await;
    }
    assert_eq!(ws.text().await, "433[null,3]");
    ws.silent().await;
}

#[tokio::test]
async fn who_waits_for_an_answer_that_a_panic_has_taken_is_told_by_the_end() {
    let server = Server::start(Config::default()).await;
    let mut other = Ws::connect(server.port).await;
    for panic in ["panic", "late panic"] {
        let mut ws = Ws::connect(server.port).await;
        ws.send(r#"421["echo",1]"#).await;
        ws.send(&format!(r#"422["{panic}"]"#)).await;
        // What was answered before is delivered.
        assert_eq!((ws.text().await, ws.next().await), ("431[null,1]".into(), Got::Close(None)), "{panic}");
    }
    server.seen.wait_for_many("disconnect forced server close", 2).await;
    other.send(r#"421["echo",1]"#).await;
    assert_eq!(other.text().await, "431[null,1]");
}

//! The figures that Prometheus is told. In a program of its own: a recorder is one per process.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a test")]

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tower_service::Service as _;
use wingbeat::engine::Config;
use wingbeat::store::Memory;
use wingbeat::test::Client;
use wingbeat::{Metrics, Recovery, prelude::*};

async fn figures(app: &App) -> String {
    let request = http::Request::builder().uri("/metrics").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = app.http().call(request).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn has(figures: &str, line: &str) -> bool {
    figures.lines().any(|found| found == line)
}

fn value(figures: &str, name: &str) -> f64 {
    let line = figures.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.trim().parse().unwrap()
}

fn app() -> App {
    let mount = Mount::new(Memory::new())
        .publish(|_| channel("all"))
        .method("hang", |_: Value, _: Params| std::future::pending::<Result<()>>())
        .method("panic", async |_: Value, _: &Params| panic!("on purpose") as Result<()>)
        .method("wait", async |good: bool, _: &Params| {
            tokio::task::yield_now().await;
            if good { Ok(()) } else { Err(Error::conflict("no")) }
        })
        .method("flood", |_: Value, params: Params| async move { params.emit("water", &"x".repeat(300_000)).await })
        .events(["water"]);
    App::builder()
        .mount("messages", mount)
        .on_connection(|app, connection| app.channel("all").join(connection))
        .configure(SocketIo::with_config(Config::default().outbox_total(1_000_000)).recovery(Recovery::new()))
        .configure(Metrics::install().unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn every_figure_counts_what_it_says() {
    let app = app();
    assert!(Metrics::install().is_err(), "one recorder a process");
    calls_connections_and_deliveries_are_counted(&app).await;
    calls_that_reach_no_method_are_counted_without_their_names(&app).await;
    what_waits_in_outboxes_is_measured_and_slow_clients_are_counted(&app).await;
}

async fn calls_connections_and_deliveries_are_counted(app: &App) {
    let client = Client::to(app).patience(Duration::from_millis(10)).connect().await.unwrap();
    let other = Client::connect(app).await.unwrap();
    client.service("messages").create(json!({"text": "a"})).await.unwrap();
    client.service("messages").get("nobody").await.unwrap_err();
    client.service("messages").call("hang", json!(1)).await.unwrap_err();
    client.service("messages").call("panic", json!(1)).await.unwrap_err();
    client.service("messages").call("wait", json!(true)).await.unwrap();
    client.service("messages").call("wait", json!(false)).await.unwrap_err();
    app.service("messages").get("nobody", Params::new()).await.unwrap_err();
    other.disconnect();
    let figures = figures(app).await;
    for line in [
        r#"wingbeat_calls_total{service="messages",method="create",outcome="Success"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="get",outcome="NotFound"} 2"#,
        r#"wingbeat_calls_total{service="messages",method="hang",outcome="Abandoned"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="panic",outcome="Abandoned"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="wait",outcome="Success"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="wait",outcome="Conflict"} 1"#,
        r#"wingbeat_call_seconds_count{service="messages",method="wait"} 2"#,
        r#"wingbeat_call_seconds_count{service="messages",method="create"} 1"#,
        r#"wingbeat_call_seconds_bucket{service="messages",method="create",le="+Inf"} 1"#,
        r#"wingbeat_connections{provider="socketio"} 1"#,
        "wingbeat_deliveries_total 2",
        "wingbeat_outbox_bytes 0",
        "# TYPE wingbeat_call_seconds histogram",
    ] {
        assert!(has(&figures, line), "{line} is missing in:\n{figures}");
    }
    let seconds = value(&figures, r#"wingbeat_call_seconds_sum{service="messages",method="hang"}"#);
    assert!(seconds >= 0.01, "{seconds}");
}

async fn calls_that_reach_no_method_are_counted_without_their_names(app: &App) {
    let client = Client::connect(app).await.unwrap();
    for service in ["nobody-1", "nobody-2", "messages/:id"] {
        client.service(service).find().await.unwrap_err();
    }
    client.service("messages").call("invented", json!(1)).await.unwrap_err();
    client.service("messages").get(json!({"$ne": 1})).await.unwrap_err();
    let figures = figures(app).await;
    for line in [
        r#"wingbeat_refused_calls_total{outcome="NotFound"} 3"#,
        r#"wingbeat_refused_calls_total{outcome="MethodNotAllowed"} 1"#,
        r#"wingbeat_refused_calls_total{outcome="BadRequest"} 1"#,
    ] {
        assert!(has(&figures, line), "{line} is missing in:\n{figures}");
    }
    assert!(!figures.contains("nobody-") && !figures.contains("invented"), "{figures}");
}

async fn returns_are_counted_once_each(url: &str, app: &App) {
    let connect = async |data: String| {
        let (mut client, _) = connect_async(url).await.unwrap();
        client.next().await.unwrap().unwrap();
        client.send(Message::text(format!("40{data}"))).await.unwrap();
        let answer = client.next().await.unwrap().unwrap().into_text().unwrap();
        let answer: Value = serde_json::from_str(&answer[2..]).unwrap();
        // What it is sent behind that shows that all is done.
        app.service("messages").create(json!({"text": "a"}), Params::new()).await.unwrap();
        client.next().await.unwrap().unwrap();
        answer["pid"].as_str().unwrap().to_owned()
    };
    let pid = connect(String::new()).await;
    for (pid, goes_on) in [(&*pid, true), ("no pid", false), ("AAAAAAAAAAAAAAAAAAAA", false)] {
        let answer = connect(json!({ "pid": pid }).to_string()).await;
        assert_eq!(answer == pid, goes_on, "{pid}");
    }
    let figures = figures(app).await;
    for (outcome, count) in [("recovered", 1), ("foreign pid", 1), ("unknown", 1)] {
        let line = format!("wingbeat_recovery_total{{outcome=\"{outcome}\"}} {count}");
        assert!(has(&figures, &line), "{line} is missing in:\n{figures}");
    }
    assert!(value(&figures, "wingbeat_recovery_events_total ") >= 1.0, "{figures}");
}

async fn what_waits_in_outboxes_is_measured_and_slow_clients_are_counted(app: &App) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", listener.local_addr().unwrap());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(wingbeat::serve(listener, app.clone()).until(async { drop(ended.await) }).into_future());
    returns_are_counted_once_each(&url, app).await;
    // A client that joins, and then reads nothing any more.
    let (mut slow, _) = connect_async(url).await.unwrap();
    slow.next().await.unwrap().unwrap();
    slow.send(Message::text("40")).await.unwrap();
    slow.next().await.unwrap().unwrap();
    let closed = r#"wingbeat_disconnects_total{reason="outbox full"}"#;
    let mut most = 0.0_f64;
    for _ in 0..200 {
        app.service("messages").call("flood", json!(1), Params::new()).await.unwrap();
        tokio::task::yield_now().await;
        let figures = figures(app).await;
        most = most.max(value(&figures, "wingbeat_outbox_bytes "));
        if value(&figures, closed) > 0.0 {
            break;
        }
    }
    assert!((1.0..=1_000_000.0).contains(&most), "{most}");
    assert_eq!(value(&figures(app).await, closed), 1.0);
    end.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(value(&figures(app).await, "wingbeat_outbox_bytes "), 0.0);
}

#[test]
fn the_dashboard_shows_figures_that_there_are() {
    let dashboard = include_str!("../../../docs/grafana.json");
    let known = include_str!("../src/transport/metrics.rs");
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names =
        dashboard.match_indices("wingbeat_").map(|(at, _)| dashboard[at..].split(|c| !is_name(c)).next().unwrap());
    let names: std::collections::BTreeSet<&str> = names.map(|name| name.trim_end_matches("_bucket")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(known.contains(&format!("`{name}`")), "{name} is not documented");
    }
}

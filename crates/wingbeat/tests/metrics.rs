//! The figures that Prometheus is told. In a program of its own: a recorder is one per process.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a test")]

use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};
use std::time::Duration;
use tower_service::Service as _;
use wingbeat::store::Memory;
use wingbeat::test::Client;
use wingbeat::{Metrics, prelude::*};

async fn figures(app: &App) -> String {
    let request = http::Request::builder().uri("/metrics").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = app.http().call(request).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn calls_connections_and_deliveries_are_counted() {
    let mount = Mount::new(Memory::new())
        .publish(|_| channel("all"))
        .method("hang", |_: Value, _| std::future::pending::<Result<()>>());
    let app = App::builder()
        .mount("messages", mount)
        .on_connection(|app, connection| app.channel("all").join(connection))
        .configure(Metrics::install().unwrap())
        .build()
        .unwrap();
    assert!(Metrics::install().is_err(), "one recorder a process");
    let client = Client::to(&app).patience(Duration::from_millis(10)).connect().await.unwrap();
    let other = Client::connect(&app).await.unwrap();
    client.service("messages").create(json!({"text": "a"})).await.unwrap();
    client.service("messages").get("nobody").await.unwrap_err();
    client.service("messages").call("hang", json!(1)).await.unwrap_err();
    other.disconnect();
    let figures = figures(&app).await;
    for line in [
        r#"wingbeat_calls_total{service="messages",method="create",outcome="Success"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="get",outcome="NotFound"} 1"#,
        r#"wingbeat_calls_total{service="messages",method="hang",outcome="Abandoned"} 1"#,
        r#"wingbeat_call_seconds_count{service="messages",method="create"} 1"#,
        r#"wingbeat_call_seconds_bucket{service="messages",method="create",le="+Inf"} 1"#,
        r#"wingbeat_connections{provider="socketio"} 1"#,
        "wingbeat_deliveries_total 2",
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is missing in:\n{figures}");
    }
}

//! The HTTP beside the services.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use std::sync::Arc;
use std::time::Duration;
use tower_service::Service as _;
use wingbeat::{prelude::*, store::Memory};

async fn count((app, _): (App, Arc<()>)) -> String {
    match app.service("notes").find(Params::new()).await.and_then(|notes| notes.to::<Vec<serde_json::Value>>()) {
        Ok(notes) => notes.len().to_string(),
        Err(error) => error.to_string(),
    }
}

async fn status_and_body(app: &App) -> (StatusCode, String) {
    let request = Request::get("/count").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = app.http().call(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_fallback_can_have_the_application_and_ends_with_it() {
    let alive = Arc::new(());
    let kept = alive.clone();
    let app = App::builder()
        .mount("notes", Mount::new(Memory::new().records([serde_json::json!({"id": 1})])))
        .fallback_with(|app| {
            let count = |State(state): State<(App, Arc<()>)>| count(state);
            Router::new().route("/count", get(count)).with_state((app.clone(), kept))
        })
        .build()
        .unwrap();
    assert_eq!(status_and_body(&app).await, (StatusCode::OK, "1".to_owned()));
    app.shutdown(Duration::from_secs(5)).await;
    assert_eq!(status_and_body(&app).await.0, StatusCode::NOT_FOUND);
    drop(app);
    assert_eq!(Arc::strong_count(&alive), 1, "the application and its fallback keep each other");
}

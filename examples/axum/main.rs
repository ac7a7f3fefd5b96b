//! Wingbeat inside an axum application that was there before: a static page and routes of its own, which call services,
//! and Socket.IO at `/socket.io/`. `cargo run -p examples --bin inside-axum`

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::{Router, routing::get};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use wingbeat::{prelude::*, store::Memory};

/// The server notes who has written a message: by the feature `axum` addresses are known here as well.
async fn sign(context: &mut Context) -> Result<()> {
    let from = context.params.address().map(|address| address.to_string());
    for message in context.items_mut()? {
        message.insert("from".to_owned(), from.clone().into());
    }
    Ok(())
}

/// A page, which no other may show in a frame.
async fn page() -> impl IntoResponse {
    let text = "<h1>An axum application</h1><p>Socket.IO is at /socket.io/.</p>";
    ([(header::X_FRAME_OPTIONS, "DENY")], Html(text))
}

fn app() -> Result<App> {
    let messages = Mount::new(Memory::new().start(1).paginate(10, 50))
        .expose([Find, Get, Create])
        .before(Create, sign)
        .publish(|_| channel("everybody"));
    App::builder()
        .mount("messages", messages)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .build()
}

/// A route of axum's own. What it calls is the service as the server sees it, hooks and events included.
async fn message(State(app): State<App>, Path(id): Path<i64>) -> Response {
    match app.service("messages").get(id, Params::new()).await.and_then(Payload::into_value) {
        Ok(message) => Json::<Value>(message).into_response(),
        Err(error) => {
            let status = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(error)).into_response()
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3030".into());
    let app = app()?;
    app.setup().await?;
    let router = Router::new()
        .route("/", get(page))
        .route("/messages/{id}", get(message))
        .with_state(app.clone())
        .fallback_service(app.http());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // axum does not know of upgraded sockets: they are closed here.
    let end = async move {
        wingbeat::terminated().await;
        app.shutdown(Duration::from_secs(10)).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(end).await?;
    Ok(())
}

//! Wingbeat inside an axum application that was there before: a static page and routes of its own, which know who is
//! logged in and call services, and Socket.IO at `/socket.io/`. `cargo run -p examples --bin inside-axum`

use axum::extract::{Path, State};
use axum::http::{header, request::Parts};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use wingbeat::auth::{Auth, Key, Local, authenticate, hash_password};
use wingbeat::axum::Login;
use wingbeat::hooks::protect;
use wingbeat::{prelude::*, store::Memory};

/// What routes have to know of a user, of whose record there is more.
#[derive(Deserialize, Serialize)]
struct User {
    id: u64,
    name: String,
}

/// The server notes who has written a message: by the feature `axum` addresses are known here as well.
async fn sign(context: &mut Context) -> Result<()> {
    let from = context.params.address().map(|address| address.to_string());
    let by = context.user::<User>()?.name;
    for message in context.items_mut()? {
        message.insert("from".to_owned(), from.clone().into());
        message.insert("by".to_owned(), by.clone().into());
    }
    Ok(())
}

/// A page, which no other may show in a frame. Guests may see it too; a login that is not valid is 401 here as well.
async fn page(login: Option<Login<User>>) -> impl IntoResponse {
    let name = if login.is_some() { "you are logged in" } else { "you are a guest" };
    let text = format!("<h1>An axum application</h1><p>Socket.IO is at /socket.io/, and {name}.</p>");
    ([(header::X_FRAME_OPTIONS, "DENY")], Html(text))
}

/// Only for those who are logged in: with the header `Authorization: Bearer`, and the token of a login.
async fn me(Login(user): Login<User>) -> Json<User> {
    Json(user)
}

/// A route of axum's own, for everybody. What it calls is the service as the server sees it, hooks and events included.
async fn message(State(app): State<App>, Path(id): Path<i64>) -> Result<Payload> {
    app.service("messages").dispatched().get(id, Params::new()).await
}

/// Calls the service as the one who asks: its hooks say who may, and sign the message.
async fn write(State(app): State<App>, request: Parts, Json(message): Json<Value>) -> Result<Payload> {
    app.service("messages").dispatched().create(message, app.params_from(&request)).await
}

fn app() -> Result<App> {
    // Logins end with the server. One that is more than an example has its secret from the environment: `Auth::from_env`.
    let key = Key::secret(&format!("only for this example {:?}", std::time::SystemTime::now()))?;
    let auth = Auth::new(key).strategy(Local::new("email", "password"));
    let users = Mount::new(Memory::new().start(1))
        .internal()
        .before(Create, hash_password("password"))
        .after(All, protect(["password"]));
    let messages = Mount::new(Memory::new().start(1).paginate(10, 50))
        .expose([Find, Get, Create])
        .before(Create, authenticate("jwt"))
        .before(Create, sign)
        .publish(|_| channel("everybody"));
    App::builder()
        .mount("authentication", auth)
        .mount("users", users)
        .mount("messages", messages)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .build()
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3030".into());
    let app = app()?;
    app.setup().await?;
    let ann = json!({"email": "ann@example.com", "name": "Ann", "password": "swordfish"});
    app.service("users").create(ann, Params::new()).await?;
    let router = Router::new()
        .route("/", get(page))
        .route("/me", get(me))
        .route("/messages", post(write))
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

//! A list of things to do, typed from end to end, over sockets and REST, and the page to use it. `cargo run -p examples --bin todo`

use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::{Router, routing::get};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::Mutex};
use wingbeat::{Record, Rest, engine::Config, prelude::*};

/// Clients write what is not the server's: `TodoData`.
#[derive(Clone, Serialize, Deserialize, Record)]
struct Todo {
    #[record(id)]
    id: i64,
    text: String,
    #[serde(default)]
    done: bool,
}

#[derive(Default)]
struct Todos(Mutex<Vec<Todo>>);

impl Service for Todos {
    type Item = Todo;
    type Data = TodoData;
    type Patch = TodoPatch;
    const METHODS: &'static [Method] = &[Find, Create, Update];

    async fn find(&self, _: &Params) -> Result<Found<Todo>> {
        Ok(self.0.lock().await.clone().into())
    }

    async fn create(&self, data: OneOrMany<TodoData>, _: &Params) -> Result<OneOrMany<Todo>> {
        let TodoData { text, done } = data.one()?;
        let mut todos = self.0.lock().await;
        let todo = Todo { id: todos.len() as i64 + 1, text, done };
        todos.push(todo.clone());
        Ok(todo.into())
    }

    async fn update(&self, id: Option<Id>, data: TodoData, _: &Params) -> Result<OneOrMany<Todo>> {
        let mut todos = self.0.lock().await;
        let todo = todos.iter_mut().find(|todo| id.as_ref().and_then(Id::as_i64) == Some(todo.id));
        let todo = todo.ok_or_else(|| Error::not_found("There is no such thing to do"))?;
        *todo = Todo { id: todo.id, text: data.text, done: data.done };
        Ok(todo.clone().into())
    }
}

/// The page, which no other may show in a frame.
async fn page() -> impl IntoResponse {
    ([(header::X_FRAME_OPTIONS, "DENY")], Html(include_str!("index.html")))
}

#[tokio::main]
async fn main() -> Result<()> {
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/chat/node_modules/socket.io-client/dist");
    let app = App::builder()
        .mount("todos", Mount::new(Todos::default()).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::with_config(Config::default().client_files(client).same_origin()))
        .configure(Rest::new())
        .fallback(Router::new().route("/", get(page)))
        .build()?;
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:3030".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    wingbeat::serve(listener, app).await
}

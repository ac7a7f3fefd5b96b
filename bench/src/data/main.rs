//! A server whose services stand on a database, for the load generator's `data`: `messages` is a table and nothing else,
//! `notes` has the hooks of an application.
//!
//! `bench-data --port P --sqlite FILE | --postgres URL`; `--fill` makes the file. The tables are those of `bench/data`.

mod notes;

use clap::{Args, Parser};
use serde::Deserialize;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;
use wingbeat::prelude::*;
use wingbeat::store::{Postgres, PostgresSettings, Sqlite};

// As in every server binary of ours.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Options {
    /// The port on the loopback interface; 0 for any.
    #[arg(long, default_value_t = 3030)]
    port: u16,
    #[command(flatten)]
    database: Database,
    /// Makes the tables in the file and ends.
    #[arg(long, requires = "sqlite")]
    fill: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Database {
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they name the columns")]
struct Message {
    id: i64,
    room_id: i64,
    user_id: i64,
    text: String,
    at: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(options))
}

async fn run(Options { port, database, fill }: Options) -> Result<()> {
    let app = match database {
        Database { sqlite: Some(file), .. } => {
            let db = Sqlite::open(file).await?;
            if fill {
                db.migrate(&[("data", include_str!("../../data/sqlite.sql"))]).await?;
                db.close().await;
                return Ok(());
            }
            let [messages, notes] = ["messages", "notes"].map(|name| db.table::<Message>(name).paginate(10, 50));
            app(Mount::new(messages), Mount::new(notes), Mount::new(db.table::<notes::User>("users")))
        }
        Database { postgres, .. } => {
            // Under valgrind calls wait for a connection as long as they take there.
            let patient = PostgresSettings::default().wait(Duration::from_secs(60)).statement(Duration::from_secs(60));
            let db = Postgres::connect_with(&postgres.unwrap_or_default(), patient).await?;
            let [messages, notes] = ["messages", "notes"].map(|name| db.table::<Message>(name).paginate(10, 50));
            app(Mount::new(messages), Mount::new(notes), Mount::new(db.table::<notes::User>("users")))
        }
    }?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening {}", listener.local_addr()?);
    wingbeat::serve(listener, app).until(wingbeat::terminated()).await
}

/// Who may log in is the server's business alone.
const NOTHING: [Method; 0] = [];

fn app(messages: Mount, notes: Mount, users: Mount) -> Result<App> {
    App::builder()
        .mount("messages", messages)
        .mount("notes", notes::mount(notes))
        .mount("users", users.expose(NOTHING))
        .mount("authentication", notes::auth()?)
        .on_login(|app, connection| app.channel("members").join(connection))
        .configure(SocketIo::new())
        .build()
}

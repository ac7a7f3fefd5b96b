//! The floor with data: the calls of the load generator's `data` by hand, over the wire of `../floor`, whose frames,
//! handshake and outbox these are. SQLite is asked in the thread that reads the socket, by cached statements;
//! PostgreSQL by statements that are prepared once, one behind another on a few connections.
//!
//! usage: `floor_data [--port 3030] --sqlite FILE | --postgres URL`

mod call;
#[path = "../../floor/src/frames.rs"]
mod frames;
#[path = "../../floor/src/handshake.rs"]
mod handshake;
mod json;
mod login;
#[path = "../../floor/src/outbox.rs"]
mod outbox;
mod postgres;
mod sqlite;
mod transport;

use std::error::Error;
use tokio::net::TcpListener;
use transport::Database;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut port, mut database) = (3030, None);
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse()?,
            "--sqlite" => database = Some(Database::Sqlite(sqlite::Sqlite::open(&value)?)),
            "--postgres" => database = Some(Database::Postgres(postgres::Postgres::connect(&value).await?)),
            _ => return Err(format!("unknown option: {name} {value}").into()),
        }
    }
    let database = database.ok_or("--sqlite FILE or --postgres URL is needed")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    transport::serve(listener, database).await?;
    Ok(())
}

//! The stores, for the suite that Feathers holds its own adapters to: `memory` and `sqlite`.
//!
//! `adapters --state STATE [--port N]` prints its address and ends with its standard input, as the fixture does; the state
//! is of no concern to it.

use clap::Parser;
use serde::Deserialize;
use std::net::Ipv4Addr;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use wingbeat::{prelude::*, serve, store::Memory, store::Sqlite};

#[derive(Parser)]
struct Options {
    #[arg(long)]
    state: Option<String>,
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// The fields of a person, all of which may be missing.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the names are what counts")]
struct Person {
    id: i64,
    name: Option<String>,
    age: Option<i64>,
    created: Option<bool>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { state: _, port } = Options::parse();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    let listener = socket.listen(1024)?;
    let db = Sqlite::memory().await?;
    db.migrate(&[("people", "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, created BOOLEAN)")])
        .await?;
    let app = App::builder()
        .mount("memory", Mount::new(Memory::new()))
        .mount("sqlite", Mount::new(db.table::<Person>("people")))
        .before(All, sync(options))
        .configure(SocketIo::new())
        .build()?;
    println!("listening {}", listener.local_addr()?);
    let ended = async {
        // Whatever it says.
        while tokio::io::stdin().read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
    };
    serve(listener, app).until(ended).await
}

/// The suite sets options in the service object, and in params that never leave the server. A client has only the query.
fn options(context: &mut Context) -> Result<()> {
    if let Some(options) = context.params.query.take("$adapter") {
        context.params.set("adapter", options);
    }
    Ok(())
}

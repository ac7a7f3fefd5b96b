//! A store of one's own: notes in a journal, a file to which each change is added as a line of JSON.
//!
//! `cargo run -p examples --bin journal`; the file is `journal.jsonl`, or the second argument.

mod store;

use std::path::PathBuf;
use store::Journal;
use tokio::net::TcpListener;
use wingbeat::{prelude::*, store::Table};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3030".into());
    let path = PathBuf::from(arguments.next().unwrap_or_else(|| "journal.jsonl".into()));
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let notes = Mount::new(Table::over(Journal::open(&path)?).paginate(10, 50));
    let app = App::builder()
        .mount("notes", notes.publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .build()?;
    wingbeat::serve(listener, app).await
}

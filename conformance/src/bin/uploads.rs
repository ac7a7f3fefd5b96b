//! Files, as the guide's chapter about uploads mounts them: `files`, of a megabyte at most.
//!
//! `uploads --state FOLDER [--port N]` prints its address and ends with its standard input, as the fixture does.

use clap::Parser;
use conformance::{listen, serve_until_input_ends};
use std::path::PathBuf;
use wingbeat::{Rest, prelude::*, store::Uploads};

#[derive(Parser)]
struct Options {
    #[arg(long)]
    state: PathBuf,
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { state, port } = Options::parse();
    let listener = listen(port)?;
    let files = Uploads::to(state).max(1 << 20).types(["image/*", "text/*"]);
    let app = App::builder()
        .mount("files", Mount::new(files).publish(|_publication| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .configure(Rest::new())
        .build()?;
    serve_until_input_ends(listener, app).await
}

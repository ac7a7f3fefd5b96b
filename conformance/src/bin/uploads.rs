//! Files, as the guide's chapter about uploads mounts them: `files`, of a megabyte at most.
//!
//! `uploads --state FOLDER [--port N]` prints its address and ends with its standard input, as the fixture does.

use clap::Parser;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use wingbeat::{Rest, prelude::*, serve, store::Uploads};

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
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    let listener = socket.listen(1024)?;
    let files = Uploads::to(state).max(1 << 20).types(["image/*", "text/*"]);
    let app = App::builder()
        .mount("files", Mount::new(files).publish(|_publication| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .configure(Rest::new())
        .build()?;
    println!("listening {}", listener.local_addr()?);
    let ended = async {
        // Whatever it says.
        while tokio::io::stdin().read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
    };
    serve(listener, app).until(ended).await
}

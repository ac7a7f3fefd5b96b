//! What the programs that the suites drive have in common.

use std::net::Ipv4Addr;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket};
use wingbeat::{App, Result, serve};

/// A port of this machine; 0 for any. A program that is started again at once finds its own free.
///
/// # Errors
/// If somebody has it.
pub fn listen(port: u16) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket.listen(1024)?)
}

/// Prints the address, and serves until standard input ends.
///
/// # Errors
/// As [`serve`].
pub async fn serve_until_input_ends(listener: TcpListener, app: App) -> Result<()> {
    println!("listening {}", listener.local_addr()?);
    let ended = async {
        // Whatever it says.
        while tokio::io::stdin().read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
    };
    serve(listener, app).until(ended).await
}

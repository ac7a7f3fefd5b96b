//! A network between client and server that a test can cut, freeze, slow down and mend.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Up,
    /// Nothing passes, and nobody is told: the other end's host is gone.
    Frozen,
    /// A few bytes at a time, with pauses.
    Slow,
    /// Connections are cut, and new ones refused.
    Down,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// Listens on a port of its own, and forwards to this one.
    pub(crate) async fn before(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (network, state) = watch::channel(Network::Up);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if *state.borrow() == Network::Down {
                    continue;
                }
                let state = state.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    // One that ends takes the other with it.
                    tokio::select! {
                        () = carry(from_client, to_server, state.clone()) => {}
                        () = carry(from_server, to_client, state) => {}
                    }
                });
            }
        });
        Proxy { url, network }
    }

    pub(crate) fn cut(&self) {
        self.network.send_replace(Network::Down);
    }

    pub(crate) fn freeze(&self) {
        self.network.send_replace(Network::Frozen);
    }

    pub(crate) fn slow_down(&self) {
        self.network.send_replace(Network::Slow);
    }

    pub(crate) fn mend(&self) {
        self.network.send_replace(Network::Up);
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut state: watch::Receiver<Network>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let network = *state.borrow_and_update();
        let room = match network {
            Network::Down => return,
            Network::Frozen => {
                // What is frozen stays frozen: a host that is gone does not remember the connection.
                while *state.borrow_and_update() != Network::Down {
                    if state.changed().await.is_err() {
                        return;
                    }
                }
                return;
            }
            Network::Slow => 7,
            Network::Up => buffer.len(),
        };
        tokio::select! {
            read = from.read(&mut buffer[..room]) => match read {
                Ok(0) | Err(_) => return,
                Ok(read) => {
                    if network == Network::Slow {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    if to.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            },
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

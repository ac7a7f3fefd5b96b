//! The same services over `tokio-tungstenite`: one task a connection, a channel of shared
//! messages, and one flush for all that is ready.

use crate::app::{App, Audience};
use crate::handshake::upgrade;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use slab::Slab;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

#[derive(Default)]
struct Hub {
    app: App,
    next_id: AtomicU64,
    connections: RwLock<Slab<UnboundedSender<Utf8Bytes>>>,
}

pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let hub = Arc::new(Hub::default());
    let heart = hub.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(25)).await;
            heart.broadcast("2".into());
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(hub.clone(), stream));
    }
}

impl Hub {
    fn broadcast(&self, message: Utf8Bytes) {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner);
        for (_, connection) in connections.iter() {
            // A receiver that is gone is about to be removed by its own task.
            connection.send(message.clone()).ok();
        }
    }
}

async fn connection(hub: Arc<Hub>, mut stream: TcpStream) {
    if Box::pin(upgrade(&mut stream)).await.is_err() {
        return;
    }
    let id = hub.next_id.fetch_add(1, Ordering::Relaxed);
    let (sender, queue) = unbounded_channel();
    sender.send(hub.app.open_packet(id).into()).ok();
    let key = hub.connections.write().unwrap_or_else(PoisonError::into_inner).insert(sender);
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    messages(&hub, id, socket, queue).await;
    hub.connections.write().unwrap_or_else(PoisonError::into_inner).remove(key);
}

enum Next {
    Incoming(Message),
    Outgoing(Utf8Bytes),
}

/// Reads and writes until the connection is over.
async fn messages(
    hub: &Hub,
    id: u64,
    mut socket: WebSocketStream<TcpStream>,
    mut queue: UnboundedReceiver<Utf8Bytes>,
) -> Option<()> {
    let mut unflushed = false;
    loop {
        let next = match socket.next().now_or_never() {
            Some(message) => Next::Incoming(message?.ok()?),
            None => match queue.try_recv() {
                Ok(message) => Next::Outgoing(message),
                Err(_) => {
                    if unflushed {
                        socket.flush().await.ok()?;
                    }
                    tokio::select! {
                        biased;
                        message = socket.next() => Next::Incoming(message?.ok()?),
                        message = queue.recv() => Next::Outgoing(message?),
                    }
                }
            },
        };
        unflushed = true;
        match next {
            Next::Outgoing(message) => socket.feed(Message::Text(message)).await.ok()?,
            Next::Incoming(Message::Text(text)) => {
                let mut answer = None;
                let event = hub.app.on_message(id, text.as_bytes(), |it| answer = Some(it));
                if let Some(answer) = answer {
                    socket.feed(Message::Text(utf8(answer)?)).await.ok()?;
                }
                // There is no room here: `mixed` is for `--ws own`.
                if let Some((Audience::Everybody, event)) = event {
                    hub.broadcast(utf8(event)?);
                }
            }
            Next::Incoming(Message::Close(_)) => return None,
            Next::Incoming(_) => {}
        }
    }
}

fn utf8(message: Vec<u8>) -> Option<Utf8Bytes> {
    Utf8Bytes::try_from(Bytes::from(message)).ok()
}

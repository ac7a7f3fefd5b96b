//! The two services, and the Socket.IO packets inside Engine.IO's messages.

use bytes::Bytes;
use engineioxide::handler::EngineIoHandler;
use engineioxide::{DisconnectReason, Socket, Str};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// `["get","quiet","17",{}]`: event, service, id or data, query.
type Call<'a> = (&'a str, &'a str, Value, Value);

#[derive(Debug, Default)]
pub struct Server {
    created: AtomicU64,
    sockets: RwLock<HashMap<String, Arc<Socket<()>>>>,
}

impl EngineIoHandler for Server {
    type Data = ();

    fn on_connect(self: Arc<Self>, _socket: Arc<Socket<()>>) {}

    fn on_disconnect(&self, socket: Arc<Socket<()>>, _reason: DisconnectReason) {
        let mut sockets = self.sockets.write().unwrap_or_else(PoisonError::into_inner);
        sockets.remove(socket.id.as_str());
    }

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<Socket<()>>) {
        let message: &str = &message;
        if let Some(call) = message.strip_prefix('2') {
            self.on_call(call, &socket);
        } else if message.starts_with('0') {
            send(&socket, format!(r#"0{{"sid":"{}"}}"#, socket.id));
            let mut sockets = self.sockets.write().unwrap_or_else(PoisonError::into_inner);
            sockets.insert(socket.id.to_string(), socket.clone());
        }
    }

    fn on_binary(self: &Arc<Self>, _data: Bytes, _socket: Arc<Socket<()>>) {}
}

impl Server {
    fn on_call(&self, call: &str, socket: &Socket<()>) {
        let (ack_id, arguments) = call.split_at(call.find('[').unwrap_or(0));
        let Ok((event, service, mut data, _query)) = serde_json::from_str::<Call>(arguments) else {
            return;
        };
        match event {
            "get" => {
                let result = json!({ "id": data, "text": "hello" });
                send(socket, format!("3{ack_id}[null,{result}]"));
            }
            "create" => {
                if let Some(record) = data.as_object_mut() {
                    let id = self.created.fetch_add(1, Ordering::Relaxed) + 1;
                    record.insert("id".into(), id.into());
                }
                let result = data.to_string();
                send(socket, format!("3{ack_id}[null,{result}]"));
                if service == "messages" {
                    self.broadcast(Str::from(format!(r#"2["messages created",{result}]"#)));
                }
            }
            _ => {}
        }
    }

    fn broadcast(&self, event: Str) {
        for socket in self.sockets.read().unwrap_or_else(PoisonError::into_inner).values() {
            send(socket, event.clone());
        }
    }
}

/// A socket that takes nothing is closed or full; the load generator notices what is missing.
fn send(socket: &Socket<()>, message: impl Into<Str>) {
    socket.emit(message).ok();
}

//! The application without sockets: calls from inside, connections whose frames are kept in a list.

mod delivery;
mod events;
mod hooks;
mod models;
mod mounting;
mod phases;

use super::App;
use crate::realtime::{Connection, Message, Peer};
use crate::{locked, service::RawService};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, IdArg, Method, Payload, Result};

/// Answers with what it was called with. The id `boom` fails, `wait` is not ready at once.
pub(super) struct Echo;

impl RawService for Echo {
    fn methods(&self) -> Vec<Method> {
        Method::STANDARD.to_vec()
    }
    async fn find(&self, params: &crate::Params) -> Result<Payload> {
        Ok(params.query.to_value().into())
    }
    async fn get(&self, id: IdArg, params: &crate::Params) -> Result<Payload> {
        match id.id().and_then(|id| id.as_str()) {
            Some("boom") => return Err(Error::general("boom")),
            Some("wait") => tokio::task::yield_now().await,
            _ => {}
        }
        Ok(serde_json::json!({"id": id.to_string(), "route": params.route.to_value()}).into())
    }
    async fn create(&self, data: Option<Payload>, _: &crate::Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
}

/// What a connection has received.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<(String, Value)>>>);

impl Heard {
    pub(super) fn all(&self) -> Vec<(String, Value)> {
        locked(&self.0).clone()
    }

    pub(super) fn data(&self) -> Vec<Value> {
        self.all().into_iter().map(|(_, data)| data).collect()
    }

    pub(super) fn connect(app: &App) -> (Connection, Heard) {
        let heard = Heard::default();
        let connection = Connection::new("test", None, heard.clone());
        app.connected(&connection);
        (connection, heard)
    }
}

impl Peer for Heard {
    fn deliver(&self, message: &Message) {
        locked(&self.0).push((message.name.to_string(), message.data.to().unwrap()));
    }
    fn disconnect(&self, _: &Connection) {}
}

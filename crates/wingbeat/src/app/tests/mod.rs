//! The application without sockets: calls from inside, connections whose frames are kept in a list.

mod attempts;
mod coming;
mod context;
mod delivery;
#[cfg(all(feature = "auth", feature = "schema"))]
mod describe;
mod dispatch;
mod errors;
mod events;
mod exposed;
mod extends;
mod functions;
mod hooks;
mod models;
mod mounting;
mod nodes;
mod order;
mod order_ends;
mod order_model;
mod phases;
mod presence;
mod rings;
mod stress;
mod sub_apps;
mod traces;

use super::App;
use crate::realtime::Connection;
use crate::service::RawService;
use crate::test::Client;
use futures_util::FutureExt;
use serde_json::Value;
use std::sync::Arc;
use wingbeat_core::{Error, IdArg, Method, Payload, Result};

/// Answers with what it was called with. The id `boom` fails, `wait` is not ready at once.
pub(super) struct Echo;

impl RawService for Echo {
    fn methods(&self) -> Vec<Method> {
        Method::STANDARD.to_vec()
    }
    async fn find(&self, params: &crate::service::Params) -> Result<Payload> {
        Ok(params.query.to_value().into())
    }
    async fn get(&self, id: IdArg, params: &crate::service::Params) -> Result<Payload> {
        match id.id().and_then(|id| id.as_str()) {
            Some("boom") => return Err(Error::general("boom")),
            Some("wait") => tokio::task::yield_now().await,
            _ => {}
        }
        Ok(serde_json::json!({"id": id.to_string(), "route": params.route.to_value()}).into())
    }
    async fn create(&self, data: Option<Payload>, _: &crate::service::Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
    async fn update(&self, id: IdArg, data: Option<Payload>, params: &crate::service::Params) -> Result<Payload> {
        self.get(id, params).await?;
        Ok(data.unwrap_or(Payload::NULL))
    }
    async fn patch(&self, _: IdArg, data: Option<Payload>, _: &crate::service::Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
    async fn remove(&self, id: IdArg, _: &crate::service::Params) -> Result<Payload> {
        Ok(serde_json::json!({"id": id.to_string()}).into())
    }
}

/// A client that stays while this does, and what it has heard.
#[derive(Clone)]
pub(super) struct Heard(Arc<Client>);

impl Heard {
    pub(super) fn all(&self) -> Vec<(String, Value)> {
        self.0.heard().into_iter().map(|heard| (heard.event, heard.data)).collect()
    }

    pub(super) fn data(&self) -> Vec<Value> {
        self.all().into_iter().map(|(_, data)| data).collect()
    }

    pub(super) fn connect(app: &App) -> (Connection, Heard) {
        let client = Client::connect(app).now_or_never().expect("nobody has to be asked").expect("everybody is let in");
        (client.connection().clone(), Heard(Arc::new(client)))
    }
}

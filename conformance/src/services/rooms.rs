//! `rooms`: joins and leaves channels.

use super::template;
use serde::Deserialize;
use serde_json::{Value, json};
use wingbeat::prelude::*;

pub(crate) fn mount() -> Mount {
    Mount::new(Rooms)
        .method("join", async |room: Room, params: &Params| {
            let (connection, channel) = (room.caller(params)?, params.channel(room.channel())?);
            channel.join(connection);
            Ok(json!({"joined": room.id, "size": channel.len()}))
        })
        .method("leave", async |room: Room, params: &Params| {
            let (connection, channel) = (room.caller(params)?, params.channel(room.channel())?);
            channel.leave(connection);
            Ok(json!({"left": room.id, "size": channel.len()}))
        })
}

#[derive(Deserialize)]
struct Room {
    id: Option<Value>,
}

impl Room {
    fn channel(&self) -> String {
        format!("rooms/{}", template(self.id.as_ref()))
    }

    fn caller<'a>(&self, params: &'a Params) -> Result<&'a Connection> {
        params.connection.as_ref().ok_or_else(|| Error::bad_request("Only connections can be in rooms"))
    }
}

struct Rooms;

impl RawService for Rooms {
    fn methods(&self) -> Vec<Method> {
        vec![Find]
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        Ok(json!(params.services()?.channel_names()).into())
    }
}

//! `wingbeat watch messages`

use crate::output::{Output, say};
use anyhow::Result;
use futures_util::stream::{SelectAll, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use wingbeat_client::{Client, ConnectionEvent};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// Which events
    #[arg(default_values = ["created", "updated", "patched", "removed"])]
    events: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Until it is interrupted, or the server refuses to be connected to. What happens to the connection goes to standard error.
pub(crate) async fn run(client: &Client, options: Options) -> Result<()> {
    let format = options.output.format();
    let service = client.untyped(&options.service);
    let mut events = SelectAll::new();
    for name in options.events {
        events.push(service.on_event::<Value>(&name).map(move |event| (name.clone(), event)).boxed());
    }
    let mut connection = client.connection_events();
    say(format_args!("watching {}", options.service));
    loop {
        tokio::select! {
            Some((name, event)) = events.next() => match event {
                Ok(data) => format.print(&json!({ "event": name, "data": data }))?,
                Err(error) => say(error),
            },
            Some(event) = connection.next() => match event {
                ConnectionEvent::Disconnected { reason, .. } => say(format_args!("disconnected: {reason}")),
                ConnectionEvent::Connected { recovered: true, .. } => say("connected; nothing was missed"),
                ConnectionEvent::Connected { .. } => say("connected; events may have been missed"),
                ConnectionEvent::LoginFailed(error) => say(format_args!("not logged in any more: {error}")),
                ConnectionEvent::ConnectFailed { error, will_retry: false } => return Err(Arc::unwrap_or_clone(error).into()),
                _ => {}
            },
            _ = tokio::signal::ctrl_c() => return Ok(()),
            else => return Ok(()),
        }
    }
}

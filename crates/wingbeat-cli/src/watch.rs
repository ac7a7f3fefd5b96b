//! `wingbeat watch messages`

use crate::output::Format;
use futures_util::stream::{SelectAll, StreamExt};
use serde_json::{Value, json};
use wingbeat_client::{Client, ConnectionEvent, Result};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The path of the service
    service: String,
    /// Which events
    #[arg(default_values = ["created", "updated", "patched", "removed"])]
    events: Vec<String>,
}

/// Until it is interrupted. What happens to the connection goes to standard error.
pub(crate) async fn run(client: &Client, options: Options, format: Format) -> Result<()> {
    let service = client.untyped(&options.service);
    let mut events = SelectAll::new();
    for name in options.events {
        events.push(service.on_event::<Value>(&name).map(move |event| (name.clone(), event)).boxed());
    }
    let mut connection = client.connection_events();
    eprintln!("watching {}", options.service);
    loop {
        tokio::select! {
            Some((name, event)) = events.next() => match event {
                Ok(data) => format.print(&json!({ "event": name, "data": data }))?,
                Err(error) => eprintln!("{error}"),
            },
            Some(event) = connection.next() => match event {
                ConnectionEvent::Disconnected { reason, .. } => eprintln!("disconnected: {reason}"),
                ConnectionEvent::Connected { .. } => eprintln!("connected"),
                ConnectionEvent::LoginFailed(error) => eprintln!("not logged in any more: {error}"),
                _ => {}
            },
            _ = tokio::signal::ctrl_c() => return Ok(()),
            else => return Ok(()),
        }
    }
}

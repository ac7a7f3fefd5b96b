//! One node of several, for what clients hear while nodes, brokers and networks fail.
//!
//! `cluster-node (--redis URL | --nats URL) [--port N] [--letters n1]` prints its address. A client is in the rooms that its
//! handshake names (`?rooms=a,b`), and hears the `events` of these; who creates one says in which room. It ends by SIGTERM.

use clap::Parser;
use conformance::listen;
use std::time::Duration;
use wingbeat::engine::Config;
use wingbeat::{Health, Recovery, bus, prelude::*, serve, terminated};

#[derive(Parser)]
struct Options {
    #[arg(long, required_unless_present = "nats", conflicts_with = "nats")]
    redis: Option<String>,
    #[arg(long)]
    nats: Option<String>,
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value = "n1")]
    letters: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { redis, nats, port, letters } = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let app = App::builder()
        .mount(
            "events",
            Mount::new(Echo).publish(|event| channel(("rooms", event.data()["room"].as_str().unwrap_or("")))),
        )
        .on_connection(|app, connection| {
            // Who comes back is where it was.
            let Some(rooms) = connection.get("rooms").filter(|_| !connection.is_recovered()) else { return };
            rooms.as_str().unwrap_or("").split(',').for_each(|room| app.channel(("rooms", room)).join(connection));
        });
    let app = match (redis, nats) {
        (Some(url), _) => app.bus(bus::Redis::new(&url)?),
        (None, Some(url)) => app.bus(bus::Nats::new(&url)?),
        (None, None) => return Err(Error::bad_request("Say --redis or --nats")),
    };
    let sockets = SocketIo::with_config(Config::default().node(&letters))
        .recovery(Recovery::new().window(Duration::from_secs(60)))
        .middleware(async |socket, connection| {
            let rooms = socket.handshake().query_pairs().find(|(name, _)| name == "rooms");
            connection.set("rooms", rooms.map(|(_, rooms)| rooms.into_owned()));
            Ok(())
        });
    let app = app.configure(sockets).configure(Health::new()).build()?;
    let listener = listen(port)?;
    println!("listening {}", listener.local_addr()?);
    serve(listener, app).patience(Duration::from_secs(5)).until(terminated()).await
}

/// Keeps nothing: what is created is only told.
struct Echo;

impl wingbeat::service::RawService for Echo {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, _: &Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
}

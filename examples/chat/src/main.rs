//! A chat, as an example of what Wingbeat is for: services over SQLite, and everybody sees at once what happens.

mod limits;
mod messages;
mod name;
mod page;
mod people;
mod process;
mod rooms;
mod stamp;
mod text;
mod unread;
mod users;
#[cfg(test)]
mod visitor;

use clap::Parser;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;
use wingbeat::auth::{Auth, Passwords};
use wingbeat::engine::Config;
use wingbeat::{Health, Recovery, Rest, bus, prelude::*, store::Sqlite};

/// A chat for everyone who can reach this machine.
#[derive(Parser)]
struct Options {
    /// The port to listen on; 0 for any that is free.
    #[arg(long, env = "PORT", default_value_t = 3030)]
    port: u16,
    /// The address to listen on; 0.0.0.0 lets other machines in.
    #[arg(long, env = "CHAT_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The file that keeps rooms, messages and users. Beside it is the secret for signing in (`CHAT_SECRET` goes first).
    #[arg(long, env = "CHAT_DB", default_value = "chat.db")]
    db: PathBuf,
    /// The folder that holds the page (`public`) and its libraries (`node_modules`).
    #[arg(long, env = "CHAT_PAGE", default_value = env!("CARGO_MANIFEST_DIR"), hide_default_value = true)]
    page: PathBuf,
    /// How many connections one address may have. Behind a proxy that is not named all are of one address.
    #[arg(long, env = "CHAT_CONNECTIONS", default_value_t = 200)]
    connections: usize,
    /// A Redis server by which several chats with one database are one: redis://127.0.0.1:6379.
    #[arg(long, env = "CHAT_REDIS", conflicts_with = "nats", hide_env_values = true)]
    redis: Option<String>,
    /// The same by a NATS server: nats://127.0.0.1:4222.
    #[arg(long, env = "CHAT_NATS", hide_env_values = true)]
    nats: Option<String>,
    /// Two letters that tell this chat from the others to a balancer, at the end of session ids.
    #[arg(long, env = "CHAT_NODE")]
    node: Option<String>,
    /// Proxies before the chat, which are believed when they say where somebody comes from.
    #[arg(long = "proxy", env = "CHAT_PROXIES", value_delimiter = ',')]
    proxies: Vec<IpAddr>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    process::log();
    process::allow_many_connections();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let Options { port, host, db, page, connections, redis, nats, node, proxies } = options;
    let listener = TcpListener::bind((host, port)).await.map_err(|error| process::cannot_listen(port, &error))?;
    let cannot_open = |error| format!("{} can not be used: {}", db.display(), cause(error));
    process::make_private(&db).map_err(|error| cannot_open(error.into()))?;
    let database = Sqlite::open(&db).await.map_err(cannot_open)?;
    migrate(&database).await.map_err(cannot_open)?;
    let auth = users::authentication(&users::Secret::of(&db)?, Passwords::new()).map_err(cause)?;
    let files = page.join("node_modules/socket.io-client/dist");
    // Else any page that somebody has open could read along, on the local machine and network too.
    let config = Config::default().client_files(files).trusted_proxies(proxies).same_origin();
    let config = config.max_connections_per_address(connections);
    let config = match &node {
        Some(letters) => config.node(letters),
        None => config,
    };
    let app = chat(&database, auth, connections);
    let app = match (redis, nats) {
        (Some(url), _) => app.bus(bus::Redis::new(&url).map_err(cause)?.prefix("chat")),
        (None, Some(url)) => app.bus(bus::Nats::new(&url).map_err(cause)?.prefix("chat")),
        (None, None) => app,
    };
    let app = app
        .configure(Health::new())
        .configure(SocketIo::with_config(config).recovery(Recovery::new()))
        .configure(Rest::new());
    let app = app.fallback(page::router(&page)).build().map_err(cause)?;
    users::note_looks(&app).await.map_err(cause)?;
    println!("listening on {}", process::url(&listener).map_err(|error| error.to_string())?);
    let ended = wingbeat::serve(listener, app).await;
    database.close().await;
    ended.map_err(cause)
}

async fn migrate(database: &Sqlite) -> Result<()> {
    database.migrate(&steps()).await
}

/// How the tables came to be, from the beginning.
fn steps() -> Vec<(&'static str, &'static str)> {
    vec![
        ("rooms", rooms::TABLE),
        ("messages", messages::TABLE),
        ("users", users::TABLE),
        ("rooms for members", rooms::MEMBERS_ROOM),
        ("messages for members", messages::MEMBERS_ROOM),
        ("messages by members", messages::BY_MEMBERS),
        ("looks of names", users::LOOKS),
    ]
}

/// Everybody who has said a name hears everything, but for who is typing elsewhere and what is said among members.
fn chat(database: &Sqlite, auth: Auth, connections: usize) -> wingbeat::Builder {
    App::builder()
        .mount("authentication", auth)
        .mount("users", users::service(database))
        .mount("people", people::service(connections))
        .mount("presence", people::elsewhere())
        .mount("rooms", rooms::service(database))
        .mount("messages", messages::service(database))
        .publish(|_| channel(people::ONLINE))
        .on_login(users::signed_in)
        .on_logout(people::gone)
        .on_disconnect(people::gone)
}

/// What to tell a person at the terminal: clients never see this.
fn cause(error: Error) -> String {
    error.source().map_or_else(|| error.message().to_owned(), ToString::to_string)
}

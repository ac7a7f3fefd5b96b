//! The back end that the front end of the Feathers chat expects, on Wingbeat's public API: users who sign up by email,
//! messages with their authors, and both only for those who are signed in.
//!
//! `feathers-chat --state STATE [--port N]` prints its address and ends with its standard input, as the fixture does; the
//! state is of no concern to it.

use clap::Parser;
use conformance::{listen, serve_until_input_ends};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use wingbeat::auth::{Auth, Key, Local, Passwords, authenticate, hash_password, logout_changed};
use wingbeat::{Record, prelude::*, store::Memory};

#[derive(Parser)]
struct Options {
    #[arg(long)]
    state: Option<String>,
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Serialize, Deserialize, Record)]
struct User {
    #[record(id)]
    id: i64,
    email: String,
    #[record(write_only)]
    password: String,
}

#[derive(Serialize, Deserialize, Record)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[record(id)]
    id: i64,
    text: String,
    #[record(read_only)]
    user_id: i64,
    #[record(read_only)]
    created_at: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { state: _, port } = Options::parse();
    let listener = listen(port)?;
    let app = app().await?;
    serve_until_input_ends(listener, app).await
}

async fn app() -> Result<App> {
    // Tests do not wait for passwords that nobody wants to steal.
    let passwords = Passwords::with_cost(8, 1)?;
    let auth = Auth::new(Key::secret("the secret of a chat that is only a test")?)
        .strategy(Local::new("email", "password").passwords(passwords.clone()))
        .audience(["feathers-chat"]);
    App::builder()
        .mount("authentication", auth)
        .mount("users", users(&passwords).await?)
        .mount("messages", messages())
        .publish(|_| channel("authenticated"))
        .on_connection(|app, connection| app.channel("anonymous").join(connection))
        .on_login(|app, connection| {
            app.channel("anonymous").leave(connection);
            app.channel("authenticated").join(connection);
        })
        .on_logout(|app, connection| app.channel("anonymous").join(connection))
        .configure(SocketIo::new())
        .build()
}

/// One of them is there from the start.
async fn users(passwords: &Passwords) -> Result<Mount> {
    let hash = passwords.hash("demo password".to_owned()).await?;
    let demo = json!({"id": 1, "email": "demo@chat.example", "password": hash});
    Ok(Mount::new(Memory::new().start(2).records([demo]).paginate(10, 50))
        .methods([Find, Get, Create])
        .before([Find, Get], authenticate("jwt"))
        .record::<User>()
        .before(Create, new_email)
        .before(Create, hash_password("password"))
        .after(All, logout_changed(["password"])))
}

fn messages() -> Mount {
    Mount::new(Memory::new().paginate(10, 50))
        .methods([Find, Get, Create])
        .before(All, authenticate("jwt"))
        .record::<Message>()
        .before(Create, sign)
        .after(All, with_authors)
}

async fn new_email(context: &mut Context) -> Result<()> {
    let same = json!({"email": context.data_as::<UserData>()?.email});
    let found = context.service("users").find(Params::new().with_query(same)?).await?;
    match found.to::<Page<Value>>()?.total {
        Some(0) => Ok(()),
        _ => Err(Error::conflict("This email is taken")),
    }
}

/// The server says who and when. No two messages have the same time, so that their order is certain.
async fn sign(context: &mut Context) -> Result<()> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let author = context.user::<UserItem>()?.id;
    for item in context.items_mut()? {
        let now = u64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?;
        let last = LAST.fetch_max(now, Ordering::Relaxed).max(now);
        LAST.store(last + 1, Ordering::Relaxed);
        item.insert("userId".into(), author.into());
        item.insert("createdAt".into(), last.into());
    }
    Ok(())
}

/// Every message carries its author, as others may see it.
async fn with_authors(context: &mut Context) -> Result<()> {
    let users = context.service("users");
    for message in context.result_items_mut()? {
        let id = Id::from_value(&message["userId"]).ok_or_else(|| Error::general("A message of nobody"))?;
        let author: User = users.get(id, Params::new()).await?.to()?;
        message.insert("user".into(), serde_json::to_value(UserItem::from(author))?);
    }
    Ok(())
}

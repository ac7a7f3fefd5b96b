//! The two services, as an application.

use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use wingbeat::Recovery;
use wingbeat::Rest;
use wingbeat::auth::Passwords;
use wingbeat::engine::Config;
use wingbeat::prelude::*;

/// With REST or recovery, if that is what is measured.
pub(crate) fn app(mode: Mode, rest: bool, recovery: bool) -> Result<App> {
    let transport = SocketIo::with_config(config());
    let transport = if recovery { transport.recovery(Recovery::new()) } else { transport };
    let app = App::builder()
        .mount("messages", mount(mode).publish(|_| channel("everybody")))
        .mount("room", mount(mode).publish(|_| channel("room")))
        .mount("quiet", mount(mode))
        .mount("hashes", Mount::new(Hashes::default()))
        .on_connection(|app, connection| {
            app.channel("everybody").join(connection);
            let header = |name| connection.headers().and_then(|headers| headers.get(name));
            if header("x-room").is_some() {
                app.channel("room").join(connection);
            }
            if let Some(id) = header("x-user") {
                greet(app, connection, id);
            }
        })
        .configure(transport);
    if rest { app.configure(Rest::new()).build() } else { app.build() }
}

/// So much waits for all at most: `stalled` looks at what it costs to close those who do not read, and has no time to send
/// them as much as an application has memory for. In `fair` clients say that they are at addresses of their own.
fn config() -> Config {
    Config::default().outbox_total(8 << 20).trusted_proxies([IpAddr::V4(Ipv4Addr::LOCALHOST)])
}

/// What an application keeps of somebody who has logged in: the user, and two channels more.
fn greet(app: &App, connection: &Connection, id: &str) {
    connection.set("user", json!({ "id": id, "email": format!("user{id}@example.com"), "name": "Some One" }));
    app.channel("authenticated").join(connection);
    app.channel(format!("team/{}", id.chars().next_back().unwrap_or('0'))).join(connection);
}

fn mount(mode: Mode) -> Mount {
    match mode {
        Mode::Raw => Mount::new(AnyMessages::default()),
        Mode::Hooks5 => (0..5).fold(Mount::new(Messages::default()), |mount, _| mount.around(All, nothing)),
        Mode::Engine | Mode::Typed => Mount::new(Messages::default()),
    }
}

async fn nothing(context: &mut Context, next: Next<'_>) -> Result<()> {
    next.run(context).await
}

#[derive(Deserialize)]
struct NewMessage {
    text: Box<str>,
    #[serde(default)]
    pad: Option<Box<str>>,
}

#[derive(Serialize)]
struct Message {
    text: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad: Option<Box<str>>,
    id: Id,
}

#[derive(Default)]
struct Messages {
    last: AtomicU64,
}

impl Service for Messages {
    type Item = Message;
    type Data = NewMessage;
    type Patch = NewMessage;
    const METHODS: &'static [Method] = &[Get, Create];

    async fn get(&self, id: Id, _params: &Params) -> Result<Message> {
        Ok(Message { id, text: "hello".into(), pad: None })
    }

    async fn create(&self, data: OneOrMany<NewMessage>, _params: &Params) -> Result<OneOrMany<Message>> {
        Ok(data.map(|new| {
            let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            Message { text: new.text.into_string().into(), pad: new.pad, id: Id::Number(id.into()) }
        }))
    }
}

/// Hashes the text of what is created, as a password would be.
#[derive(Default)]
struct Hashes {
    passwords: Passwords,
    messages: Messages,
}

impl Service for Hashes {
    type Item = Message;
    type Data = NewMessage;
    type Patch = NewMessage;
    const METHODS: &'static [Method] = &[Create];

    async fn create(&self, data: OneOrMany<NewMessage>, params: &Params) -> Result<OneOrMany<Message>> {
        if let OneOrMany::One(new) = &data {
            self.passwords.hash(new.text.to_string()).await?;
        }
        self.messages.create(data, params).await
    }
}

#[derive(Default)]
struct AnyMessages {
    last: AtomicU64,
}

impl RawService for AnyMessages {
    fn methods(&self) -> Vec<Method> {
        vec![Get, Create]
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        Ok(json!({"id": id.into_id(), "text": "hello"}).into())
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let mut data = data.unwrap_or(Payload::NULL);
        let Some(message) = data.value_mut()?.as_object_mut() else {
            return Err(Error::bad_request("A message is an object"));
        };
        message.insert("id".into(), (self.last.fetch_add(1, Ordering::Relaxed) + 1).into());
        Ok(data)
    }
}

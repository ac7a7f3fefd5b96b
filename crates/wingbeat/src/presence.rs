//! Who is in channels, as a service.

use crate::app::App;
use crate::realtime::{Changed, Connection, EntryId, MemberFn, Presence as Members, channel};
use crate::service::{Params, RawService, Services};
use crate::{BoxFuture, locked};
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, IdArg, Method, Payload, RawJson, Result};

/// Who is in the channels of a pattern, on all [nodes](crate::Builder::bus): a service to [mount](crate::Builder::mount).
///
/// The function says what a connection is in the channels, when it joins one; a connection of which it says nothing is not
/// told of. Connections with the same `id`, such as the tabs of one user, are one member. Whoever reloads a page has not left:
/// what changes within 1.5 s is told together.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Presence, prelude::*};
///
/// # fn main() -> Result<()> {
/// let app = App::builder()
///     .mount("presence", Mount::new(Presence::new("rooms/*", |connection: &Connection| {
///         connection.get("user").map(|user| json!({"id": user["id"], "name": user["name"]}))
///     })))
///     .configure(SocketIo::new())
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// `find` answers a list of `{"id": "rooms/7:1", "channel": "rooms/7", "member": {"id": 1, "name": "Ann"}}`, of one channel if
/// the query names it (`{query: {channel: 'rooms/7'}}`), else of all. Members are told `presence created`, `patched` (what the
/// function says of somebody has changed) and `removed`, with the same records. Unless the mount has a publisher, the
/// members of the channel hear them. Each node tells its own clients, and its own listeners.
///
/// Clients learn of the channels that they are in themselves, unless [`open`](Presence::open) lets them ask for all.
#[must_use = "it does nothing until it is mounted"]
pub struct Presence {
    pattern: Box<str>,
    member: MemberFn,
    is_open: bool,
    members: Mutex<Option<Arc<Members>>>,
}

impl Presence {
    /// Of the channels whose names fit a pattern: each `*` stands for any text.
    pub fn new(pattern: &str, member: impl Fn(&Connection) -> Option<Value> + Send + Sync + 'static) -> Presence {
        Presence { pattern: pattern.into(), member: Arc::new(member), is_open: false, members: Mutex::default() }
    }

    /// Lets clients ask for channels that they are not in. Hooks may then decide who asks for which.
    pub fn open(mut self) -> Presence {
        self.is_open = true;
        self
    }

    fn members(&self) -> Result<Arc<Members>> {
        locked(&self.members).clone().ok_or_else(|| Error::unavailable("The service is not set up yet"))
    }

    /// Whether a caller may learn of a channel.
    fn may_see(&self, params: &Params, channel: &str) -> Result<bool> {
        if self.is_open || params.is_internal() {
            return Ok(true);
        }
        let Some(connection) = &params.connection else { return Ok(false) };
        let app = App::of(&params.services()?).ok_or_else(|| Error::unavailable("The application has ended"))?;
        Ok(app.is_member(channel, connection))
    }
}

impl RawService for Presence {
    fn methods(&self) -> Vec<Method> {
        vec![Method::Find, Method::Get]
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        let asked = match params.query.get("channel") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.as_str()),
            Some(_) => return Err(Error::bad_request("`channel` is the name of a channel")),
        };
        if let Some(field) = params.query.iter().map(|(field, _)| field).find(|field| *field != "channel") {
            return Err(Error::bad_request(format!(
                "Invalid query parameter {field}: only `channel` can be asked for"
            )));
        }
        if let Some(name) = asked
            && !self.may_see(params, name)?
        {
            return Err(Error::forbidden("Only who is in a channel learns who else is"));
        }
        let mut entries = Vec::new();
        let (mut channel, mut is_visible) = (Arc::from(""), false);
        for (id, member) in self.members()?.shown(asked) {
            // They come one channel after the other.
            if id.0 != channel || entries.is_empty() {
                (channel, is_visible) = (id.0.clone(), self.may_see(params, &id.0)?);
            }
            if is_visible {
                entries.push(record(&id, &member));
            }
        }
        Ok(Value::from(entries).into())
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let text = id.to_string();
        let missing = || Error::not_found(format!("No record found for id '{id}'"));
        // A channel may have colons in its name, and so may a key.
        for (at, _) in text.match_indices(':') {
            let (channel, key) = (&text[..at], &text[at + 1..]);
            let mut shown = self.members()?.shown(Some(channel)).into_iter();
            if let Some((id, member)) = shown.find(|((_, own), _)| **own == *key) {
                return if self.may_see(params, channel)? { Ok(record(&id, &member).into()) } else { Err(missing()) };
            }
        }
        Err(missing())
    }

    async fn setup(&self, services: &Services, path: &str) -> Result<()> {
        let Some(app) = App::of(services) else { return Ok(()) };
        let members = app.presence(path, &self.pattern, self.member.clone());
        let (app, path) = (app.downgrade(), Arc::<str>::from(path));
        members.begin(move |changed: Changed| -> BoxFuture<'static, ()> {
            let (app, path) = (app.upgrade(), path.clone());
            Box::pin(async move {
                let Some(app) = app else { return };
                let Changed { id, member, event } = changed;
                match RawJson::new(&record(&id, &member)) {
                    Ok(data) => app.publish_to_own(&path, event, &data, channel(&*id.0)).await,
                    Err(error) => tracing::error!(?error, "members of a channel could not be told who is there"),
                }
            })
        });
        *locked(&self.members) = Some(members);
        Ok(())
    }

    async fn teardown(&self, _: &Services, _: &str) -> Result<()> {
        locked(&self.members).take();
        Ok(())
    }
}

fn record((channel, key): &EntryId, member: &Value) -> Value {
    json!({ "id": format!("{channel}:{key}"), "channel": &**channel, "member": member })
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence")
            .field("pattern", &self.pattern)
            .field("is_open", &self.is_open)
            .finish_non_exhaustive()
    }
}

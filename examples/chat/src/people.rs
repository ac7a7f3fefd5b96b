//! Who is online, on whatever node: everyone whose connection has said a name. Nothing of it is stored.

use crate::limits;
use crate::name::{Look, Name};
use crate::users::{MEMBERS, member, recognise};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use wingbeat::{Presence, prelude::*, service::Services};

/// The channel of all who have said a name.
pub(crate) const ONLINE: &str = "online";

/// Someone who is online. It hangs on the connection, so that every call from there knows who makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) room_id: Option<i64>,
    /// Guests are not told which room that is.
    pub(crate) in_members_room: bool,
    /// Signed in: only then the name is the person's own.
    pub(crate) member: bool,
    #[serde(skip)]
    pub(crate) look: Arc<Look>,
}

impl Person {
    fn for_guests(mut self) -> Person {
        if std::mem::take(&mut self.in_members_room) {
            self.room_id = None;
        }
        self
    }
}

/// How somebody says a name.
#[derive(Deserialize)]
pub(crate) struct Introduction {
    name: Name<24>,
}

impl Introduction {
    /// Whether somebody only says again who they are.
    pub(crate) fn is(&self, person: &Person) -> bool {
        self.name.as_str() == person.name
    }
}

/// An address may have so many connections.
pub(crate) fn service(connections: usize) -> Mount {
    Mount::new(People)
        .before(All, recognise)
        .before(Create, limits::names(connections))
        .before(Create, own_name)
        .before(Create, like_nobody_here)
        .before(Create, renaming)
        .publish(heard)
}

/// Who is online on the other nodes, and that somebody there has gone, should nobody be left who could say so.
pub(crate) fn elsewhere() -> Mount {
    let presence = Presence::new(ONLINE, |connection| serde_json::to_value(&*connection.extension::<Person>()?).ok());
    let only_the_id = |entry: &Publication| channel(ONLINE).send(json!({ "id": entry.data()["member"]["id"] }));
    Mount::new(presence).internal().publish(|_| nobody()).publish_event("removed", only_the_id)
}

/// Everybody who is online, each once: those of this node as they are now.
async fn everybody(params: &Params) -> Result<Vec<Person>> {
    let here = params.channel(ONLINE)?.connections();
    let mut people: Vec<Person> =
        here.iter().filter_map(|connection| Some(Person::clone(&*connection.extension::<Person>()?))).collect();
    let known: HashSet<u64> = people.iter().map(|person| person.id).collect();
    let entries = params.service("presence")?.find(Params::new()).await?.to::<Vec<Value>>()?;
    for mut entry in entries {
        let mut person: Person = serde_json::from_value(entry["member"].take())?;
        if !known.contains(&person.id) {
            person.look = Arc::new(Look::of(&person.name));
            people.push(person);
        }
    }
    Ok(people)
}

/// What ids of people begin with on this node, in what JavaScript takes for whole numbers.
static NODE: LazyLock<u64> = LazyLock::new(|| {
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the system has random numbers");
    (u64::from_be_bytes(random) >> 44) << 32
});

/// Connections are counted on each node.
pub(crate) fn id_of(connection: &Connection) -> u64 {
    *NODE | connection.id() & u64::from(u32::MAX)
}

/// Members are told more than guests.
fn heard(person: &Publication) -> Audience {
    match person.data_as::<Person>().and_then(|person| Payload::new(&person.for_guests())) {
        Ok(for_guests) => channel(MEMBERS).or(channel(ONLINE).send(for_guests)),
        Err(_) => nobody(),
    }
}

struct People;

impl Service for People {
    type Item = Person;
    type Data = Introduction;
    type Patch = ();
    const METHODS: &'static [Method] = &[Find, Create];

    async fn find(&self, params: &Params) -> Result<Found<Person>> {
        let people = everybody(params).await?;
        Ok(match member(params) {
            Some(_) => people.into(),
            None => people.into_iter().map(Person::for_guests).collect::<Vec<_>>().into(),
        })
    }

    async fn create(&self, data: OneOrMany<Introduction>, params: &Params) -> Result<OneOrMany<Person>> {
        let name = String::from(data.one()?.name);
        let look = Arc::new(Look::of(&name));
        let connection = connection(params)?;
        let before = params.extension::<Person>();
        let (room_id, in_members_room) =
            before.map_or((None, false), |before| (before.room_id, before.in_members_room));
        let member = member(params).is_some();
        let person = Person { id: id_of(connection), name, room_id, in_members_room, member, look };
        connection.set_extension(person.clone());
        params.channel(ONLINE)?.join(connection);
        Ok(person.into())
    }
}

/// A member's name is the one signed up with, and nobody else's.
async fn own_name(context: &mut Context) -> Result<()> {
    if let Some(member) = member(&context.params) {
        context.data = Some(json!({ "name": member.name }).into());
        return Ok(());
    }
    let Introduction { name } = context.data_as()?;
    match is_members(context.services(), &Look::of(name.as_str())).await? {
        false => Ok(()),
        true => Err(Error::conflict("This name belongs to a member. Is it yours? Then sign in")),
    }
}

/// A hook: a guest's name is that of another guest (or of the same, in another tab), or looks like nobody's.
async fn like_nobody_here(context: &mut Context) -> Result<()> {
    if member(&context.params).is_some() {
        return Ok(());
    }
    let said: Introduction = context.data_as()?;
    let me = id_of(connection(&context.params)?);
    let look = Look::of(said.name.as_str());
    let people = everybody(&context.params).await?;
    let is_like = |other: &Person| other.id != me && !said.is(other) && other.look.is_like(&look);
    match people.iter().any(is_like) {
        false => Ok(()),
        true => Err(Error::conflict("Somebody here has a name that looks like this one. Choose another")),
    }
}

/// Whether a member has this name, or one that looks like it.
async fn is_members(services: &Services, look: &Look) -> Result<bool> {
    let Look { folded, shape } = look;
    let same = json!({ "$or": [{ "folded": folded }, { "shape": shape }], "$limit": 1 });
    let found = services.service("users").find(Params::new().with_query(same)?).await?;
    Ok(!found.to::<Vec<serde_json::Value>>()?.is_empty())
}

/// Who has a name already and says one only changes it, or nothing at all.
async fn renaming(context: &mut Context) -> Result<()> {
    if let Ok(person) = caller(&context.params) {
        let is_same = context.data_as::<Introduction>()?.is(&person);
        let is_news = !is_same || person.member != member(&context.params).is_some();
        context.set_event(is_news.then_some("patched"));
    }
    Ok(())
}

/// A hook for what only people with a name may do.
pub(crate) async fn named(context: &mut Context) -> Result<()> {
    caller(&context.params).map(drop)
}

/// Who makes this call. Over REST nobody is online: there only members have a name, which their token proves.
pub(crate) fn caller(params: &Params) -> Result<Person> {
    if params.connection.is_none() {
        let member = member(params).ok_or_else(|| Error::not_authenticated("Sign in first"))?;
        let look = Arc::new(Look::of(&member.name));
        return Ok(Person { id: 0, name: member.name, room_id: None, in_members_room: false, member: true, look });
    }
    let person = params.extension::<Person>().map(|person| Person::clone(&person));
    // Who has just signed out is nobody any more.
    let person = person.filter(|person| !person.member || member(params).is_some());
    person.ok_or_else(|| Error::not_authenticated("Say your name first"))
}

/// Who speaks in this call. Somebody may have signed up with a guest's name since it was said.
pub(crate) async fn speaker(services: &Services, params: &Params) -> Result<Person> {
    let person = caller(params)?;
    match !person.member && is_members(services, &person.look).await? {
        false => Ok(person),
        true => Err(Error::not_authenticated("Your name belongs to a member by now. Sign in, or say another")),
    }
}

/// Where this call comes from.
pub(crate) fn connection(params: &Params) -> Result<&Connection> {
    params.connection.as_ref().ok_or_else(|| Error::bad_request("Only a connection can do this"))
}

/// Tells the others that a connection has ended, or that its member has signed out.
pub(crate) fn gone(app: &App, connection: &Connection) {
    let Some(person) = connection.extension::<Person>() else { return };
    connection.unset_extension::<Person>();
    let people = app.service("people");
    tokio::spawn(async move {
        if let Err(error) = people.emit("removed", &*person).await {
            tracing::error!(?error, "nobody was told that someone has gone");
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::visitor::{Visitor, node, opened};
    use serde_json::{Value, json};
    use std::time::Duration;
    use wingbeat::{bus, store::Sqlite};

    #[tokio::test]
    async fn people_come_change_their_names_and_go() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        let grace = Visitor::stranger(&app).await;
        let id = grace.id();
        let grace_is = |name: &str, room: Value| json!({ "id": id, "name": name, "roomId": room, "inMembersRoom": false, "member": false });
        let came = grace_is("Grace", json!(null));
        assert_eq!(ada.hears("people created").await["name"], "Ada", "one hears oneself come");
        assert_eq!(ada.hears("people patched").await["roomId"], 1, "and enter the room");
        assert_eq!(grace.create("people", json!({ "name": " Grace " })).await.unwrap(), came);
        assert_eq!(ada.hears("people created").await, came);
        grace.call("rooms", "enter", json!({ "id": 2 })).await.unwrap();
        assert_eq!(ada.hears("people patched").await, grace_is("Grace", json!(2)));
        let renamed = grace_is("Admiral", json!(2));
        assert_eq!(grace.create("people", json!({ "name": "Admiral" })).await.unwrap(), renamed);
        assert_eq!(ada.hears("people patched").await, renamed);
        drop(grace);
        assert_eq!(ada.hears("people removed").await, renamed);
        let left = ada.find("people", json!({})).await.unwrap();
        assert_eq!((&left[0]["id"], left.as_array().unwrap().len()), (&json!(ada.id()), 1));
    }

    #[tokio::test]
    async fn people_on_other_nodes_are_online_and_their_names_are_taken() {
        let (bus, database) = (bus::Memory::new(), Sqlite::memory().await.unwrap());
        let one = node(&database, &bus).await;
        let ada = Visitor::new(&one, "Ada", 1).await;
        let two = node(&database, &bus).await;
        let grace = Visitor::stranger(&two).await;
        let of_two = async || grace.find("people", json!({})).await.unwrap();
        let seen = async {
            while of_two().await.as_array().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap();
        assert_eq!(of_two().await[0]["name"], "Ada");
        assert_eq!(grace.create("people", json!({ "name": "\u{410}da" })).await.unwrap_err().code(), 409);
        drop(ada);
    }

    #[tokio::test]
    async fn a_name_has_one_to_24_characters() {
        let app = opened().await;
        let visitor = Visitor::stranger(&app).await;
        for name in [json!(" "), json!("x".repeat(25)), json!(7), json!(null)] {
            assert_eq!(visitor.create("people", json!({ "name": name })).await.unwrap_err().code(), 400);
        }
        visitor.create("people", json!({ "name": "x".repeat(24) })).await.unwrap();
    }

    #[tokio::test]
    async fn without_a_name_one_can_look_and_not_touch() {
        let app = opened().await;
        let stranger = Visitor::stranger(&app).await;
        let message = json!({ "uid": "1", "roomId": 1, "text": "Hello" });
        for error in [
            stranger.create("messages", message).await.unwrap_err(),
            stranger.create("rooms", json!({ "name": "Mine" })).await.unwrap_err(),
            stranger.call("rooms", "enter", json!({ "id": 1 })).await.unwrap_err(),
            stranger.call("messages", "typing", json!({ "roomId": 1 })).await.unwrap_err(),
        ] {
            assert_eq!((error.code(), error.message()), (401, "Say your name first"));
        }
        for path in ["people", "rooms", "messages"] {
            stranger.find(path, json!({})).await.unwrap();
        }
    }
}

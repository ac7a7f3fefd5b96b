//! Who is online: everyone whose connection has said a name. Nothing of it is stored.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use wingbeat::prelude::*;

/// The channel of all who have said a name.
pub(crate) const ONLINE: &str = "online";

/// Someone who is online. It hangs on the connection, so that every call from there knows who makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) room_id: Option<i64>,
}

#[derive(Deserialize)]
struct Introduction {
    name: Text<24>,
}

pub(crate) fn service() -> Mount {
    Mount::new(People).before(Create, renaming)
}

struct People;

impl Service for People {
    type Item = Person;
    type Data = Introduction;
    type Patch = ();
    const METHODS: &'static [Method] = &[Find, Create];

    async fn find(&self, params: &Params) -> Result<Found<Person>> {
        let online = params.channel(ONLINE)?.connections();
        let people = online.iter().filter_map(|connection| connection.extension::<Person>());
        Ok(people.map(|person| Person::clone(&person)).collect::<Vec<_>>().into())
    }

    async fn create(&self, data: OneOrMany<Introduction>, params: &Params) -> Result<OneOrMany<Person>> {
        let name = data.one()?.name.into();
        let connection = connection(params)?;
        let room_id = params.extension::<Person>().and_then(|before| before.room_id);
        let person = Person { id: connection.id(), name, room_id };
        connection.insert(person.clone());
        params.channel(ONLINE)?.join(connection);
        Ok(person.into())
    }
}

/// Who has a name already and says one only changes it.
async fn renaming(context: &mut Context) -> Result<()> {
    if caller(&context.params).is_ok() {
        context.set_event("patched");
    }
    Ok(())
}

/// A hook for what only people with a name may do.
pub(crate) async fn named(context: &mut Context) -> Result<()> {
    caller(&context.params).map(drop)
}

/// Who makes this call.
pub(crate) fn caller(params: &Params) -> Result<Person> {
    let person = params.extension::<Person>();
    person.map(|person| Person::clone(&person)).ok_or_else(|| Error::not_authenticated("Say your name first"))
}

/// Where this call comes from.
pub(crate) fn connection(params: &Params) -> Result<&Connection> {
    params.connection.as_ref().ok_or_else(|| Error::bad_request("Only a connection can do this"))
}

/// Tells the others that a connection has ended.
pub(crate) fn gone(app: &App, connection: &Connection) {
    let Some(person) = connection.extension::<Person>() else { return };
    let people = app.service("people");
    tokio::spawn(async move {
        if let Err(error) = people.emit("removed", &*person).await {
            tracing::error!(?error, "nobody was told that someone has gone");
        }
    });
}

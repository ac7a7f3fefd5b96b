//! The rooms, and who is in which.

use crate::people::{self, Person, named};
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use wingbeat::{ErrorKind, hooks::parse, prelude::*, store::Sqlite};

/// The table, with the rooms that exist from the start.
pub(crate) const TABLE: &str = "
    CREATE TABLE rooms (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
        createdAt INTEGER NOT NULL
    );
    INSERT INTO rooms (name, createdAt)
    SELECT value, unixepoch() * 1000 FROM json_each('[\"General\", \"Random\", \"Help\"]');
";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Room {
    id: i64,
    name: String,
    created_at: i64,
}

#[derive(Serialize, Deserialize)]
struct NewRoom {
    name: Text<40>,
}

#[derive(Serialize, Deserialize)]
struct Enter {
    id: i64,
}

pub(crate) fn service(database: &Sqlite) -> Mount {
    Mount::new(database.table::<Room>("rooms").paginate(50, 200))
        .methods([Find, Get, Create])
        .method("enter", enter)
        .before(Create, named)
        .before(Create, parse::<NewRoom>)
        .before(Create, stamp)
        .before("enter", named)
        .error(Create, name_is_taken)
}

/// The channel of those who are in a room.
pub(crate) fn inside(room: i64) -> String {
    format!("rooms/{room}")
}

/// The caller goes into a room, and out of the one before.
async fn enter(room: Enter, params: Params) -> Result<Enter> {
    params.service("rooms")?.get(room.id, Params::new()).await?;
    let connection = people::connection(&params)?;
    let person = people::caller(&params)?;
    // Whoever has gone while we looked for the room must not come back to the others' lists.
    if !connection.is_connected() {
        return Ok(room);
    }
    if let Some(before) = person.room_id {
        params.channel(inside(before))?.leave(connection);
    }
    params.channel(inside(room.id))?.join(connection);
    let person = Person { room_id: Some(room.id), ..person };
    connection.insert(person.clone());
    params.service("people")?.emit("patched", &person).await?;
    Ok(room)
}

/// The server says when something was made, never the client.
pub(crate) async fn stamp(context: &mut Context) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    for item in context.items_mut()? {
        item.insert("createdAt".to_owned(), u64::try_from(now)?.into());
    }
    Ok(())
}

async fn name_is_taken(context: &mut Context) -> Result<()> {
    match context.error.as_ref().map(Error::kind) {
        Some(ErrorKind::Conflict) => Err(Error::conflict("There is a room of this name already")),
        _ => Ok(()),
    }
}

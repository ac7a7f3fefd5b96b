//! The rooms, and who is in which.

use crate::limits;
use crate::name::Name;
use crate::people::{self, Person, named};
use crate::stamp::stamp;
use crate::unread;
use crate::users::{member, only_visible, recognise};
use serde::{Deserialize, Serialize};
use wingbeat::{
    ErrorKind,
    hooks::{parse, with},
    prelude::*,
    service::Services,
    store::Sqlite,
};

/// The table, with the rooms that exist from the start.
pub(crate) const TABLE: &str = "
    CREATE TABLE rooms (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
        createdAt INTEGER NOT NULL
    );
    INSERT INTO rooms (name, createdAt)
    VALUES ('General', unixepoch() * 1000), ('Random', unixepoch() * 1000), ('Help', unixepoch() * 1000);
";

/// What came to the table later: one of the rooms is for members.
pub(crate) const MEMBERS_ROOM: &str = "
    ALTER TABLE rooms ADD COLUMN membersOnly BOOLEAN NOT NULL DEFAULT 0;
    INSERT INTO rooms (name, createdAt, membersOnly)
    SELECT CASE WHEN EXISTS (SELECT 1 FROM rooms WHERE name = 'Members') THEN 'Only members' ELSE 'Members' END,
        unixepoch() * 1000, 1;
";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Room {
    id: i64,
    name: String,
    created_at: i64,
    pub(crate) members_only: bool,
}

#[derive(Serialize, Deserialize)]
struct NewRoom {
    name: Name<40>,
}

#[derive(Serialize, Deserialize)]
struct Enter {
    id: i64,
}

pub(crate) fn service(database: &Sqlite) -> Mount {
    Mount::new(database.table::<Room>("rooms").paginate(50, 200))
        .expose((Find, Get, Create, ["enter", "unread"]))
        .method("enter", enter)
        .method("unread", with(database.clone(), unread::count))
        .before(All, recognise)
        .before([Find, Get], only_visible)
        .before(Create, named)
        .before(Create, parse::<NewRoom>)
        .before(Create, limits::rooms())
        .before(Create, stamp)
        .before("enter", named)
        .before("enter", limits::moves())
        .before("unread", limits::unread())
        .error(Create, name_is_taken)
}

/// The channel of those who are in a room.
pub(crate) fn inside(room: i64) -> String {
    format!("rooms/{room}")
}

/// A room, if there is one and the caller may see it.
pub(crate) async fn visible(services: &Services, id: i64, caller: &Params) -> Result<Room> {
    let room: Room = services.service("rooms").get(id, Params::new()).await?.to()?;
    match room.members_only && member(caller).is_none() {
        true => Err(Error::not_found(format!("No record found for id '{id}'"))),
        false => Ok(room),
    }
}

/// The caller goes into a room, and out of the one before.
async fn enter(room: Enter, params: &Params) -> Result<Enter> {
    let Room { members_only, .. } = visible(&params.services()?, room.id, params).await?;
    let connection = people::connection(params)?;
    let person = people::caller(params)?;
    // Whoever has gone while we looked for the room must not come back to the others' lists.
    if !connection.is_connected() {
        return Ok(room);
    }
    if let Some(before) = person.room_id {
        params.channel(inside(before))?.leave(connection);
    }
    params.channel(inside(room.id))?.join(connection);
    // Whoever has signed out meanwhile has left all rooms, and must not have come back into this one.
    if members_only && connection.get("user").is_none() {
        params.channel(inside(room.id))?.leave(connection);
        return Err(Error::not_authenticated("You have signed out"));
    }
    let person = Person { room_id: Some(room.id), in_members_room: members_only, ..person };
    connection.set_extension(person.clone());
    // Once more: so the other nodes hear where.
    params.channel(people::ONLINE)?.join(connection);
    params.service("people")?.emit("patched", &person).await?;
    Ok(room)
}

async fn name_is_taken(context: &mut Context) -> Result<()> {
    match context.error.as_ref().map(Error::kind) {
        Some(ErrorKind::Conflict) => Err(Error::conflict("There is a room of this name already")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::visitor::{Visitor, opened};
    use serde_json::json;

    #[tokio::test]
    async fn three_rooms_for_everybody_exist_from_the_start() {
        let app = opened().await;
        let found = Visitor::stranger(&app).await.find("rooms", json!({ "$sort": { "id": 1 } })).await.unwrap();
        let names: Vec<_> = found["data"].as_array().unwrap().iter().map(|room| room["name"].clone()).collect();
        assert_eq!((names, &found["limit"]), (vec![json!("General"), json!("Random"), json!("Help")], &json!(50)));
    }

    #[tokio::test]
    async fn everybody_hears_of_a_new_room() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        let grace = Visitor::new(&app, "Grace", 2).await;
        let made = ada
            .create("rooms", json!({ "name": " Looms ", "id": 77, "createdAt": 0, "membersOnly": true }))
            .await
            .unwrap();
        assert_eq!((&made["name"], &made["id"]), (&json!("Looms"), &json!(5)));
        assert!(made["createdAt"].as_u64().unwrap() > 1_600_000_000_000);
        assert_eq!(made["membersOnly"], false);
        assert_eq!(grace.hears("rooms created").await, made);
    }

    #[tokio::test]
    async fn a_room_has_a_name_of_its_own() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        let taken = ada.create("rooms", json!({ "name": "general" })).await.unwrap_err();
        assert_eq!((taken.code(), taken.message()), (409, "There is a room of this name already"));
        let hidden = json!({ "name": "Gen\u{200b}eral" });
        let long = json!({ "name": "x".repeat(41) });
        for wrong in [json!({}), json!({ "name": "" }), long, hidden, json!([{ "name": "" }])] {
            assert_eq!(ada.create("rooms", wrong).await.unwrap_err().code(), 400);
        }
    }

    #[tokio::test]
    async fn one_is_in_one_room_at_a_time() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        assert_eq!(ada.call("rooms", "enter", json!({ "id": 3 })).await.unwrap(), json!({ "id": 3 }));
        assert_eq!(app.channel_names(), ["online", "rooms/3"]);
        assert_eq!(ada.call("rooms", "enter", json!({ "id": 99 })).await.unwrap_err().code(), 404);
        assert_eq!(app.channel_names(), ["online", "rooms/3"]);
    }
}

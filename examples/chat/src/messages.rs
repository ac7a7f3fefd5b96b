//! What was said, and who is about to say something.

#[cfg(test)]
mod tests;

use crate::limits;
use crate::people::{ONLINE, speaker};
use crate::rooms::{inside, visible};
use crate::stamp::stamp;
use crate::text::Text;
use crate::users::{MEMBERS, only_visible, recognise};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wingbeat::{ErrorKind, hooks::parse, prelude::*, store::Sqlite};

/// The table. `uid` is the page's own name for a message, which it sends until it hears that it was stored.
pub(crate) const TABLE: &str = "
    CREATE TABLE messages (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        uid       TEXT NOT NULL UNIQUE,
        roomId    INTEGER NOT NULL REFERENCES rooms (id),
        author    TEXT NOT NULL,
        text      TEXT NOT NULL,
        createdAt INTEGER NOT NULL
    );
    CREATE INDEX messages_of_a_room ON messages (roomId, id);
";

/// What came to the table later. It is the same for all messages of a room, and here so that no query has to ask the rooms.
pub(crate) const MEMBERS_ROOM: &str = "
    ALTER TABLE messages ADD COLUMN membersOnly BOOLEAN NOT NULL DEFAULT 0;
";

/// What came later still, since many guests can have one name. Of what there was, a member's is what was said under the
/// name after somebody had signed up with it.
pub(crate) const BY_MEMBERS: &str = "
    ALTER TABLE messages ADD COLUMN byMember BOOLEAN NOT NULL DEFAULT 0;
    UPDATE messages SET byMember = EXISTS
        (SELECT 1 FROM users WHERE users.name = messages.author AND users.createdAt <= messages.createdAt);
";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: i64,
    uid: String,
    room_id: i64,
    author: String,
    by_member: bool,
    text: String,
    created_at: i64,
    members_only: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage {
    uid: Text<64>,
    room_id: i64,
    text: Text<2000>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typing {
    room_id: i64,
}

pub(crate) fn service(database: &Sqlite) -> Mount {
    Mount::new(database.table::<Message>("messages").paginate(30, 100))
        .expose((Find, Create, "typing"))
        .method("typing", typing)
        .events(["typing"])
        .publish(|message| channel(if message.data()["membersOnly"] == false { ONLINE } else { MEMBERS }))
        .publish_event("typing", |typing| typing.data()["roomId"].as_i64().map(inside).map(channel))
        .before(All, recognise)
        .before(Find, only_visible)
        .before(Create, parse::<NewMessage>)
        .before(Create, limits::messages())
        .before(Create, sign)
        .before(Create, place)
        .before(Create, stamp)
        .before("typing", limits::typing())
        .error(Create, stored_already)
}

/// The server names the author, never the client.
async fn sign(context: &mut Context) -> Result<()> {
    let author = speaker(context.services(), &context.params).await?;
    for item in context.items_mut()? {
        item.insert("author".to_owned(), author.name.clone().into());
        item.insert("byMember".to_owned(), author.member.into());
    }
    Ok(())
}

/// The room says who can read it.
async fn place(context: &mut Context) -> Result<()> {
    let ids: Vec<_> = context.items_mut()?.iter().map(|item| item["roomId"].as_i64()).collect();
    let mut members_only = Vec::new();
    for id in ids {
        let room = visible(context.services(), id.unwrap_or_default(), &context.params).await;
        members_only.push(room.map_err(no_such_room)?.members_only);
    }
    for (item, members_only) in context.items_mut()?.into_iter().zip(members_only) {
        item.insert("membersOnly".to_owned(), members_only.into());
    }
    Ok(())
}

/// Whatever else went wrong says nothing about the room: the page is to try again.
fn no_such_room(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::bad_request("There is no such room"),
        _ => error,
    }
}

/// A page whose acknowledgement was lost sends a message again: it is told what is stored, and nobody hears it twice.
async fn stored_already(context: &mut Context) -> Result<()> {
    if context.error.as_ref().map(Error::kind) != Some(ErrorKind::Conflict) {
        return Ok(());
    }
    let sent: serde_json::Value = context.data_as()?;
    let same = json!({ "uid": sent["uid"], "roomId": sent["roomId"], "author": sent["author"] });
    let found = context.service("messages").find(Params::new().with_query(same)?).await?;
    if let Some(stored) = found.to::<Page<Message>>()?.data.first() {
        context.set_result(Payload::new(stored)?);
        context.set_event(None);
    }
    Ok(())
}

/// Tells the room that the caller is in.
async fn typing(typing: Typing, params: &Params) -> Result<()> {
    let person = speaker(&params.services()?, params).await?;
    if person.room_id != Some(typing.room_id) {
        return Err(Error::forbidden("You are not in this room"));
    }
    params.emit("typing", &json!({ "roomId": typing.room_id, "name": person.name })).await
}

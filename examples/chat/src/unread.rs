//! What somebody has missed, counted in all rooms at once: a page that asked once a room would ask for a long time.

use crate::users::member;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use wingbeat::{prelude::*, store::Sqlite, store::rusqlite::Row};

/// In how many rooms one call counts.
const ROOMS: usize = 1000;

/// A page tells a hundred from more, and no more: so each room costs a hundred steps along an index at most.
const MISSED: &str = "
    SELECT rooms.id, (
        SELECT count(*) FROM (
            SELECT 1 FROM messages WHERE roomId = rooms.id AND id > read.value AND id <= ?2 LIMIT 100
        )
    )
    FROM json_each(?1) AS read JOIN rooms ON rooms.id = CAST(read.key AS INTEGER)
    WHERE NOT rooms.membersOnly OR ?3
    ORDER BY rooms.id
";

/// The messages up to which the rooms were read, by the rooms' ids, and the newest that counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read {
    read: BTreeMap<i64, i64>,
    up_to: i64,
}

/// A room in which there is something to read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unread {
    room_id: i64,
    unread: i64,
}

/// How much there is to read in each room, up to a hundred.
pub(crate) async fn count(database: Sqlite, asked: Read, params: &Params) -> Result<Vec<Unread>> {
    if asked.read.len() > ROOMS {
        return Err(Error::bad_request(format!("One call counts in at most {ROOMS} rooms")));
    }
    let (read, up_to, is_member) = (json!(asked.read).to_string(), asked.up_to, member(params).is_some());
    let counted = database.read(move |connection| {
        let mut missed = connection.prepare_cached(MISSED)?;
        let unread = |row: &Row<'_>| Ok(Unread { room_id: row.get(0)?, unread: row.get(1)? });
        Ok(missed.query_map((read, up_to, is_member), unread)?.collect::<Result<Vec<_>, _>>()?)
    });
    Ok(counted.await?.into_iter().filter(|room| room.unread > 0).collect())
}

#[cfg(test)]
mod tests {
    use crate::visitor::{Visitor, opened};
    use serde_json::{Value, json};

    async fn unread(visitor: &Visitor, read: Value, up_to: i64) -> Value {
        visitor.call("rooms", "unread", json!({ "read": read, "upTo": up_to })).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_missed_is_counted_in_all_rooms_at_once() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        for number in 1..=121 {
            let room = if number > 101 { 2 } else { 1 };
            let message = json!({ "uid": number.to_string(), "roomId": room, "text": "Line" });
            ada.create("messages", message).await.unwrap();
        }
        let read = json!({ "1": 0, "2": 110, "3": 0, "99": 0 });
        let expected = json!([{ "roomId": 1, "unread": 100 }, { "roomId": 2, "unread": 10 }]);
        assert_eq!(unread(&ada, read, 120).await, expected);
        assert_eq!(unread(&ada, json!({}), 120).await, json!([]));
    }

    #[tokio::test]
    async fn guests_are_not_told_how_much_members_have_said() {
        let app = opened().await;
        let (ada, guest) = (Visitor::member(&app, "Ada").await, Visitor::new(&app, "Grace", 1).await);
        let room = ada.members_room().await;
        ada.create("messages", json!({ "uid": "a", "roomId": room, "text": "Among us" })).await.unwrap();
        let read = json!({ room.to_string(): 0 });
        assert_eq!(unread(&ada, read.clone(), 1).await, json!([{ "roomId": room, "unread": 1 }]));
        assert_eq!(unread(&guest, read, 1).await, json!([]));
    }

    #[tokio::test]
    async fn one_call_counts_in_a_thousand_rooms() {
        let app = opened().await;
        let ada = Visitor::new(&app, "Ada", 1).await;
        let read: serde_json::Map<_, _> = (0..1001).map(|id| (id.to_string(), json!(0))).collect();
        let refused = ada.call("rooms", "unread", json!({ "read": read, "upTo": 1 })).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (400, "One call counts in at most 1000 rooms"));
    }
}

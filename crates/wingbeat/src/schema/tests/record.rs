//! Records of which clients read and write only parts.

use crate::app::Mount;
use crate::hooks::sync;
use crate::prelude::*;
use crate::schema::{JsonSchema, schemars};
use crate::store::Memory;
use crate::test::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wingbeat_core::Record;

/// Somebody who has signed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Record)]
#[serde(rename_all = "camelCase")]
#[record(derive(PartialEq))]
struct User {
    #[record(id)]
    id: i64,
    full_name: String,
    #[serde(default)]
    is_admin: bool,
    #[record(write_only)]
    password: String,
    #[record(immutable)]
    team_id: Option<i64>,
    nickname: Option<String>,
    #[record(read_only)]
    created_at: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Record)]
#[record(schema)]
struct Note {
    #[record(id)]
    id: i64,
    /// What it says.
    #[schemars(length(min = 2))]
    text: String,
    #[serde(with = "minutes", default)]
    #[schemars(with = "i64")]
    lasts: i64,
}

/// Seconds that are minutes in JSON.
mod minutes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(seconds / 60)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Ok(i64::deserialize(deserializer)? * 60)
    }
}

/// The server's own field.
fn stamp() -> impl crate::hooks::Hook {
    sync(|context| {
        context.items_mut()?.into_iter().for_each(|item| drop(item.insert("createdAt".into(), "today".into())));
        Ok(())
    })
}

/// The application, and a client of its users and notes.
async fn client() -> (App, Client) {
    let users = Mount::new(Memory::new().start(1).multi(true)).before(Create, stamp()).record::<User>();
    let notes = Mount::new(Memory::new().start(1)).record::<Note>();
    let app = App::builder().mount("users", users.publish(|_| channel("all"))).mount("notes", notes).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    app.channel("all").join(client.connection());
    (app, client)
}

async fn refused(client: &Client, data: Value) -> String {
    let error = client.service("users").create(data).await.unwrap_err();
    assert_eq!(error.code(), 400);
    error.message().to_owned()
}

#[tokio::test]
async fn clients_write_what_is_theirs_and_see_what_is_not_secret() {
    let (app, client) = client().await;
    let users = client.service("users");
    let shown = users.create(json!({"fullName": "Ann", "password": "x", "teamId": 7})).await.unwrap();
    let expected = json!({"fullName": "Ann", "isAdmin": false, "teamId": 7, "createdAt": "today", "id": 1});
    assert_eq!(shown, expected);
    assert_eq!(client.hears("users created").await, expected);
    let stored: User = app.service("users").get(1, Params::new()).await.unwrap().to().unwrap();
    assert_eq!((stored.password.as_str(), stored.nickname.as_deref()), ("x", None));
    let item: UserItem = serde_json::from_value(shown).unwrap();
    assert_eq!(item, UserItem::from(stored));
    assert_eq!(users.query(json!({"password": "x"})).find().await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn a_field_of_the_server_is_refused_by_its_name() {
    let (_app, client) = client().await;
    let data = |name: &str, value: Value| json!({"fullName": "Ann", "password": "x", name: value});
    let servers = |name| format!("Invalid data: '{name}' is written by the server alone");
    assert_eq!(refused(&client, data("createdAt", json!("1970"))).await, servers("createdAt"));
    assert_eq!(refused(&client, data("id", json!(9))).await, servers("id"));
    assert_eq!(refused(&client, json!([data("nickname", json!("A")), data("id", json!(9))])).await, servers("id"));
    assert!(refused(&client, data("userId", json!(9))).await.contains("unknown field `userId`"));
    assert!(refused(&client, json!({"fullName": "Ann"})).await.contains("missing field `password`"));
}

#[tokio::test]
async fn a_patch_changes_what_is_there_and_nothing_that_stays() {
    let (_app, client) = client().await;
    let users = client.service("users");
    users.create(json!({"fullName": "Ann", "password": "x", "teamId": 7, "nickname": "A"})).await.unwrap();
    let patched = users.patch(1, json!({"nickname": null})).await.unwrap();
    assert_eq!((&patched["nickname"], &patched["fullName"]), (&Value::Null, &json!("Ann")));
    let why = async |patch: Value| users.patch(1, patch).await.unwrap_err().message().to_owned();
    assert_eq!(why(json!({"teamId": 8})).await, "Invalid data: 'teamId' cannot be changed");
    assert_eq!(why(json!({"createdAt": "1970"})).await, "Invalid data: 'createdAt' is written by the server alone");
    assert!(why(json!({"fullName": null})).await.contains("fullName"));
    assert_eq!(users.patch(1, Value::Null).await.unwrap()["teamId"], 7);
}

#[tokio::test]
async fn the_server_writes_every_field() {
    let (app, _client) = client().await;
    let users = app.service("users");
    let ann = json!({"id": 5, "fullName": "Ann", "password": "x", "createdAt": "never"});
    let made = users.create(json!([ann]), Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!((&made[0]["id"], &made[0]["createdAt"]), (&json!(5), &json!("today")));
    let patch = json!({"createdAt": "never", "teamId": 9, "nickname": "A"});
    let patched: User = users.patch(5, patch, Params::new()).await.unwrap().to().unwrap();
    assert_eq!((patched.created_at.as_str(), patched.team_id), ("never", Some(9)));
    assert_eq!(users.patch(5, json!({"fullName": 1}), Params::new()).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn an_update_that_would_lose_fields_is_not_for_clients() {
    let (app, client) = client().await;
    let description = app.describe();
    let exposed = |path: &str| description.service(path).unwrap().method("update").unwrap().exposed;
    assert_eq!((exposed("users"), exposed("notes")), (false, true));
    assert_eq!(client.service("users").update(1, json!({})).await.unwrap_err().code(), 405);
    let mount = Mount::new(Memory::new()).record::<User>().methods([Get, Update]);
    let error = App::builder().mount("users", mount).build().unwrap_err();
    let expected = "Clients cannot update records of 'users': they do not write 'createdAt', and an update replaces the \
                    whole record. Leave Update out of the methods; clients patch";
    assert_eq!(error.message(), expected);
}

#[tokio::test]
async fn schemas_are_held_and_described() {
    let (app, client) = client().await;
    let notes = client.service("notes");
    let error = notes.create(json!({"text": "x"})).await.unwrap_err();
    assert_eq!(error.message(), "validation failed");
    assert_eq!(error.data().unwrap()[0]["keyword"], "minLength");
    assert_eq!(
        notes.create(json!({"text": "Tea", "lasts": 3})).await.unwrap(),
        json!({"text": "Tea", "lasts": 3, "id": 1})
    );
    assert_eq!(notes.patch(1, json!({"text": "x"})).await.unwrap_err().message(), "validation failed");
    assert_eq!(notes.patch(1, json!({"lasts": 5})).await.unwrap()["lasts"], 5);
    assert_eq!(notes.update(1, json!({"text": "Milk"})).await.unwrap(), json!({"text": "Milk", "lasts": 0, "id": 1}));

    let description = app.describe();
    let described = description.service("notes").unwrap();
    assert_eq!(described.item.as_ref().unwrap()["required"], json!(["id", "text", "lasts"]));
    let text = json!({"description": "What it says.", "type": "string", "minLength": 2});
    let patch = described.method("patch").unwrap().data.clone().unwrap();
    let expected = json!({"type": "object", "properties": {"text": text, "lasts": {"type": "integer"}},
        "description": "What clients change in a [`Note`]: the fields that are there.", "additionalProperties": false});
    assert_eq!(patch, expected);
    assert_eq!(described.method("create").unwrap().data.as_ref().unwrap()["required"], json!(["text"]));
    assert!(described.method("find").unwrap().query.as_ref().unwrap()["properties"]["lasts"].is_object());
    // Without `#[record(schema)]` nothing is said of types.
    assert_eq!(description.service("users").unwrap().item, None);
}

#[tokio::test]
async fn a_typed_service_reads_its_data_itself() {
    struct Notes;
    impl Service for Notes {
        type Item = Note;
        type Data = NoteData;
        type Patch = NotePatch;
        const METHODS: &'static [Method] = &[Create];

        async fn create(&self, data: OneOrMany<NoteData>, _: &Params) -> Result<OneOrMany<Note>> {
            Ok(data.map(|NoteData { text, lasts }| Note { id: 1, text, lasts }))
        }
    }
    let app = App::builder().mount("notes", Mount::new(Notes).record::<Note>()).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let notes = client.service("notes");
    assert_eq!(
        notes.create(json!({"text": "Tea", "lasts": 3})).await.unwrap(),
        json!({"id": 1, "text": "Tea", "lasts": 3})
    );
    assert_eq!(notes.create(json!({"text": "Tea", "id": 3})).await.unwrap_err().code(), 400);
    assert_eq!(notes.create(json!({"text": "x"})).await.unwrap_err().message(), "validation failed");
}

#[test]
fn secrets_are_not_shown_where_data_is_debugged() {
    let data: UserData = serde_json::from_value(json!({"fullName": "Ann", "password": "secret"})).unwrap();
    let shown = format!("{data:?} {:?}", UserPatch { password: Some("secret".into()), ..UserPatch::default() });
    assert!(shown.contains("Ann") && !shown.contains("secret"), "{shown}");
}

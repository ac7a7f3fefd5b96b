//! What is whose, and what is seen of related records.

use super::{ann, auth, builder, login, people};
use crate::auth::authenticate;
use crate::hooks::{only, owned_by, populate, stamp, sync, with};
use crate::prelude::*;
use crate::store::Memory;
use crate::test::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn seven() -> Memory {
    Memory::new().start(8).multi(true).records([json!({"id": 7, "userId": 2, "text": "Bob's"})])
}

#[tokio::test]
async fn everybody_has_only_what_is_theirs() {
    let mount = Mount::new(seven()).before(All, authenticate("jwt")).before(All, owned_by("userId"));
    let app = builder(auth(), people()).mount("own", mount).build().unwrap();
    let (ann, _) = ann(&app).await;
    let own = ann.service("own");
    // Whatever she says.
    let created = own.create(json!([{"text": "a", "userId": 2}, {"text": "b"}])).await.unwrap();
    assert_eq!((&created[0]["userId"], &created[1]["userId"]), (&json!(1), &json!(1)));
    for query in [json!({}), json!({"userId": 2}), json!({"$or": [{"userId": 2}, {"id": {"$gt": 0}}]})] {
        let found = own.clone().query(query.clone()).find().await.unwrap();
        assert!(found.as_array().unwrap().iter().all(|record| record["userId"] == 1), "{query}: {found}");
    }
    assert_eq!(own.get(7).await.unwrap_err().code(), 404);
    assert_eq!(own.patch(7, json!({"text": "!"})).await.unwrap_err().code(), 404);
    assert_eq!(own.update(7, json!({"text": "!"})).await.unwrap_err().code(), 404);
    assert_eq!(own.remove(7).await.unwrap_err().code(), 404);
    // Nor can she give one away.
    assert_eq!(own.patch(8, json!({"userId": 2})).await.unwrap()["userId"], 1);
    assert_eq!(own.update(8, json!({"text": "c"})).await.unwrap(), json!({"id": 8, "text": "c", "userId": 1}));
    assert_eq!(own.patch(9, json!({"text": "d"})).await.unwrap(), json!({"id": 9, "text": "d", "userId": 1}));
    assert_eq!(own.remove(()).await.unwrap().as_array().unwrap().len(), 2);
    // The server sees all, unless it acts for somebody.
    let own = app.service("own");
    let all = async |params| own.find(params).await.unwrap().to_value().unwrap().as_array().unwrap().len();
    assert_eq!((all(Params::new()).await, all(Params::acting_as(&app, 1).await.unwrap()).await), (1, 0));
    let free = own.create(json!({"userId": 5}), Params::new()).await.unwrap().to_value().unwrap();
    let digest = own.create(json!({"userId": 5}), Params::acting_as(&app, 1).await.unwrap()).await.unwrap();
    assert_eq!((&free["userId"], &digest.to_value().unwrap()["userId"]), (&json!(5), &json!(1)));
}

#[tokio::test]
async fn who_is_not_logged_in_owns_nothing() {
    // Without `authenticate`, too, and whatever middleware has attached under that name.
    let own = Mount::new(seven()).before(All, owned_by("userId"));
    let stamped = Mount::new(Memory::new()).before(Create, stamp("by", "name"));
    let nameless = Mount::new(seven()).before(All, authenticate("jwt")).before(All, owned_by("userId").id("key"));
    let app = builder(auth(), people()).mount("own", own).mount("stamped", stamped).mount("nameless", nameless);
    let app = app.build().unwrap();
    let client = Client::to(&app).value("user", json!({"id": 2, "name": "Bob"})).connect().await.unwrap();
    assert_eq!(client.service("own").find().await.unwrap_err().code(), 401);
    assert_eq!(client.service("own").create(json!({})).await.unwrap_err().code(), 401);
    assert_eq!(client.service("stamped").create(json!({})).await.unwrap_err().code(), 401);
    // A caller without an id would own what nobody does.
    let (ann, _) = ann(&app).await;
    assert_eq!(ann.service("nameless").find().await.unwrap_err().code(), 500);
}

#[tokio::test]
async fn data_says_of_the_caller_what_the_server_knows() {
    let mount = Mount::new(Memory::new()).before(All, authenticate("jwt")).before(Create, stamp("by", "name"));
    let mount = mount.before([Create, Patch], only(["text", "by", "place.city"]));
    let app = builder(auth(), people()).mount("signed", mount).build().unwrap();
    let (ann, _) = ann(&app).await;
    let data = json!({"text": "x", "by": "Bob", "role": "admin", "place": {"city": "Ulm", "at": 1}});
    let kept = json!({"text": "x", "by": "Ann", "place": {"city": "Ulm"}, "id": 0});
    let created = ann.service("signed").create(data).await.unwrap();
    assert_eq!(created, kept);
    assert_eq!(ann.service("signed").patch(0, json!({"role": "admin"})).await.unwrap(), kept);
    assert_eq!(ann.service("signed").patch(0, Value::Null).await.unwrap(), kept);
    let own = app.service("signed").create(json!({"role": "bot"}), Params::new()).await.unwrap();
    assert_eq!(own.to_value().unwrap()["role"], "bot");
}

#[tokio::test]
async fn related_records_are_found_at_once_and_seen_as_the_caller_may_see_them() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = async |asked: Arc<AtomicUsize>, _: &mut Context| {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    // Who is logged in sees members; the server sees all.
    let visible = sync(|context: &mut Context| {
        if !context.params.is_internal() {
            context.user::<Value>()?;
            context.params.query.set("hidden", json!({"$ne": true}));
        }
        Ok(())
    });
    let records = [json!({"id": 1, "secret": 1}), json!({"id": 2, "secret": 2}), json!({"id": 3, "hidden": true})];
    let members = Mount::new(Memory::new().records(records).paginate(1, 1))
        .before(All, authenticate("jwt"))
        .before(Find, with(asked.clone(), count))
        .before(All, visible)
        .after(All, crate::hooks::protect(["secret"]));
    let notes = [json!({"by": 1}), json!({"by": 2}), json!({"by": 1}), json!({"by": 3}), json!({"by": 9}), json!({})];
    let notes = |pages: bool| {
        let table = Memory::new().records(notes.iter().enumerate().map(|(id, note)| {
            let mut note = note.clone();
            note["id"] = id.into();
            note
        }));
        let table = if pages { table.paginate(10, 10) } else { table };
        Mount::new(table).before(All, authenticate("jwt")).after(All, populate("member", "members", "by"))
    };
    let app =
        builder(auth(), people()).mount("members", members).mount("list", notes(false)).mount("page", notes(true));
    let app = app.build().unwrap();
    let (ann, _) = ann(&app).await;
    let expected = [json!({"id": 1}), json!({"id": 2}), json!({"id": 1}), Value::Null, Value::Null];
    for path in ["list", "page"] {
        asked.store(0, Ordering::Relaxed);
        let found = ann.service(path).find().await.unwrap();
        let found = found.get("data").unwrap_or(&found).as_array().unwrap();
        for (note, member) in found.iter().zip(&expected) {
            assert_eq!(note["member"], *member, "{path}");
        }
        assert!(found[5].get("member").is_none());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(ann.service(path).get(0).await.unwrap()["member"], json!({"id": 1}));
    }
    // What is hidden from clients stays so: the result may become an event.
    let found = app.service("list").get(3, Params::new()).await.unwrap().to_value().unwrap();
    assert_eq!(found["member"], json!({"id": 3, "hidden": true}));
    let found = app.service("list").get(0, Params::new()).await.unwrap().to_value().unwrap();
    assert_eq!(found["member"], json!({"id": 1}));
    // Who may not ask gets no notes either.
    let open =
        Mount::new(Memory::new().records([json!({"id": 1, "by": 1})])).after(All, populate("m", "members", "by"));
    app.mount("open", open).await.unwrap();
    let stranger = Client::connect(&app).await.unwrap();
    assert_eq!(stranger.service("open").get(1).await.unwrap_err().code(), 401);
    login(&stranger, "bob@example.com", "secret2").await.unwrap();
    assert_eq!(stranger.service("open").get(1).await.unwrap()["m"], json!({"id": 1}));
}

#[tokio::test]
async fn a_relation_to_nothing_is_found_when_the_application_is_built() {
    let notes = Mount::new(Memory::new()).after(Find, populate("user", "people", "userId"));
    let error = App::builder().mount("notes", notes).build().unwrap_err();
    assert!(format!("{error}").contains("Missing service 'people', which populate at 'notes' asks"), "{error}");
}

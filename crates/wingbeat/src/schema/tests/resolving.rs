use crate::hooks::sync;
use crate::prelude::*;
use crate::schema::{Field, Resolver, resolve_data, resolve_external, resolve_query, resolve_result};
use crate::service::RawService;
use crate::store::Memory;
use crate::test::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;
use wingbeat_core::{IdArg, Payload, RawJson};

fn app(mount: Mount) -> App {
    App::builder()
        .mount("messages", mount.publish(|_| channel("all")))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap()
}

fn people() -> Memory {
    Memory::new().start(3).multi(true).records([
        json!({"id": 1, "first": "Ann", "last": "Lee", "secret": "a"}),
        json!({"id": 2, "first": "Bob", "last": "Ray", "secret": "b"}),
    ])
}

async fn name(field: Field) -> Result<Option<String>> {
    Ok(Some(format!("{} {}", field.get_as::<String>("first")?, field.get_as::<String>("last")?)))
}

async fn create(app: &App, data: Value) -> Result<Value> {
    app.service("messages").create(data, Params::new()).await?.into_value()
}

#[tokio::test]
async fn each_record_of_the_data_is_resolved_and_none_drops_a_field() {
    let resolver = Resolver::new()
        .field("text", |field| async move { Ok(field.value().and_then(Value::as_str).map(str::to_uppercase)) })
        .field("by", |field| async move { Ok(field.params().get("user")) })
        .hide(["admin"]);
    let app = app(Mount::new(Memory::new().start(1).multi(true)).before(Create, resolve_data(resolver)));
    let mut params = Params::new();
    params.set("user", "ann");
    let data = json!([{"text": "a", "admin": true}, {"by": "eve", "n": 1}]);
    let created = app.service("messages").create(data, params).await.unwrap().into_value().unwrap();
    assert_eq!(created, json!([{"text": "A", "by": "ann", "id": 1}, {"by": "ann", "n": 1, "id": 2}]));
}

#[tokio::test]
async fn errors_are_collected_by_field() {
    let resolver = Resolver::new()
        .field("a", |_| async { Err::<Option<Value>, _>(Error::forbidden("not you")) })
        .field("b", |_| async { Ok(Some(1)) })
        .field("c", |field| async move { field.get_as::<i64>("c").map(Some) });
    let app = app(Mount::new(Memory::new()).before(Create, resolve_data(resolver)));
    let error = create(&app, json!({"c": "text"})).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "Error resolving data"));
    let data = error.data().unwrap();
    assert_eq!((&data["a"]["code"], &data["a"]["message"], &data["b"]), (&json!(403), &json!("not you"), &Value::Null));
    assert_eq!(data["c"]["name"], "BadRequest");
}

#[tokio::test]
async fn the_fields_of_all_records_are_resolved_at_the_same_time() {
    // Nobody passes before all four are there.
    let barrier = Arc::new(Barrier::new(4));
    let wait = move |_: Field| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(Some(true))
        }
    };
    let resolver = Resolver::new().field("a", wait.clone()).field("b", wait);
    for is_text in [false, true] {
        let app = app(Mount::new(Written { is_text }).around(All, resolve_result(resolver.clone())));
        let service = app.service("messages");
        let found = tokio::time::timeout(Duration::from_secs(30), service.find(Params::new()));
        assert_eq!(found.await.unwrap().unwrap().into_value().unwrap()["data"][1]["b"], true);
    }
}

#[tokio::test]
async fn a_typed_function_may_replace_the_record() {
    #[derive(Deserialize)]
    struct Old {
        first: String,
    }
    #[derive(Serialize)]
    struct New {
        initial: Option<char>,
    }
    let resolver = Resolver::new()
        .record(|old: Old, _| async move { Ok(New { initial: old.first.chars().next() }) })
        .field("method", |field| async move { Ok(Some(field.scope().method().to_string())) });
    let app = app(Mount::new(people()).around(All, resolve_result(resolver)));
    let found = app.service("messages").get(1, Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(found, json!({"initial": "A", "method": "get"}));
}

#[tokio::test]
async fn clients_and_channels_see_the_external_record_and_the_server_all_of_it() {
    let app = app(Mount::new(people()).around(All, resolve_external(Resolver::new().hide(["secret"]))));
    let client = Client::connect(&app).await.unwrap();
    let created = create(&app, json!([{"n": 1, "secret": "x"}, {"n": 2, "secret": "y"}])).await.unwrap();
    assert_eq!(created[1]["secret"], "y");
    crate::assert_published!("messages created", {"n": 1, "id": 3} => client);
    crate::assert_published!("messages created", {"n": 2, "id": 4} => client);
    assert_eq!(client.service("messages").get(3).await.unwrap(), json!({"n": 1, "id": 3}));
    assert_eq!(client.heard(), []);
}

#[tokio::test]
async fn the_records_of_a_page_are_resolved() {
    let mount = Mount::new(people().paginate(1, 5)).around(All, resolve_external(Resolver::new().hide(["secret"])));
    let app = app(mount);
    let client = Client::connect(&app).await.unwrap();
    let page = client.service("messages").find().await.unwrap();
    let data = json!([{"id": 1, "first": "Ann", "last": "Lee"}]);
    assert_eq!(page, json!({"total": 2, "limit": 1, "skip": 0, "data": data}));
}

#[tokio::test]
async fn nested_records_have_a_resolver_of_their_own() {
    let records = [json!({"id": 1, "author": {"name": "Ann", "secret": 1}, "readers": [{"secret": 2}, null]})];
    let person = Resolver::new().hide(["secret"]);
    let resolver =
        Resolver::new().nested("author", person.clone()).nested("readers", person.clone()).nested("none", person);
    let app = app(Mount::new(Memory::new().records(records)).around(All, resolve_external(resolver)));
    let client = Client::connect(&app).await.unwrap();
    let seen = client.service("messages").get(1).await.unwrap();
    assert_eq!(seen, json!({"id": 1, "author": {"name": "Ann"}, "readers": [{}, null]}));
}

#[tokio::test]
async fn a_derived_field_is_there_exactly_when_it_is_selected() {
    let resolver = Resolver::new().derived("name", ["first", "last"], name);
    let app = app(Mount::new(people()).around(All, resolve_result(resolver)));
    let client = Client::connect(&app).await.unwrap();
    let find = |select: Value| {
        let service = client.service("messages").query(json!({"$select": select, "id": 1}));
        async move { service.find().await.unwrap()[0].clone() }
    };
    assert_eq!(find(json!(["name"])).await, json!({"id": 1, "name": "Ann Lee"}));
    assert_eq!(find(json!(["name", "first"])).await, json!({"first": "Ann", "id": 1, "name": "Ann Lee"}));
    assert_eq!(find(json!(["last"])).await, json!({"last": "Lee", "id": 1}));
    assert_eq!(client.service("messages").get(2).await.unwrap()["name"], "Bob Ray");
    let wrong = client.service("messages").query(json!({"$select": "name"}));
    assert_eq!(wrong.find().await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn a_query_can_be_bound_to_the_caller() {
    let mine = Resolver::new().field("id", |field| async move { Ok(field.params().get("user")) });
    let app = app(Mount::new(people()).before(All, resolve_query(mine)));
    let client = Client::to(&app).value("user", 2).connect().await.unwrap();
    let found = client.service("messages").query(json!({"id": 1})).find().await.unwrap();
    assert_eq!(found[0]["first"], "Bob");
    assert_eq!(client.service("messages").get(1).await.unwrap_err().code(), 404);
}

/// Users whose password only the server sees, and messages that take their author over.
fn with_authors(author: Resolver, external: Option<Resolver>) -> App {
    let users = Memory::new().records([json!({"id": 1, "name": "Ann", "password": "x"})]);
    let messages = Memory::new().start(1).multi(true).paginate(5, 5).records([json!({"id": 9, "userId": 1})]);
    let mount = Mount::new(messages).method("latest", async |data: Value, _: &Params| Ok(data));
    let mount = external.into_iter().fold(mount, |mount, resolver| mount.around(All, resolve_external(resolver)));
    App::builder()
        .mount("users", Mount::new(users).around(All, resolve_external(Resolver::new().hide(["password"]))))
        .mount("messages", mount.around(All, resolve_result(author)).publish(|_| channel("all")))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap()
}

fn author(dispatched: bool) -> Resolver {
    Resolver::new().derived("author", ["userId"], move |field| async move {
        let users = field.service("users");
        let users = if dispatched { users.dispatched() } else { users };
        users.get(field.get_as::<i64>("userId")?, Params::new()).await?.into_value().map(Some)
    })
}

#[tokio::test]
async fn what_one_service_hides_another_does_not_show() {
    let person = Resolver::new().nested("author", Resolver::new().hide(["password"]));
    for (app, inside) in [
        // Either the record that is taken over is cut, or it is cut on its way out.
        (with_authors(author(true), None), json!(null)),
        (with_authors(author(false), Some(person)), json!("x")),
    ] {
        let client = Client::connect(&app).await.unwrap();
        let messages = client.service("messages");
        let mut told = vec![messages.get(9).await.unwrap(), messages.find().await.unwrap()["data"][0].clone()];
        told.push(messages.create(json!({"userId": 1})).await.unwrap());
        told.extend(messages.create(json!([{"userId": 1}, {"userId": 1}])).await.unwrap().as_array().unwrap().clone());
        told.push(messages.patch(9, json!({"n": 1})).await.unwrap());
        told.push(messages.call("latest", json!({"userId": 1})).await.unwrap());
        let heard: Vec<Value> = client.heard().into_iter().map(|heard| heard.data).collect();
        assert_eq!(heard.len(), 4);
        for record in told.iter().chain(&heard) {
            assert_eq!(record["author"], json!({"id": 1, "name": "Ann"}), "{record}");
        }
        let whole = app.service("messages").get(9, Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(whole["author"]["password"], inside);
    }
}

#[tokio::test]
async fn data_of_custom_methods_is_resolved() {
    let by = Resolver::new().field("by", |field| async move { Ok(field.params().get("user")) });
    let mount = Mount::empty()
        .method("archive", async |data: Value, _: &Params| Ok(data))
        .before("archive", resolve_data(by.clone()))
        .around("archive", resolve_external(Resolver::new().hide(["year"])));
    let app = app(mount);
    let client = Client::to(&app).value("user", "ann").connect().await.unwrap();
    let seen = client.service("messages").call("archive", json!({"year": 1999, "by": "eve"})).await.unwrap();
    assert_eq!(seen, json!({"by": "ann"}));
}

#[tokio::test]
async fn what_is_no_record_passes_resolvers_as_it_is() {
    let cut = Resolver::new().hide(["secret"]);
    let mount = Mount::empty()
        .method("any", async |data: Value, _: &Params| Ok(data))
        .around(All, resolve_external(cut.clone()))
        .around(All, resolve_result(cut));
    let app = app(mount);
    let client = Client::connect(&app).await.unwrap();
    for value in [json!(null), json!(1), json!("text"), json!([1, null, [{"a": 1}]])] {
        assert_eq!(client.service("messages").call("any", value.clone()).await.unwrap(), value);
    }
}

#[tokio::test]
async fn resolvers_run_one_after_another_as_they_are_registered() {
    let add = |letter: &'static str| {
        Resolver::new().field("text", move |field| async move { Ok(Some(field.get_as::<String>("text")? + letter)) })
    };
    let mount = Mount::new(Memory::new())
        .before(Create, resolve_data(add("a")))
        .before(Create, resolve_data(add("b")))
        .around(Create, resolve_result(add("d")))
        .around(Create, resolve_result(add("c")));
    assert_eq!(create(&app(mount), json!({"text": "-"})).await.unwrap()["text"], "-abcd");
}

#[tokio::test]
async fn what_goes_out_unasked_is_resolved_as_well() {
    let external = Resolver::new()
        .field("id", |field| async move { Ok(Some(format!("user-{}", field.get_as::<i64>("id")?))) })
        .field("secret", |_| async { Ok(None::<Value>) });
    let add = sync(|context: &mut Context| {
        for record in context.result_items_mut()? {
            record.insert("secret".into(), json!("swordfish"));
        }
        Ok(())
    });
    let mount = Mount::new(people()).around(All, resolve_external(external)).after(All, add);
    let app = app(mount);
    let client = Client::connect(&app).await.unwrap();
    let people = client.service("messages").query(json!({"$select": ["first"]}));
    assert_eq!(people.clone().get(1).await.unwrap(), json!({"first": "Ann", "id": "user-1"}));
    let patched = people.patch(1, json!({"last": "Poe"})).await.unwrap();
    assert_eq!(patched, json!({"first": "Ann", "id": "user-1"}));
    assert_eq!(client.hears("messages patched").await, patched);
}

/// A page as a store writes it, or the same as a value.
struct Written {
    is_text: bool,
}

impl RawService for Written {
    fn methods(&self) -> Vec<Method> {
        vec![Method::Find, Method::Get]
    }

    async fn find(&self, _: &Params) -> Result<Payload> {
        self.answer(
            r#"{"total":9,"limit":2,"skip":0,"data":[{"id":1,"a":"x\"}","n":1.5},{"id":2,"a":null,"o":{"b":[1]}}]}"#,
        )
    }

    async fn get(&self, _: IdArg, _: &Params) -> Result<Payload> {
        self.answer(r#"{"id":1,"a":"x","n":1.0}"#)
    }
}

impl Written {
    fn answer(&self, text: &'static str) -> Result<Payload> {
        let mut payload = Payload::from(RawJson::parse(text)?);
        if !self.is_text {
            payload.value()?;
        }
        Ok(payload)
    }
}

#[tokio::test]
async fn records_that_are_text_are_resolved_as_values_are() {
    let resolver = || {
        Resolver::new()
            .derived("twice", ["id"], |field| async move { Ok(Some(2 * field.get_as::<i64>("id")?)) })
            .field("a", |field| async move { Ok(field.value().map(ToString::to_string)) })
            .field("n", |_| async { Ok(None::<i64>) })
            .derived("late", ["id"], |field| async move {
                tokio::task::yield_now().await;
                Ok(field.record().get("o").cloned())
            })
            .hide(["hidden"])
    };
    let resolved = async |is_text: bool| {
        let app = app(Mount::new(Written { is_text }).around(All, resolve_result(resolver())));
        let service = app.service("messages");
        let query = |query| Params::new().with_query(query).unwrap();
        let mut answers = Vec::new();
        for select in [json!({}), json!({"$select": ["a", "twice"]})] {
            answers.push(service.find(query(select.clone())).await.unwrap().to_raw().unwrap().to_string());
            answers.push(service.get(1, query(select)).await.unwrap().to_raw().unwrap().to_string());
        }
        answers
    };
    let (texts, values) = (resolved(true).await, resolved(false).await);
    assert_eq!(texts, values);
    assert_eq!(texts[1], r#"{"id":1,"a":"\"x\"","twice":2}"#);
}

#[tokio::test]
async fn what_is_wrong_in_a_record_that_is_text_is_told_as_of_values() {
    let message = async |is_text: bool| {
        let resolver = Resolver::new().field("a", |field| async move { field.get_as::<i64>("a").map(Some) });
        let app = app(Mount::new(Written { is_text }).around(All, resolve_result(resolver)));
        let error = app.service("messages").find(Params::new()).await.unwrap_err();
        (error.code(), error.message().to_owned(), error.data().cloned())
    };
    assert_eq!(message(true).await, message(false).await);
}

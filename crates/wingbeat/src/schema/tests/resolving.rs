use crate::prelude::*;
use crate::schema::{Field, Resolver, resolve_data, resolve_external, resolve_query, resolve_result};
use crate::store::Memory;
use crate::test::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;

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
    Ok(Some(format!("{} {}", field.get::<String>("first")?, field.get::<String>("last")?)))
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
        .field("c", |field| async move { field.get::<i64>("c").map(Some) });
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
    let app = app(Mount::new(people()).around(All, resolve_result(resolver)));
    let service = app.service("messages");
    let found = tokio::time::timeout(Duration::from_secs(5), service.find(Params::new()));
    assert_eq!(found.await.unwrap().unwrap().into_value().unwrap()[1]["b"], true);
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

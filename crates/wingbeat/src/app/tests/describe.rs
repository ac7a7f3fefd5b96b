//! What the application tells of itself.

use super::Echo;
use crate::auth::{Auth, Key, authenticate};
use crate::prelude::*;
use crate::schema::{JsonSchema, schemas, validate_data};
use crate::service::Schemas;
use crate::store::Memory;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wingbeat_core::Definition;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Todo {
    id: i64,
    text: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewTodo {
    text: String,
}

/// What server and client share.
struct Todos;

impl Definition for Todos {
    type Item = Todo;
    type Data = NewTodo;
    type Patch = NewTodo;
    type Query = Todo;
    const PATH: &'static str = "todos";
    const METHODS: &'static [&'static str] = &["get", "patch", "archive"];
    const EVENTS: &'static [&'static str] = &["archived"];
}

struct TodoService;

impl Service for TodoService {
    type Item = Todo;
    type Data = NewTodo;
    type Patch = NewTodo;
    const METHODS: &'static [Method] = &[Get, Create, Patch];

    async fn get(&self, _: Id, _: &Params) -> Result<Todo> {
        Ok(Todo { id: 1, text: "Read".into() })
    }
    async fn create(&self, new: OneOrMany<NewTodo>, _: &Params) -> Result<OneOrMany<Todo>> {
        Ok(new.map(|NewTodo { text }| Todo { id: 1, text }))
    }
    async fn patch(&self, _: Option<Id>, NewTodo { text }: NewTodo, _: &Params) -> Result<OneOrMany<Todo>> {
        Ok(Todo { id: 1, text }.into())
    }
    fn custom(methods: CustomMethods<TodoService>) -> CustomMethods<TodoService> {
        methods.add("archive", TodoService::archive)
    }
    fn schemas(&self) -> Schemas {
        schemas::<Todo, NewTodo, NewTodo, Todo>()
    }
}

impl TodoService {
    async fn archive(&self, _year: u16, _: &Params) -> Result<String> {
        Ok("done".into())
    }
}

fn described(path: &str, mount: Mount) -> Value {
    let secret = Key::secret("a secret of thirty-two bytes, yes").unwrap();
    let app = App::builder().mount("authentication", Auth::new(secret)).mount("users", Mount::new(Memory::new()));
    let description = app.mount(path, mount).build().unwrap().describe();
    serde_json::to_value(description.service(path).unwrap()).unwrap()
}

fn names(service: &Value) -> Vec<&str> {
    service["methods"].as_array().unwrap().iter().map(|method| method["name"].as_str().unwrap()).collect()
}

#[test]
fn a_typed_service_is_described_by_its_definition() {
    let mount = Mount::defined::<Todos>(TodoService).describe_method::<u16, String>("archive");
    let todos = described(Todos::PATH, mount.before(Patch, authenticate("jwt")));
    assert_eq!(names(&todos), ["get", "create", "patch", "archive"]);
    assert_eq!(todos["events"], json!(["created", "patched", "archived"]));
    assert_eq!(todos["item"]["required"], json!(["id", "text"]));
    let [get, create, patch, archive] = [0, 1, 2, 3].map(|at| todos["methods"][at].clone());
    assert_eq!((&get["exposed"], &create["exposed"], &archive["exposed"]), (&json!(true), &json!(false), &json!(true)));
    assert_eq!((&get["login"], &patch["login"]), (&Value::Null, &json!(["jwt"])));
    assert_eq!((&get["event"], &patch["event"], &archive["event"]), (&Value::Null, &json!("patched"), &Value::Null));
    let data = json!({"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": false});
    assert_eq!((&get["data"], &patch["data"]), (&Value::Null, &data));
    assert_eq!(create["data"]["required"], json!(["text"]));
    assert!(get["query"]["properties"]["$select"].is_object());
    assert_eq!((&archive["data"]["type"], &archive["result"]), (&json!("integer"), &json!({"type": "string"})));
    assert_eq!(archive["query"], Value::Null);
}

#[tokio::test]
async fn a_definition_finds_its_service() {
    let app = App::builder().mount(Todos::PATH, Mount::defined::<Todos>(TodoService)).build().unwrap();
    let todo: Todo = app.defined::<Todos>().get(1, Params::new()).await.unwrap().to().unwrap();
    assert_eq!(todo.text, "Read");
}

#[test]
fn a_raw_service_says_nothing_of_its_types() {
    let echo = described("echo", Mount::new(Echo).methods([Get]));
    assert_eq!(names(&echo), ["find", "get", "create", "update", "patch", "remove"]);
    assert_eq!(echo["methods"][1], json!({"name": "get", "exposed": true}));
    assert_eq!(echo["methods"][2], json!({"name": "create", "exposed": false, "event": "created"}));
    assert_eq!(echo.get("item"), None);
}

#[test]
fn a_store_is_described_by_a_definition_and_by_its_hooks() {
    struct Notes;
    impl Definition for Notes {
        type Item = Todo;
        type Data = NewTodo;
        type Patch = Value;
        type Query = Value;
        const PATH: &'static str = "notes";
    }
    let checked = || Mount::new(Memory::new()).before(Create, validate_data::<Todo>()).around(All, authenticate("jwt"));
    let plain = described("notes", checked());
    assert_eq!((plain.get("item"), &plain["methods"][2]["login"]), (None, &json!(["jwt"])));
    let notes = described(Notes::PATH, checked().define::<Notes>().describe::<Notes>());
    assert_eq!(notes["item"]["required"], json!(["id", "text"]));
    // Clients meet the hook before the service.
    assert_eq!(notes["methods"][2]["data"]["required"], json!(["id", "text"]));
    assert_eq!(notes["methods"][3]["data"]["required"], json!(["text"]));
    // Of any JSON nothing is said.
    assert_eq!((notes["methods"][4].get("data"), notes["methods"][0].get("query")), (None, None));
    assert_eq!(notes["events"], json!(["created", "updated", "patched", "removed"]));
}

#[test]
fn methods_of_their_own_are_described_without_a_service() {
    let mount = Mount::empty().method("shout", async |text: String, _: &Params| Ok(text.to_uppercase()));
    let shout = json!({"name": "shout", "exposed": true});
    assert_eq!(described("voice", mount), json!({"path": "voice", "methods": [shout], "events": []}));
    let mount = Mount::empty().method("shout", async |text: String, _: &Params| Ok(text.to_uppercase()));
    let text = json!({"type": "string"});
    let shout = json!({"name": "shout", "exposed": true, "data": text, "result": text});
    let voice = described("voice", mount.describe_method::<String, String>("shout").events(["heard"]));
    assert_eq!(voice, json!({"path": "voice", "methods": [shout], "events": ["heard"]}));
}

#[test]
fn what_a_definition_names_and_the_service_has_not_is_an_error() {
    let error = App::builder().mount("todos", Mount::new(Memory::new()).define::<Todos>()).build().unwrap_err();
    assert_eq!(
        error.message(),
        "Service 'todos' has no method 'archive' to list or to hook: it has find, get, create, update, patch, remove"
    );
    let mount = Mount::new(Memory::new()).describe_method::<String, String>("shout");
    let error = App::builder().mount("notes", mount).build().unwrap_err();
    assert_eq!(error.message(), "Service 'notes' has no custom method 'shout' to describe");
}

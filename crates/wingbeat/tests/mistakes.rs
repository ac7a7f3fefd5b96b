//! The usual mistakes that are found when an application is built, started or called, and what is said of them. Those that
//! rustc finds stand in `mistakes/`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wingbeat::auth::Auth;
use wingbeat::store::{Memory, Sqlite};
use wingbeat::{Builder, prelude::*};

#[derive(Serialize, Deserialize)]
struct Todo {
    id: i64,
    text: String,
}

/// A service that has written one method and declares another.
struct Todos;

impl Service for Todos {
    type Item = Todo;
    type Data = Todo;
    type Patch = Todo;
    const METHODS: &'static [Method] = &[Find];

    async fn get(&self, _id: Id, _params: &Params) -> Result<Todo> {
        Ok(Todo { id: 1, text: "Read".into() })
    }
}

/// Why an application can not be built.
fn refused(builder: Builder) -> String {
    builder.build().expect_err("a mistake").message().to_owned()
}

#[test]
fn a_method_that_is_only_declared_or_not_there_at_all_is_told_where_it_is_named() {
    let expected = "Service 'todos' lists the method 'find' without implementing it: write `async fn find`, or remove it from the list";
    assert_eq!(refused(App::builder().mount("todos", Mount::new(Todos))), expected);
    let exposed = refused(App::builder().mount("todos", Mount::new(Memory::new()).expose((Get, "archive"))));
    let expected = "Service 'todos' has no method 'archive' to list or to hook: it has find, get, create, update, patch, \
                    remove";
    assert_eq!(exposed, expected);
}

#[test]
fn a_missing_secret_names_the_variable() {
    let error = Auth::from_env("WINGBEAT_HAS_NO_SUCH_SECRET").map(drop).unwrap_err();
    assert_eq!(error.message(), "Missing secret: set the environment variable WINGBEAT_HAS_NO_SUCH_SECRET");
}

#[tokio::test]
async fn a_table_or_column_that_the_database_has_not_ends_the_start() {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[("todos", "CREATE TABLE todos (id INTEGER PRIMARY KEY)")]).await.unwrap();
    for (table, expected) in [
        ("tasks", "Missing table 'tasks' in the database"),
        (
            "todos",
            "Table 'todos' has no column 'text', which its type names as a field or as an alias of one: it has id",
        ),
    ] {
        let app = App::builder().mount("todos", Mount::new(db.table::<Todo>(table))).build().unwrap();
        assert_eq!(app.setup().await.unwrap_err().message(), expected);
    }
}

#[test]
fn an_event_that_nobody_sends_is_told_where_it_belongs() {
    let todos = Mount::new(Memory::new()).publish_event("create", |_| channel("all"));
    let expected = "'create' is not a valid service event of 'todos': list it among the mount's `events`, or name one \
                    that its methods send: created, updated, patched, removed";
    assert_eq!(refused(App::builder().mount("todos", todos)), expected);
}

#[tokio::test]
async fn a_wrong_path_is_named() {
    let expected = "'to//dos' is not a valid service path. Write names with one slash between them, such as \
                    `users/:userId/todos`";
    assert_eq!(refused(App::builder().mount("to//dos", Mount::new(Memory::new()))), expected);
    let app = App::builder().mount("todos", Mount::new(Memory::new())).build().unwrap();
    let error = app.service("todo").create(json!({}), Params::new()).await.unwrap_err();
    assert_eq!(error.message(), "Service 'todo' not found");
}

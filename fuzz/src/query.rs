//! Queries of clients, as the stores understand them.

use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};
use wingbeat::RawJson;
use wingbeat::prelude::*;
use wingbeat::store::Memory;
#[cfg(feature = "sqlite")]
use wingbeat::store::Sqlite;
use wingbeat::test::Client;

const PATHS: &[&str] = &[
    "memory",
    #[cfg(feature = "sqlite")]
    "sqlite",
];

/// Asks every store with a query: each answers, or says what is wrong with the query. What is no fault of the query is
/// one of ours.
pub fn query(data: &[u8]) {
    // As a transport reads it.
    let Ok(query) = RawJson::parse(data.to_vec()).and_then(|raw| raw.to::<Value>()) else { return };
    static STORES: OnceLock<(Runtime, App)> = OnceLock::new();
    let (runtime, app) = STORES.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let app = runtime.block_on(stores());
        (runtime, app)
    });
    runtime.block_on(async {
        let client = Client::connect(app).await.expect("a connection");
        for path in PATHS {
            for arguments in
                [vec![json!(path), query.clone()], vec![json!(path), Value::Null, json!({"n": 1}), query.clone()]]
            {
                let method = if arguments.len() == 2 { "find" } else { "patch" };
                if let Err(error) = client.emit(method, &arguments).await {
                    assert!((400..500).contains(&error.code()), "{path} {method} {query}: {error:?}");
                }
            }
        }
        // It has been patched, and nothing else.
        for path in PATHS {
            let all = client.emit("find", &[json!(path)]).await.expect("the records");
            assert_eq!(all.as_array().map(Vec::len), Some(3));
        }
    });
}

async fn stores() -> App {
    let records = [
        json!({"id": 1, "text": "one", "n": 10, "read": false, "deep": {"v": 2}}),
        json!({"id": 2, "text": "two", "n": 20.5, "read": true, "deep": {"v": [1]}}),
        json!({"id": 3, "text": "o'--\"", "n": null}),
    ];
    let app = App::builder().mount("memory", Mount::new(Memory::new().multi(true).records(records.clone())));
    #[cfg(feature = "sqlite")]
    let app = {
        let table = "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT, n REAL, read BOOLEAN, deep JSON)";
        let db = Sqlite::memory().await.expect("a database");
        db.migrate(&[("messages", table)]).await.expect("a table");
        app.mount("sqlite", Mount::new(db.table::<Value>("messages").multi(true)))
    };
    let app = app.build().expect("an application");
    app.setup().await.expect("services");
    #[cfg(feature = "sqlite")]
    app.service("sqlite").create(json!(records), Params::new()).await.expect("records");
    app
}

//! Transactions: what is called within one is a part of it, and its events are; nobody else writes meanwhile.

mod ends;
mod events;
mod parts;

use super::*;
use crate::prelude::*;
use rusqlite::Connection;
use std::sync::{Arc, Mutex};

const TABLES: (&str, &str) = (
    "tables",
    "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER);
     CREATE TABLE stock (id INTEGER PRIMARY KEY, available INTEGER CHECK (available >= 0));
     INSERT INTO stock VALUES (1, 3);
     CREATE VIEW endless AS WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n",
);

const SOON: Duration = Duration::from_millis(100);

type Heard = Arc<Mutex<Vec<(String, i64)>>>;

/// Two tables, and what is heard of them.
async fn app(db: &Sqlite) -> (App, Heard) {
    db.migrate(&[TABLES]).await.unwrap();
    let heard = Heard::default();
    let hear = |path: &'static str, heard: &Heard| {
        let heard = heard.clone();
        move |publication: &Publication| {
            let id = publication.data()["id"].as_i64().unwrap();
            heard.lock().unwrap().push((format!("{path} {}", publication.event()), id));
        }
    };
    let mount = |path: &'static str| {
        let table = db.table::<Value>(path).multi(true);
        Mount::new(table).on("created", hear(path, &heard)).on("patched", hear(path, &heard))
    };
    // Takes one from the stock with each thing that is created.
    let take = async |context: &mut Context| {
        let stock = context.service("stock");
        let left = stock.get(1, Params::new()).await?.to_value()?["available"].as_i64().unwrap_or_default();
        stock.patch(1, json!({"available": left - 1}), Params::new()).await?;
        Ok(())
    };
    let things = mount("things").around(Create, db.transaction().serializable(5)).after(Create, take);
    let app = App::builder().mount("things", things).mount("stock", mount("stock")).build().unwrap();
    (app, heard)
}

/// A database in a file, and one in memory.
async fn both(name: &str, settings: SqliteSettings) -> (Folder, [Sqlite; 2]) {
    let folder = Folder::new(name);
    let file = Sqlite::open_with(folder.0.join("data.db"), settings).await.unwrap();
    (folder, [file, Sqlite::memory_with(settings).await.unwrap()])
}

fn taken(heard: &Heard) -> Vec<(String, i64)> {
    std::mem::take(&mut *heard.lock().unwrap())
}

async fn ids(db: &Sqlite, table: &str) -> Vec<i64> {
    let sql = format!("SELECT id FROM {table} ORDER BY id");
    let read = move |connection: &Connection| {
        let mut ids = connection.prepare(&sql)?;
        Ok(ids.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?)
    };
    db.read(read).await.unwrap()
}

fn insert(id: i64) -> impl FnOnce(&Connection) -> Result<usize> + Send + 'static {
    move |connection| Ok(connection.execute("INSERT INTO stock VALUES (?, 0)", [id])?)
}

//! All of a table, in bounded memory.

use crate::store::Sqlite;
use crate::store::stream::tests::{is_read_in_bounded_memory, rows};
use serde_json::Value;

#[tokio::test]
async fn all_rows_are_paged_and_streamed_in_bounded_memory() {
    let folder = std::env::temp_dir().join(format!("wingbeat-stream-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let db = Sqlite::open(folder.join("db")).await.unwrap();
    let table = "CREATE TABLE rows (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, text TEXT NOT NULL); \
        CREATE INDEX rows_n ON rows (n)";
    db.migrate(&[("rows", table)]).await.unwrap();
    let insert = "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?) \
        INSERT INTO rows SELECT i, i % 1000, printf('%0460d', i) FROM numbers";
    db.write(move |connection| Ok(connection.execute(insert, [rows() as i64])?)).await.unwrap();
    is_read_in_bounded_memory(db.table::<Value>("rows")).await;
    db.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

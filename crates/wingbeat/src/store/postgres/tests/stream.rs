//! All of a table, in bounded memory.

use super::database;
use crate::store::stream::tests::{is_read_in_bounded_memory, rows};
use serde_json::Value;

#[tokio::test]
async fn all_rows_are_paged_and_streamed_in_bounded_memory() {
    let Some(db) = database().await else { return };
    let table = "CREATE TABLE rows (id bigint PRIMARY KEY, n integer NOT NULL, text text NOT NULL)";
    let insert = "INSERT INTO rows SELECT i, i % 1000, lpad(i::text, 460, '0')";
    let index = "CREATE INDEX ON rows (n, id); ANALYZE rows";
    db.batch(&format!(
        "SET statement_timeout = 0; {table}; {insert} FROM generate_series(1, {}) AS i; {index}",
        rows()
    ))
    .await;
    is_read_in_bounded_memory(db.table::<Value>("rows")).await;
}

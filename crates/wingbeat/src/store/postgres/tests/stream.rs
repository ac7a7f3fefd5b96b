//! All of a table, in bounded memory.

use super::database;
use crate::store::stream::tests::{is_read_in_bounded_memory, rows};
use serde_json::Value;

#[tokio::test]
async fn all_rows_are_paged_and_streamed_in_bounded_memory() {
    let Some(db) = database().await else { return };
    db.batch("CREATE TABLE rows (id bigint PRIMARY KEY, n integer NOT NULL, text text NOT NULL)").await;
    for first in (1..=rows()).step_by(20_000) {
        let numbers = format!("generate_series({first}, {}) AS i", rows().min(first + 19_999));
        db.batch(&format!("INSERT INTO rows SELECT i, i % 1000, lpad(i::text, 460, '0') FROM {numbers}")).await;
    }
    db.batch("CREATE INDEX ON rows (n, id); ANALYZE rows").await;
    is_read_in_bounded_memory(db.table::<Value>("rows")).await;
}

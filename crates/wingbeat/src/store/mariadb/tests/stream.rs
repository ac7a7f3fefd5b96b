//! All of a table, in bounded memory.

use super::database;
use crate::store::stream::tests::{is_read_in_bounded_memory, rows};
use serde_json::Value;

#[tokio::test]
async fn all_rows_are_paged_and_streamed_in_bounded_memory() {
    let Some(db) = database().await else { return };
    let table = "CREATE TABLE `rows` (id bigint PRIMARY KEY, n integer NOT NULL, text text NOT NULL, KEY (n))";
    let insert = format!("INSERT INTO `rows` SELECT seq, seq % 1000, LPAD(seq, 460, '0') FROM seq_1_to_{}", rows());
    db.batch(table).await;
    db.batch(&format!("SET STATEMENT max_statement_time = 0 FOR {insert}")).await;
    is_read_in_bounded_memory(db.table::<Value>("rows")).await;
}

//! All of a table, in bounded memory.

use super::database;
use crate::store::stream::tests::{is_read_in_bounded_memory, rows};
use serde_json::Value;

#[tokio::test]
async fn all_rows_are_paged_and_streamed_in_bounded_memory() {
    let Some(db) = database().await else { return };
    db.batch("CREATE TABLE `rows` (id bigint PRIMARY KEY, n integer NOT NULL, text text NOT NULL, KEY (n))").await;
    for first in (1..=rows()).step_by(20_000) {
        let numbers = format!("seq_{first}_to_{}", rows().min(first + 19_999));
        db.batch(&format!("INSERT INTO `rows` SELECT seq, seq % 1000, LPAD(seq, 460, '0') FROM {numbers}")).await;
    }
    is_read_in_bounded_memory(db.table::<Value>("rows")).await;
}

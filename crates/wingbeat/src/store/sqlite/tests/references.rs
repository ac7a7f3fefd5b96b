//! Foreign keys.

use super::*;
use crate::store::SqliteSettings;

async fn authors_and_books(foreign_keys: bool) -> (Table<SqliteTable>, Table<SqliteTable>) {
    let settings = SqliteSettings::default().foreign_keys(foreign_keys);
    let db = Sqlite::memory_with(settings).await.unwrap();
    let books = "CREATE TABLE books (id INTEGER PRIMARY KEY, author INTEGER REFERENCES authors (id), \
                 series INTEGER REFERENCES authors (id) ON DELETE CASCADE)";
    db.migrate(&[("authors", "CREATE TABLE authors (id INTEGER PRIMARY KEY)"), ("books", books)]).await.unwrap();
    (db.table::<Value>("authors"), db.table::<Value>("books"))
}

#[tokio::test]
async fn references_are_held() {
    let (authors, books) = authors_and_books(true).await;
    create(&authors, json!({"id": 1})).await.unwrap();
    create(&authors, json!({"id": 2})).await.unwrap();
    create(&books, json!({"id": 1, "author": 1})).await.unwrap();
    create(&books, json!({"id": 2, "series": 2})).await.unwrap();
    let refused = authors.remove(1.into(), &Params::new()).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (400, "A reference to another record would lead nowhere"));
    authors.remove(2.into(), &Params::new()).await.unwrap();
    assert_eq!(count(&books, json!({})).await, 1);
}

#[tokio::test]
async fn references_may_lead_nowhere_where_a_schema_from_node_needs_it() {
    let (authors, books) = authors_and_books(false).await;
    create(&authors, json!({"id": 1})).await.unwrap();
    create(&books, json!({"id": 1, "author": 1, "series": 1})).await.unwrap();
    authors.remove(1.into(), &Params::new()).await.unwrap();
    create(&books, json!({"id": 2, "author": 99})).await.unwrap();
    assert_eq!(count(&books, json!({})).await, 2);
}

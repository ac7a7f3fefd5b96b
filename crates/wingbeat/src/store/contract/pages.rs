//! Facts about pages: what they count.

use super::Client;
use crate::store::{Store, Table, Totals};
use serde_json::json;

super::facts! {
    a_total_is_exact_unless_the_table_says_otherwise
    a_total_goes_up_to_what_the_table_says
    a_table_without_totals_leaves_them_out
}

async fn a_total_is_exact_unless_the_table_says_otherwise<S: Store + Clone>(table: Table<S>) {
    for table in [table.clone().paginate(2, 3), table.paginate(2, 3).totals(Totals::Exact)] {
        let page = Client(table).find(json!({"$skip": 1, "$select": ["id"]})).await.unwrap();
        assert_eq!(page, json!({"total": 5, "limit": 2, "skip": 1, "data": [{"id": 2}, {"id": 3}]}));
    }
}

async fn a_total_goes_up_to_what_the_table_says<S: Store + Clone>(table: Table<S>) {
    for (most, query, total, ids) in [
        (3, json!({}), 3, &[1, 2][..]),
        (5, json!({}), 5, &[1, 2]),
        (9, json!({}), 5, &[1, 2]),
        (3, json!({"$limit": 0}), 3, &[]),
        (3, json!({"$skip": 4}), 3, &[5]),
        (3, json!({"$skip": 9}), 3, &[]),
        (9, json!({"$skip": 9}), 5, &[]),
        (1, json!({"$sort": {"n": -1}}), 1, &[5, 4]),
        (2, json!({"userId": 2}), 2, &[2, 4]),
        (0, json!({}), 0, &[1, 2]),
        // What databases leave to be decided row by row.
        (1, json!({"tags": "y", "$limit": 3}), 1, &[1, 5]),
        (9, json!({"tags": "y", "$limit": 1}), 2, &[1]),
        (1, json!({"$sort": {"deep": -1}}), 1, &[2, 3]),
    ] {
        let client = Client(table.clone().paginate(2, 3).totals(Totals::UpTo(most)));
        assert_eq!(client.find(query.clone()).await.unwrap()["total"], total, "{most} {query}");
        assert_eq!(client.ids(query.clone()).await, ids, "{most} {query}");
    }
}

async fn a_table_without_totals_leaves_them_out<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.paginate(2, 3).totals(Totals::None));
    let page = client.find(json!({"$select": ["id"]})).await.unwrap();
    assert_eq!(page.to_string(), r#"{"limit":2,"skip":0,"data":[{"id":1},{"id":2}]}"#);
    for (query, ids) in [
        (json!({"$skip": 4}), &[5][..]),
        (json!({"$limit": 0}), &[]),
        (json!({"tags": "y", "$skip": 1}), &[5]),
        (json!({"$sort": {"deep": -1}, "$limit": 1}), &[2]),
    ] {
        assert_eq!(client.find(query.clone()).await.unwrap().get("total"), None, "{query}");
        assert_eq!(client.ids(query.clone()).await, ids, "{query}");
    }
}

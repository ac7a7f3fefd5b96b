//! Facts about `$like`, `$notlike` and `$ilike`.

use super::{Client, refused};
use crate::store::{Store, Table};
use serde_json::{Value, json};

super::facts! {
    patterns_match_whole_texts_and_tell_cases_apart_unless_asked_not_to
    what_is_not_like_a_pattern_is_everything_else
    what_has_a_meaning_in_a_pattern_is_escaped
    patterns_look_at_texts_alone
    a_pattern_is_text_of_at_most_256_characters
    patterns_are_unknown_where_the_table_has_none
}

async fn ids<S: Store>(client: &Client<S>, cases: &[(Value, &[i64])]) {
    for (query, ids) in cases {
        assert_eq!(client.ids(query.clone()).await, *ids, "{query}");
    }
}

async fn patterns_match_whole_texts_and_tell_cases_apart_unless_asked_not_to<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.like());
    let cases = [
        (json!({"text": {"$like": "t%"}}), &[2, 3][..]),
        (json!({"text": {"$like": "%e"}}), &[1, 3, 5]),
        (json!({"text": {"$like": "_w_"}}), &[2]),
        (json!({"text": {"$like": "one"}}), &[1]),
        (json!({"text": {"$like": "on"}}), &[]),
        (json!({"text": {"$like": "%"}}), &[1, 2, 3, 4, 5]),
        (json!({"text": {"$like": "T%"}}), &[]),
        (json!({"text": {"$ilike": "T%"}}), &[2, 3]),
        (json!({"text": {"$ilike": "%O_R"}}), &[4]),
        (json!({"text": {"$ilike": "%OR"}}), &[]),
        (json!({"text": {"$like": "%o%", "$ne": "two"}, "n": {"$lt": 40}}), &[1]),
        (json!({"$or": [{"text": {"$like": "f%"}}, {"id": 1}]}), &[1, 4, 5]),
    ];
    ids(&client, &cases).await;
    client.patch(1, json!({"text": "Ünë"}), json!({})).await.unwrap();
    ids(&client, &[(json!({"text": {"$like": "Ü_ë"}}), &[1]), (json!({"text": {"$ilike": "ÜNë"}}), &[1])]).await;
}

async fn what_is_not_like_a_pattern_is_everything_else<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.like());
    client.patch(4, json!({"text": null}), json!({})).await.unwrap();
    let cases = [
        (json!({"text": {"$notlike": "t%"}}), &[1, 4, 5][..]),
        (json!({"text": {"$notlike": "T%"}}), &[1, 2, 3, 4, 5]),
        (json!({"text": {"$notlike": "%"}}), &[4]),
        (json!({"tags": {"$notlike": "x%"}}), &[2, 3, 4, 5]),
        (json!({"n": {"$notlike": "%"}}), &[1, 2, 3, 4, 5]),
        (json!({"text.inner": {"$notlike": "%"}}), &[1, 2, 3, 4, 5]),
        (json!({"$or": [{"text": {"$notlike": "t%"}, "n": 50}, {"id": 1}]}), &[1, 5]),
    ];
    ids(&client, &cases).await;
}

async fn what_has_a_meaning_in_a_pattern_is_escaped<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.like());
    let texts = ["100%", "a_b", r"a\b", "*", "[a]", "a!b", "'; --", "a?"];
    for text in texts {
        client.create(json!({ "text": text }), json!({})).await.unwrap();
    }
    for (pattern, expected) in [
        (r"100\%", "100%"),
        (r"%\_%", "a_b"),
        (r"a\\b", r"a\b"),
        ("*", "*"),
        ("[a]", "[a]"),
        ("a!b", "a!b"),
        ("%';%", "'; --"),
        ("a?", "a?"),
        (r"\a\?", "a?"),
    ] {
        for operator in ["$like", "$ilike"] {
            let found = client.find(json!({"text": {operator: pattern}})).await.unwrap();
            let found: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
            assert_eq!(found, [expected], "{operator} {pattern}");
        }
    }
    ids(&client, &[(json!({"text": {"$like": "one\0"}}), &[]), (json!({"text": {"$like": "one\0%"}}), &[])]).await;
}

async fn patterns_look_at_texts_alone<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.like());
    let cases = [
        (json!({"n": {"$like": "1%"}}), &[][..]),
        (json!({"id": {"$like": "%"}}), &[]),
        (json!({"read": {"$ilike": "t%"}}), &[]),
        (json!({"tags": {"$like": "y%"}}), &[1, 5]),
        (json!({"deep": {"$like": "%"}}), &[]),
        (json!({"deep.v": {"$like": "%"}}), &[]),
        (json!({"tags.0": {"$ilike": "X"}}), &[1]),
    ];
    ids(&client, &cases).await;
}

async fn a_pattern_is_text_of_at_most_256_characters<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.like());
    for operator in ["$like", "$notlike", "$ilike"] {
        let message = format!("Invalid {operator}: it must be text of at most 256 characters");
        for operand in [json!(1), json!(null), json!(["a"]), json!({"a": 1}), json!("ü".repeat(257))] {
            refused(client.find(json!({"text": {operator: operand}})).await, 400, &message);
        }
        assert!(client.find(json!({"text": {operator: "_".repeat(256)}})).await.is_ok());
        let message = format!(r"Invalid {operator}: write \\ for a backslash at the end of a pattern");
        refused(client.find(json!({"text": {operator: r"a\"}})).await, 400, &message);
    }
}

async fn patterns_are_unknown_where_the_table_has_none<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.clone());
    refused(client.find(json!({"text": {"$like": "%"}})).await, 400, "Invalid query parameter $like");
    refused(client.get(1, json!({"text": {"$ilike": "%"}})).await, 400, "Invalid query parameter $ilike");
    // An operator of the table's own has the name for itself.
    let own = table.like().operator("$like", |_: &Value| Ok(|value: &Value| *value == "one"));
    assert_eq!(Client(own).ids(json!({"text": {"$like": 7}})).await, [1]);
}

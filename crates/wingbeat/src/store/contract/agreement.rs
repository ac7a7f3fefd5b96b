//! Random records and queries: matching agrees with a naive model, and the stores agree with each other.

use super::super::filter::read;
use super::super::matches;
use super::super::operator::Syntax;
use crate::service::Query;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Few enough values that random ones meet.
pub(super) fn plain_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        4 => (-2i64..3).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(0.5), json!(-1.5), json!(1.0)]),
        4 => prop::sample::select(vec!["", "a", "b", "ab", "1", "0", "1e3", "é"]).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
    ]
}

pub(super) fn value() -> impl Strategy<Value = Value> {
    plain_value().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            members(prop::sample::select(vec!["x", "y"]), inner, 0..3),
        ]
    })
}

pub(super) fn members(
    name: impl Strategy<Value = &'static str>,
    value: impl Strategy<Value = Value>,
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = Value> {
    let member = (name, value).prop_map(|(name, value)| (name.to_owned(), value));
    prop::collection::vec(member, size).prop_map(|members| members.into_iter().collect())
}

/// Plain fields come more often: most of what a store decides itself is about them.
const FIELDS: [&str; 17] =
    ["id", "i", "r", "t", "b", "a", "id", "i", "r", "t", "b", "a", "j", "j.x", "j.x.y", "j.0", "t.x"];

fn test() -> impl Strategy<Value = Value> {
    let operand = || prop_oneof![3 => plain_value(), 1 => value()];
    let operator = prop_oneof![
        (prop::sample::select(vec!["$in", "$nin"]), prop::collection::vec(operand(), 0..4).prop_map(Value::Array)),
        (prop::sample::select(vec!["$ne", "$lt", "$lte", "$gt", "$gte", "$in"]), operand()),
    ];
    let operators = prop::collection::vec(operator, 1..3);
    prop_oneof![
        1 => operand(),
        2 => operators.prop_map(|operators| operators.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
    ]
}

pub(super) fn conditions() -> impl Strategy<Value = Value> {
    let fields = || {
        prop_oneof![3 => members(prop::sample::select(FIELDS.to_vec()), test(), 1..2),
                                1 => members(prop::sample::select(FIELDS.to_vec()), test(), 0..4)]
    };
    let alternatives = prop::collection::vec(fields(), 1..4);
    let nested = (members(prop::sample::select(FIELDS.to_vec()), test(), 0..2), alternatives);
    let nested = nested.prop_map(|(mut conditions, alternatives)| {
        conditions["$or"] = alternatives.into();
        conditions
    });
    prop_oneof![2 => fields(), 1 => nested]
}

/// All values that a path leads to, a list and its elements alike.
fn values_at(value: &Value, path: &[&str]) -> Vec<Value> {
    match (path, value) {
        ([], Value::Array(items)) => {
            items.iter().flat_map(|item| values_at(item, path)).chain([value.clone()]).collect()
        }
        ([], _) => vec![value.clone()],
        ([key, rest @ ..], Value::Object(members)) => values_at(members.get(*key).unwrap_or(&Value::Null), rest),
        ([key, rest @ ..], Value::Array(items)) => match key.parse::<usize>() {
            Ok(index) => items.iter().skip(index).take(1).flat_map(|item| values_at(item, rest)).collect(),
            Err(_) => items.iter().flat_map(|item| values_at(item, path)).collect(),
        },
        _ => vec![Value::Null],
    }
}

/// A value in one form: all numbers are floats, members are sorted.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{:?}", number.as_f64().unwrap()),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}:{}", canonical(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

pub(super) fn naive(query: &Value, record: &Value) -> bool {
    query.as_object().unwrap().iter().all(|(name, wanted)| {
        if name == "$or" {
            return wanted.as_array().unwrap().iter().any(|alternative| naive(alternative, record));
        }
        let found = values_at(record, &name.split('.').collect::<Vec<_>>());
        let holds = |operator: &str, operand: &Value| {
            let listed = |value: &Value| match operand {
                Value::Array(items) => items.iter().any(|item| canonical(item) == canonical(value)),
                single => canonical(single) == canonical(value),
            };
            let equal = |value: &Value| canonical(value) == canonical(operand);
            let ordered = |test: fn(std::cmp::Ordering) -> bool| {
                found.iter().any(|value| match (value, operand) {
                    (Value::Null, Value::Null) => test(std::cmp::Ordering::Equal),
                    (Value::Number(a), Value::Number(b)) => test(a.as_f64().partial_cmp(&b.as_f64()).unwrap()),
                    (Value::String(a), Value::String(b)) => test(a.cmp(b)),
                    (Value::Bool(a), Value::Bool(b)) => test(a.cmp(b)),
                    _ => false,
                })
            };
            match operator {
                "$in" => found.iter().any(listed),
                "$nin" => !found.iter().any(listed),
                "$ne" => !found.iter().any(equal),
                "$lt" => ordered(|ordering| ordering.is_lt()),
                "$lte" => ordered(|ordering| ordering.is_le()),
                "$gt" => ordered(|ordering| ordering.is_gt()),
                "$gte" => ordered(|ordering| ordering.is_ge()),
                _ => found.iter().any(equal),
            }
        };
        match wanted.as_object().filter(|members| members.keys().any(|key| key.starts_with('$'))) {
            Some(operators) => operators.iter().all(|(operator, operand)| holds(operator, operand)),
            None => holds("", wanted),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn matching_agrees_with_a_naive_model(
        record in members(prop::sample::select(vec!["id", "i", "t", "j"]), value(), 0..5),
        query in conditions(),
    ) {
        let condition = read(&Query::from_value(query.clone()).unwrap(), &Syntax::default()).unwrap();
        prop_assert_eq!(matches(&condition, record.as_object().unwrap()), naive(&query, &record));
    }

    #[test]
    fn no_query_panics(query in members("[$a-z.]{0,4}|\\$or|\\$and|\\$sort".prop_map(|name| &*name.leak()), value(), 0..4)) {
        let query = Query::from_value(query).unwrap();
        if let Err(error) = read(&query, &Syntax::default()) {
            prop_assert_eq!(error.code(), 400);
        }
    }
}

/// A record that fits the columns of the table below, nulls included.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
fn fitting_record() -> impl Strategy<Value = crate::store::Record> {
    let null_or = |value: BoxedStrategy<Value>| prop_oneof![1 => Just(Value::Null), 4 => value];
    let text = || prop::sample::select(vec!["", "a", "b", "ab", "1", "0", "1e3", "é"]).prop_map(Value::from).boxed();
    let number = || prop_oneof![(-2i64..3).prop_map(Value::from), Just(json!(0.5))].boxed();
    (
        null_or((-2i64..3).prop_map(Value::from).boxed()),
        null_or(number()),
        null_or(text()),
        null_or(any::<bool>().prop_map(Value::from).boxed()),
        null_or(prop_oneof![text(), number()].boxed()),
        value(),
    )
        .prop_map(|(i, r, t, b, a, j)| {
            let named = ["i", "r", "t", "b", "a", "j"].map(str::to_owned);
            named.into_iter().zip([i, r, t, b, a, j]).collect()
        })
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
mod between_stores {
    use super::super::{Client, drop_nulls};
    use super::*;
    use crate::service::{Params, RawService as _};
    #[cfg(feature = "sqlite")]
    use crate::store::Sqlite;
    use crate::store::{Memory, Record, Store};
    use wingbeat_core::IdArg;

    #[cfg(feature = "sqlite")]
    const TABLE: &str = "CREATE TABLE random (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BOOLEAN, a, j JSON)";

    /// What columns sort by, everywhere.
    fn keys() -> impl Strategy<Value = Value> {
        members(
            prop::sample::select(vec!["i", "r", "t", "b", "id"]),
            prop::sample::select(vec![json!(1), json!(-1)]),
            0..4,
        )
    }

    /// The records of all pages by cursor, and what they are in one.
    async fn walked<S: Store + Clone>(
        client: Client<S>,
        records: &[Record],
        query: &Value,
        sort: &Value,
        limit: u64,
    ) -> (String, String) {
        client.0.create(Some(json!(records).into()), &Params::new().with_multi()).await.unwrap();
        let mut query = query.clone();
        query["$sort"] = sort.clone();
        let mut whole = query.clone();
        let last = sort.as_object().unwrap().values().next_back().cloned().unwrap_or(json!(1));
        whole["$sort"].as_object_mut().unwrap().entry("id").or_insert(last);
        let whole = client.find(whole).await.unwrap();
        let paged = Client(client.0.clone().paginate(limit, limit));
        let (mut all, mut cursor) = (Vec::new(), json!(""));
        while !cursor.is_null() {
            query["$cursor"] = cursor;
            let mut page = paged.find(query.clone()).await.unwrap();
            all.extend(page["data"].as_array_mut().unwrap().iter_mut().map(Value::take));
            assert!(all.len() <= records.len(), "{query}: it has no end");
            cursor = page.get("next").cloned().unwrap_or_default();
        }
        (canonical(&json!(all)), canonical(&whole))
    }

    /// All that can be asked of a store, with everything that it answers.
    async fn answers<S: Store + Clone>(
        client: Client<S>,
        records: &[Record],
        query: &Value,
        page: &Value,
        patch: &Value,
    ) -> String {
        client.create(json!(records), json!({})).await.unwrap();
        let mut paged = query.clone();
        paged.as_object_mut().unwrap().extend(page.as_object().unwrap().clone());
        let mut answers = Vec::new();
        for answer in [
            client.find(query.clone()).await,
            client.find(paged.clone()).await,
            Client(client.0.clone().paginate(2, 3)).find(paged).await,
            client.get(2, query.clone()).await,
            client.patch(3, patch.clone(), query.clone()).await,
            client.patch(IdArg::Null, patch.clone(), query.clone()).await,
            client.update(1, patch.clone(), query.clone()).await,
            client.remove(2, query.clone()).await,
            client.remove(IdArg::Null, query.clone()).await,
            client.find(json!({})).await,
        ] {
            answers.push(match answer {
                Ok(mut value) => {
                    drop_nulls(&mut value);
                    canonical(&value)
                }
                Err(error) => format!("{error}"),
            });
        }
        answers.join("\n")
    }

    fn page() -> impl Strategy<Value = Value> {
        let direction = prop::sample::select(vec![json!(1), json!(-1)]);
        let sort = members(prop::sample::select(FIELDS.to_vec()), direction, 0..3);
        (sort, 0..5, 0..5).prop_map(|(sort, skip, limit)| json!({"$sort": sort, "$skip": skip, "$limit": limit}))
    }

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn memory_and_postgresql_give_the_same_answers() {
        use crate::store::postgres::tests::database;
        use proptest::test_runner::TestRunner;

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let Some(db) = runtime.block_on(database()) else { return };
        // Where SQLite takes texts and numbers, only JSON does.
        let table = "CREATE TABLE random (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
            i smallint, r real, t text, b boolean, a jsonb, j jsonb)";
        runtime.block_on(db.batch(table));
        let walk = (prop::collection::vec(fitting_record(), 0..12), conditions(), keys(), 1..5u64);
        let run = TestRunner::new(config()).run(&walk, |(records, query, sort, limit)| {
            let (paged, whole) = runtime.block_on(async {
                db.batch("TRUNCATE random RESTART IDENTITY").await;
                walked(Client(db.table::<Value>("random")), &records, &query, &sort, limit).await
            });
            prop_assert_eq!(paged, whole);
            Ok(())
        });
        run.unwrap();
        let asked = (prop::collection::vec(fitting_record(), 0..8), conditions(), page(), fitting_record());
        let run = TestRunner::new(config()).run(&asked, |(records, query, page, patch)| {
            let patch = Value::Object(patch);
            let (memory, postgres) = runtime.block_on(async {
                db.batch("TRUNCATE random RESTART IDENTITY").await;
                let postgres = Client(db.table::<Value>("random").multi(true));
                let memory = Client(Memory::new().start(1).multi(true));
                (
                    answers(memory, &records, &query, &page, &patch).await,
                    answers(postgres, &records, &query, &page, &patch).await,
                )
            });
            prop_assert_eq!(memory, postgres);
            Ok(())
        });
        run.unwrap();
    }

    #[cfg(feature = "mariadb")]
    #[test]
    fn memory_and_mariadb_give_the_same_answers() {
        use crate::store::mariadb::tests::database;
        use proptest::test_runner::TestRunner;

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let Some(db) = runtime.block_on(database()) else { return };
        // Where SQLite takes texts and numbers, only JSON does. The order of texts is that of their collation.
        let table = "CREATE TABLE random (id integer AUTO_INCREMENT PRIMARY KEY, i smallint, r float, t text, b boolean, \
            a json, j json) COLLATE utf8mb4_nopad_bin";
        runtime.block_on(db.batch(table));
        let walk = (prop::collection::vec(fitting_record(), 0..12), conditions(), keys(), 1..5u64);
        let run = TestRunner::new(config()).run(&walk, |(records, query, sort, limit)| {
            let (paged, whole) = runtime.block_on(async {
                db.batch("TRUNCATE random").await;
                walked(Client(db.table::<Value>("random")), &records, &query, &sort, limit).await
            });
            prop_assert_eq!(paged, whole);
            Ok(())
        });
        run.unwrap();
        let asked = (prop::collection::vec(fitting_record(), 0..8), conditions(), page(), fitting_record());
        let run = TestRunner::new(config()).run(&asked, |(records, query, page, patch)| {
            let patch = Value::Object(patch);
            let (memory, mariadb) = runtime.block_on(async {
                db.batch("TRUNCATE random").await;
                let mariadb = Client(db.table::<Value>("random").multi(true));
                let memory = Client(Memory::new().start(1).multi(true));
                (
                    answers(memory, &records, &query, &page, &patch).await,
                    answers(mariadb, &records, &query, &page, &patch).await,
                )
            });
            prop_assert_eq!(memory, mariadb);
            Ok(())
        });
        run.unwrap();
    }

    #[cfg(feature = "sqlite")]
    proptest! {
        #![proptest_config(config())]

        #[test]
        fn pages_by_cursor_are_the_whole_whatever_is_asked(
            records in prop::collection::vec(fitting_record(), 0..12),
            query in conditions(),
            sort in keys(),
            limit in 1..5u64,
            mixed in any::<bool>(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let mut sort = sort;
            if mixed {
                // Texts and numbers in one column.
                sort["a"] = (-1).into();
            }
            let (memory, sqlite) = runtime.block_on(async {
                let db = Sqlite::memory().await.unwrap();
                db.migrate(&[("random", TABLE)]).await.unwrap();
                let sqlite = Client(db.table::<Value>("random"));
                let memory = Client(Memory::new().start(1));
                (
                    walked(memory, &records, &query, &sort, limit).await,
                    walked(sqlite, &records, &query, &sort, limit).await,
                )
            });
            prop_assert_eq!(&memory.0, &memory.1);
            prop_assert_eq!(&sqlite.0, &sqlite.1);
            prop_assert_eq!(memory.0, sqlite.0);
        }

        #[test]
        fn memory_and_sqlite_give_the_same_answers(
            records in prop::collection::vec(fitting_record(), 0..8),
            query in conditions(),
            page in page(),
            patch in fitting_record(),
        ) {
            let patch = Value::Object(patch);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (memory, sqlite) = runtime.block_on(async {
                let db = Sqlite::memory().await.unwrap();
                db.migrate(&[("random", TABLE)]).await.unwrap();
                let sqlite = Client(db.table::<Value>("random").multi(true));
                let memory = Client(Memory::new().start(1).multi(true));
                (
                    answers(memory, &records, &query, &page, &patch).await,
                    answers(sqlite, &records, &query, &page, &patch).await,
                )
            });
            prop_assert_eq!(memory, sqlite);
        }
    }
}

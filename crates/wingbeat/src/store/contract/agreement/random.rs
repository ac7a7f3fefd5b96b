//! Records and queries at random.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Few enough values that random ones meet.
pub(in super::super) fn plain_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        4 => (-2i64..3).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(0.5), json!(-1.5), json!(1.0)]),
        4 => prop::sample::select(vec!["", "a", "b", "ab", "1", "0", "1e3", "é"]).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
    ]
}

pub(in super::super) fn value() -> impl Strategy<Value = Value> {
    plain_value().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            members(prop::sample::select(vec!["x", "y"]), inner, 0..3),
        ]
    })
}

pub(in super::super) fn members(
    name: impl Strategy<Value = &'static str>,
    value: impl Strategy<Value = Value>,
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = Value> {
    let member = (name, value).prop_map(|(name, value)| (name.to_owned(), value));
    prop::collection::vec(member, size).prop_map(|members| members.into_iter().collect())
}

/// Plain fields come more often: most of what a store decides itself is about them.
pub(super) const FIELDS: [&str; 17] =
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

pub(in super::super) fn conditions() -> impl Strategy<Value = Value> {
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

/// A record that fits the columns of the tables of [`stores`](super::stores), nulls included.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
pub(super) fn fitting_record() -> impl Strategy<Value = crate::store::Record> {
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

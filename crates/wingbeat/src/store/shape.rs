//! What a call asks, without its values.

use crate::store::{Condition, Find, SortKey, Target, Test};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher as _};
use std::mem::discriminant;

/// What a call asks of a table, as far as it tells how long that takes: which columns are tested how, and sorted by.
///
/// It is a set: how often a test stands there, in which order, how many values it has and where parentheses are makes no
/// other shape, so clients can not make up many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape(u64);

impl Shape {
    /// Something that is done with a table.
    pub(super) fn new(table: &str, what: impl Hash) -> Shape {
        Shape(hash((table, what)))
    }

    pub(super) fn find(table: &str, find: &Find) -> Shape {
        let pages = find.skip.checked_ilog2();
        let by_keys = find.after.as_ref().map(Vec::is_empty);
        let what = (tests(&find.target), keys(&find.sort), by_keys, pages, find.limit.is_some(), find.count);
        Shape::new(table, what)
    }

    /// Something that is done with those records.
    #[cfg(feature = "sqlite")]
    pub(super) fn change(table: &str, what: &str, target: &Target) -> Shape {
        Shape::new(table, (what, tests(target)))
    }
}

fn tests(target: &Target) -> u64 {
    let mut bits = 0;
    add_tests(&target.condition, &mut bits);
    hash((target.id.is_some(), bits))
}

fn add_tests(condition: &Condition, bits: &mut u64) {
    match condition {
        Condition::All(members) | Condition::Any(members) => {
            members.iter().for_each(|member| add_tests(member, bits));
        }
        Condition::Field(path, Test::Own(own)) => *bits |= bit((path.split().0, own.name())),
        Condition::Field(path, test) => *bits |= bit((path.split().0, discriminant(test))),
    }
}

fn keys(sort: &[SortKey]) -> u64 {
    sort.iter().fold(0, |bits, key| bits | bit((key.path.split().0, key.descending)))
}

/// One of 64: what shares it is taken for the same.
fn bit(what: impl Hash) -> u64 {
    1 << (hash(what) % 64)
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Path;
    use serde_json::{Value, json};

    fn field(name: &str, test: Test) -> Condition {
        Condition::Field(Path::new(name), test)
    }

    fn find(conditions: Vec<Condition>, sort: &[&str]) -> Find {
        let key = |name: &&str| SortKey { path: Path::new(name), descending: false };
        let target = Target { condition: Condition::All(conditions), ..Target::default() };
        Find { target, sort: sort.iter().map(key).collect(), ..Find::default() }
    }

    fn shape(conditions: Vec<Condition>, sort: &[&str]) -> Shape {
        Shape::find("users", &find(conditions, sort))
    }

    #[test]
    fn values_and_their_number_make_no_other_shape() {
        let none_of = |n: u32| field("name", Test::NotIn((0..n).map(Value::from).collect()));
        let one = shape(vec![none_of(1)], &["age", "name"]);
        assert_eq!(one, shape(vec![none_of(1900)], &["name", "age"]));
        assert_eq!(one, shape(vec![Condition::Any(vec![none_of(2), none_of(3)])], &["age", "name"]));
    }

    #[test]
    fn other_columns_and_tests_do() {
        let is = |name| field(name, Test::Is(json!(1)));
        let shapes = [
            shape(vec![], &[]),
            shape(vec![], &["age"]),
            shape(vec![is("age")], &[]),
            shape(vec![is("name")], &[]),
            shape(vec![field("age", Test::IsNot(json!(1)))], &[]),
            Shape::find("users", &Find { skip: 100_000, ..find(vec![], &[]) }),
            Shape::find("messages", &find(vec![], &[])),
        ];
        for (at, one) in shapes.iter().enumerate() {
            assert!(!shapes[at + 1..].contains(one), "{at}");
        }
    }
}

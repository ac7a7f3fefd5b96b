//! Random records and queries: matching agrees with a naive model, and the stores agree with each other.

mod naive;
mod random;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
mod stores;

pub(super) use naive::{canonical, naive};
pub(super) use random::{conditions, members, plain_value, value};

use super::super::filter::read;
use super::super::matches;
use super::super::operator::Syntax;
use crate::service::Query;
use proptest::prelude::*;

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

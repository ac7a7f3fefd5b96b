//! Which tests SQL leaves open.

use super::{Column, Columns, Dialect};
use crate::store::like::Piece;
use crate::store::{Comparison, Condition, Test};
use serde_json::Value;

/// Whether SQL leaves the condition open, because it tests a column that SQL does not look into, or by an operator that
/// SQL does not know. Its answer is then too large, never too small.
pub(in crate::store) fn is_open<D: Dialect>(condition: &Condition, columns: &Columns<D>) -> bool {
    match condition {
        Condition::All(members) | Condition::Any(members) => members.iter().any(|member| is_open(member, columns)),
        Condition::Field(path, test) => {
            columns.find(path.split().0).is_ok_and(|column| is_left_open(column, test, columns))
        }
    }
}

/// What SQL has left open. What it has decided is not asked again: collations are its own.
pub(super) fn open_part<D: Dialect>(condition: &Condition, columns: &Columns<D>) -> Condition {
    match condition {
        Condition::All(members) => {
            let open = members.iter().filter(|member| is_open(member, columns));
            Condition::All(open.map(|member| open_part(member, columns)).collect())
        }
        other => other.clone(),
    }
}

pub(super) fn is_left_open<D: Dialect>(column: &Column<D>, test: &Test, columns: &Columns<D>) -> bool {
    match test {
        _ if D::is_open(column, test) => true,
        Test::Own(own) => columns.sql_operator(own).is_none(),
        // It would end there.
        Test::Like(like) => like.pieces().contains(&Piece::This('\0')),
        _ => false,
    }
}

pub(super) fn passes_null(test: &Test) -> bool {
    match test {
        Test::Is(value) => value.is_null(),
        Test::IsNot(value) => !value.is_null(),
        Test::In(values) => values.iter().any(Value::is_null),
        Test::NotIn(values) => !values.iter().any(Value::is_null),
        Test::Compare(Comparison::LessOrEqual | Comparison::GreaterOrEqual, value) => value.is_null(),
        Test::Compare(Comparison::Less | Comparison::Greater, _) => false,
        Test::Like(like) => like.is_negated(),
        Test::Own(own) => own.holds(&Value::Null),
    }
}

//! New records, several with one statement.

use super::connection::{VALUES, size};
use super::dialect::{Columns, Statement};
use crate::store::Record;
use crate::store::sql::insert;
use wingbeat_core::Result;

/// How many bytes a statement has at most, unless it has only one record. The server takes 16 MiB, or as it is set.
const BYTES: usize = 1 << 20;

/// Records that follow one another and have the same fields are added by one statement: each waits for the one before it,
/// because the protocol has no two on their way.
///
/// # Errors
/// BadRequest where data and columns do not fit.
pub(super) fn inserts(columns: &Columns, records: &[Record]) -> Result<Vec<Statement>> {
    let mut statements: Vec<Statement> = Vec::new();
    let (mut text, mut bytes) = (String::new(), 0);
    for record in records {
        let next = insert(columns, record)?;
        let size: usize = next.values.iter().map(size).sum();
        match statements.last_mut() {
            Some(last)
                if next.text == text
                    && bytes + size <= BYTES
                    && last.values.len() + next.values.len() <= VALUES
                    && !next.values.is_empty() =>
            {
                // The places of the values come last, and there are no other parentheses among them.
                last.text.push_str(", ");
                last.text.push_str(&next.text[next.text.rfind('(').unwrap_or_default()..]);
                last.values.extend(next.values);
                bytes += size;
            }
            _ => {
                (text, bytes) = (next.text.clone(), size);
                statements.push(next);
            }
        }
    }
    Ok(statements)
}

//! What went wrong in the database, as clients may know it.

use sqlx::error::DatabaseError;
use wingbeat_core::Error;

const CONSTRAINT: u32 = 19;
const CONSTRAINT_FOREIGN_KEY: u32 = 787;
const CONSTRAINT_NOT_NULL: u32 = 1299;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;

/// Unique: Conflict. Other constraints: BadRequest. Busy: Unavailable. All else is internal. What SQLite said is kept for
/// the log and not sent: it may hold values.
pub(super) fn mapped(error: sqlx::Error) -> Error {
    let known = match &error {
        sqlx::Error::PoolTimedOut => Some(busy()),
        sqlx::Error::Database(database) => known(&**database),
        _ => None,
    };
    match known {
        Some(known) => known.with_source(error),
        None => Error::internal(error),
    }
}

fn known(error: &dyn DatabaseError) -> Option<Error> {
    let code: u32 = error.code()?.parse().ok()?;
    // The lower byte is the class of the extended code.
    match code & 0xff {
        BUSY | LOCKED => return Some(busy()),
        CONSTRAINT => {}
        _ => return None,
    }
    let fields = fields(error.message());
    Some(match code {
        _ if error.is_unique_violation() && fields.is_empty() => Error::conflict("The record exists already"),
        _ if error.is_unique_violation() => Error::conflict(format!("A record with the same {fields} exists already")),
        CONSTRAINT_NOT_NULL if !fields.is_empty() => Error::bad_request(format!("{fields} must not be null")),
        CONSTRAINT_FOREIGN_KEY => Error::bad_request("A reference to another record would lead nowhere"),
        _ => Error::bad_request("The data breaks a rule of the table"),
    })
}

fn busy() -> Error {
    Error::unavailable("The database is busy")
}

/// The columns in `UNIQUE constraint failed: users.email, users.tenant`, in quotes.
fn fields(message: &str) -> String {
    let Some((_, columns)) = message.split_once("constraint failed: ") else { return String::new() };
    let name = |column: &str| column.split_once('.').map(|(_, name)| format!("'{name}'"));
    columns.split(", ").map(name).collect::<Option<Vec<_>>>().unwrap_or_default().join(", ")
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn only_columns_are_named() {
        assert_eq!(fields("UNIQUE constraint failed: users.email, users.tenant"), "'email', 'tenant'");
        assert_eq!(fields("UNIQUE constraint failed: index 'by_lower_name'"), "");
        assert_eq!(fields("FOREIGN KEY constraint failed"), "");
    }
}

//! What went wrong in the database, as clients may know it.

use rusqlite::ffi::{self, ErrorCode};
use wingbeat_core::Error;

/// Unique: Conflict. Other constraints: BadRequest. Busy: Unavailable. All else is internal. What SQLite said is kept for
/// the log and not sent: it may hold values.
pub(super) fn mapped(error: rusqlite::Error) -> Error {
    match known(&error) {
        Some(known) => known.with_source(error),
        None => Error::internal(error),
    }
}

/// The same for an error that has come through `?`, unless somebody has worded it since.
pub(super) fn worded(error: Error) -> Error {
    match error.downcast_ref().and_then(known) {
        Some(known) => error.map_source(|_: &rusqlite::Error| known),
        None => error,
    }
}

pub(super) fn busy() -> Error {
    Error::unavailable("The database is busy")
}

pub(super) fn closed() -> Error {
    Error::unavailable("The database is closed")
}

pub(super) fn too_slow() -> Error {
    Error::unavailable("The transaction took too long and was rolled back, try again later")
        .with_source("it kept all others from writing for longer than SqliteSettings::transaction_timeout")
}

/// Nothing more can be done in a transaction.
pub(super) fn ended() -> Error {
    Error::unavailable("The transaction was rolled back before its end, try again later")
}

fn known(error: &rusqlite::Error) -> Option<Error> {
    let rusqlite::Error::SqliteFailure(failure, message) = error else { return None };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => return Some(busy()),
        ErrorCode::DiskFull => return Some(Error::unavailable("The database is full")),
        ErrorCode::ConstraintViolation => {}
        _ => return None,
    }
    let fields = fields(message.as_deref().unwrap_or_default());
    Some(match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            match fields.is_empty() {
                true => Error::conflict("The record exists already"),
                false => Error::conflict(format!("A record with the same {fields} exists already")),
            }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL if !fields.is_empty() => {
            Error::bad_request(format!("{fields} must not be null"))
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::bad_request("A reference to another record would lead nowhere"),
        _ => Error::bad_request("The data breaks a rule of the table"),
    })
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

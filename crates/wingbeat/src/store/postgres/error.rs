//! What went wrong in the database, as clients may know it.

use std::error::Error as StdError;
use std::io;
use tokio_postgres::error::{DbError, SqlState};
use wingbeat_core::Error;

/// By SQLSTATE. What PostgreSQL said is kept for the log and not sent: it may hold values.
pub(super) fn mapped(error: tokio_postgres::Error) -> Error {
    match error.as_db_error().map(known) {
        Some(Some(known)) => known.with_source(error),
        Some(None) => Error::internal(error),
        // All that did not come from the database is about the connection.
        None => lost().with_source(error),
    }
}

/// The same for an error that has come through `?` from SQL of the application's own, unless somebody has worded it since.
/// Such code can fail without the database, by a row that is missing, say: that is internal.
pub(super) fn worded(error: Error) -> Error {
    let word = |error: &tokio_postgres::Error| match error.as_db_error() {
        Some(error) => known(error),
        None => (error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<io::Error>)).then(lost),
    };
    match error.downcast_ref().and_then(word) {
        Some(known) => error.map_source(|_: &tokio_postgres::Error| known),
        None => error,
    }
}

pub(super) fn lost() -> Error {
    Error::unavailable("The database can not be reached, try again later")
}

pub(super) fn busy() -> Error {
    Error::unavailable("The database is busy")
}

pub(super) fn closed() -> Error {
    Error::unavailable("The database is closed")
}

pub(super) fn too_slow() -> Error {
    Error::unavailable("The database took too long")
}

fn known(error: &DbError) -> Option<Error> {
    let code = error.code();
    let class = code.code().get(..2).unwrap_or_default();
    Some(match class {
        _ if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::EXCLUSION_VIOLATION => {
            match key(error.detail().unwrap_or_default()) {
                Some(fields) => Error::conflict(format!("A record with the same {fields} exists already")),
                None => Error::conflict("The record exists already"),
            }
        }
        _ if *code == SqlState::NOT_NULL_VIOLATION => match error.column() {
            Some(column) => Error::bad_request(format!("'{column}' must not be null")),
            None => Error::bad_request("A value must not be null"),
        },
        _ if *code == SqlState::FOREIGN_KEY_VIOLATION => {
            Error::bad_request("A reference to another record would lead nowhere")
        }
        // What triggers raise is a rule of the table as well.
        "23" | "27" | "44" | "P0" => Error::bad_request("The data breaks a rule of the table"),
        _ if *code == SqlState::NUMERIC_VALUE_OUT_OF_RANGE => {
            Error::bad_request("A number is too large or too small for its field")
        }
        _ if *code == SqlState::STRING_DATA_RIGHT_TRUNCATION => Error::bad_request("A text is too long for its field"),
        _ if *code == SqlState::UNTRANSLATABLE_CHARACTER || *code == SqlState::CHARACTER_NOT_IN_REPERTOIRE => {
            Error::bad_request("A text has a character that the database can not keep")
        }
        "22" => Error::bad_request("A value does not fit its field"),
        // Fields of some types have no order, or not even equality; others accept no such text.
        _ if *code == SqlState::UNDEFINED_FUNCTION => {
            Error::bad_request("A field of this type can not be compared in this way")
        }
        "54" => Error::bad_request("A value or a query is too large for the database"),
        _ if *code == SqlState::QUERY_CANCELED => too_slow(),
        _ if *code == SqlState::LOCK_NOT_AVAILABLE => busy(),
        "40" => Error::unavailable("Others change the same records, try again"),
        "53" => Error::unavailable("The database is full"),
        "08" | "57" => lost(),
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => lost(),
        // The table has changed in the middle of a transaction, or again.
        _ if is_stale(code) || *code == SqlState::IN_FAILED_SQL_TRANSACTION => lost(),
        _ => return None,
    })
}

/// Whether a transaction failed because of others, and may succeed when it is done again.
pub(super) fn is_conflict(error: &Error) -> bool {
    code(error).is_some_and(|code| code.code().starts_with("40"))
}

/// Whether something was to be written where that is not allowed.
pub(super) fn is_read_only(error: &Error) -> bool {
    code(error).is_some_and(|code| *code == SqlState::READ_ONLY_SQL_TRANSACTION)
}

fn code(error: &Error) -> Option<&SqlState> {
    error.downcast_ref::<tokio_postgres::Error>()?.code()
}

/// Whether a statement has to be prepared anew.
pub(super) fn is_stale(code: &SqlState) -> bool {
    *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME
}

/// The columns in `Key (email, "Tenant")=(a, 1) already exists.`, whatever the language, in quotes. Of those that are
/// calculated nothing is told.
fn key(detail: &str) -> Option<String> {
    let (_, rest) = detail.split_once('(')?;
    let (columns, _) = rest.split_once(")=(")?;
    let name = |column: &str| {
        let name = column.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(column);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| format!("'{name}'"))
    };
    Some(columns.split(", ").map(name).collect::<Option<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn only_columns_are_named() {
        let names = |detail| key(detail).unwrap_or_default();
        assert_eq!(names(r#"Key (email, "Tenant")=(a, 1) already exists."#), "'email', 'Tenant'");
        assert_eq!(names("Schlüssel »(email)=(a)« existiert bereits."), "'email'");
        assert_eq!(names("Key (lower(name))=(secret) already exists."), "");
        assert_eq!(names("(a) = b"), "");
    }
}

//! What went wrong in the database, as clients may know it.

use mysql_async::{DriverError, Error as Driver, ServerError};
use std::fmt;
use wingbeat_core::Error;

/// By MariaDB's numbers. What it said is kept for the log and not sent: it may hold values.
pub(super) fn mapped(error: Driver) -> Error {
    let known = match &error {
        Driver::Server(told) => known(told),
        Driver::Driver(DriverError::PacketTooLarge) => Some(too_large()),
        // All that did not come from the database is about the connection.
        _ => Some(lost()),
    };
    match known {
        Some(known) => known.with_source(error),
        None => Error::internal(error),
    }
}

/// The same for an error that has come through `?` from SQL of the application's own, unless somebody has worded it since.
/// Such code can fail without the database, by a row that cannot be read, say: that is internal.
pub(super) fn worded(error: Error) -> Error {
    let word = |error: &Driver| match error {
        Driver::Server(told) => known(told),
        Driver::Driver(DriverError::PacketTooLarge) => Some(too_large()),
        Driver::Io(_) | Driver::Driver(DriverError::ConnectionClosed) => Some(lost()),
        _ => None,
    };
    match error.downcast_ref().and_then(word) {
        Some(known) => error.map_source(|_: &Driver| known),
        None => error,
    }
}

pub(super) fn lost() -> Error {
    Error::unavailable("The database can not be reached, try again later")
}

pub(super) fn too_slow() -> Error {
    Error::unavailable("The database took too long")
}

pub(super) fn conflict() -> Error {
    Error::unavailable("Others change the same records, try again").with_source(RolledBack)
}

pub(super) fn too_large() -> Error {
    Error::bad_request("A value or a query is too large for the database")
}

fn known(error: &ServerError) -> Option<Error> {
    Some(match error.code {
        // A key, also that of records that refer to this one.
        1022 | 1062 | 1586 | 1761 | 1762 => Error::conflict("The record exists already"),
        1048 | 1364 => match column(&error.message) {
            Some(column) => Error::bad_request(format!("'{column}' must not be null")),
            None => Error::bad_request("A value must not be null"),
        },
        1216 | 1217 | 1451 | 1452 => Error::bad_request("A reference to another record would lead nowhere"),
        // Checks, also of views, and what triggers signal.
        1288 | 1369 | 1471 | 1644 | 4025 => Error::bad_request("The data breaks a rule of the table"),
        1264 | 1690 => Error::bad_request("A number is too large or too small for its field"),
        1406 => Error::bad_request("A text is too long for its field"),
        1300 | 1366 => Error::bad_request("A text has a character that the database can not keep"),
        1265 | 1292 | 1411 | 1416 | 1441 | 1525 => Error::bad_request("A value does not fit its field"),
        1267 | 1270 | 1271 | 4078 => Error::bad_request("A field of this type can not be compared in this way"),
        1118 | 1153 | 1390 | 1436 => too_large(),
        STATEMENT_TIMEOUT => too_slow(),
        LOCK_WAIT_TIMEOUT => Error::unavailable("The database is busy"),
        code if is_rolled_back(code) => Error::unavailable("Others change the same records, try again"),
        // Memory, disk, connections, statements.
        1021 | 1037 | 1038 | 1040 | 1041 | 1114 | 1203 | 1226 | 1461 => Error::unavailable("The database is full"),
        // Only to be read, interrupted, or another table than it was.
        1290 | 1317 | 1412 | 1615 | 1792 | 1836 => lost(),
        code if is_end(code) => lost(),
        _ => match error.state.get(..2) {
            Some("22") => Error::bad_request("A value does not fit its field"),
            Some("23" | "45") => Error::bad_request("The data breaks a rule of the table"),
            Some("08") => lost(),
            _ => return None,
        },
    })
}

const LOCK_WAIT_TIMEOUT: u16 = 1205;
const STATEMENT_TIMEOUT: u16 = 1969;

/// Whether MariaDB has rolled back the whole transaction: a deadlock, or what others have changed since it was read.
fn is_rolled_back(code: u16) -> bool {
    matches!(code, 1020 | 1213)
}

/// Whether the connection has ended: the server goes, the connection was killed, or the network failed.
fn is_end(code: u16) -> bool {
    matches!(code, 1053 | 1152 | 1156..=1161 | 1184 | 1927)
}

/// Whether a transaction failed because of others, and may succeed when it is done again.
pub(super) fn is_conflict(error: &Error) -> bool {
    is_deadlock(error) || matches!(error.downcast_ref(), Some(Driver::Server(told)) if told.code == LOCK_WAIT_TIMEOUT)
}

/// Whether the transaction has been rolled back for the sake of others.
pub(super) fn is_deadlock(error: &Error) -> bool {
    matches!(error.downcast_ref(), Some(Driver::Server(told)) if is_rolled_back(told.code))
        || error.downcast_ref::<RolledBack>().is_some()
}

/// Whether a statement has to be prepared anew.
pub(super) fn is_stale(error: &Driver) -> bool {
    matches!(error, Driver::Server(told) if matches!(told.code, 1615 | 1243 | 1412))
}

/// Whether nothing more comes of the connection.
pub(super) fn is_fatal(error: &Driver) -> bool {
    match error {
        Driver::Server(told) => is_end(told.code),
        Driver::Driver(DriverError::PacketTooLarge) => false,
        _ => true,
    }
}

/// The same of an error from code that is not ours, which may have made it itself.
pub(super) fn is_end_of_connection(error: &Driver) -> bool {
    match error {
        Driver::Server(told) => is_end(told.code),
        Driver::Io(_) | Driver::Driver(DriverError::ConnectionClosed | DriverError::PacketOutOfOrder) => true,
        _ => false,
    }
}

/// The key in `Duplicate entry 'a' for key 'email'`, whatever the language: it comes last.
pub(super) fn key(error: &Error) -> Option<&str> {
    let Some(Driver::Server(ServerError { code: 1062 | 1586, message, .. })) = error.downcast_ref() else {
        return None;
    };
    let (_, key) = message.strip_suffix('\'')?.rsplit_once('\'')?;
    Some(key)
}

/// The column in `Column 'email' cannot be null`, whatever the language. No value stands there.
fn column(message: &str) -> Option<&str> {
    message.split('\'').nth(1).filter(|name| !name.is_empty())
}

/// MariaDB has ended a transaction by itself, and what came later was not done.
#[derive(Debug)]
pub(super) struct RolledBack;

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database has rolled back the transaction")
    }
}

impl std::error::Error for RolledBack {}

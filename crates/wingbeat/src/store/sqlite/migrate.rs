//! Migrations: SQL that a database runs once.

use crate::store::sql::check_migrations;
use rusqlite::Connection;
use wingbeat_core::{Error, Result};

// The whole text is kept, not a hash: who wonders what ran can read it.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS _migrations \
    (name TEXT PRIMARY KEY, sql TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// Runs what has not run yet: within a transaction that writes from the start, so that of two programs that start at once
/// the second waits and finds all done.
pub(super) fn migrate(connection: &Connection, migrations: &[(String, String)]) -> Result<()> {
    connection.execute_batch(TABLE)?;
    let mut ran = connection.prepare("SELECT name, sql FROM _migrations ORDER BY rowid")?;
    let ran = ran.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let ran: Vec<(String, String)> = ran.collect::<rusqlite::Result<_>>()?;
    let listed: Vec<_> = migrations.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    check_migrations(&ran, &listed)?;
    for (name, sql) in migrations.iter().skip(ran.len()) {
        let failed = |error| Error::general(format!("Migration '{name}' failed")).with_source(error);
        connection.execute_batch(sql).map_err(failed)?;
        let remember = "INSERT INTO _migrations (name, sql) VALUES (?, ?)";
        connection.execute(remember, [name, sql]).map_err(failed)?;
    }
    Ok(())
}

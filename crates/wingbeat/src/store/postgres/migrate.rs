//! Migrations: SQL that a database runs once.

use super::connection::Connection;
use super::error::mapped;
use crate::store::sql::check_migrations;
use wingbeat_core::{Error, Result};

/// Two that begin at once wait here for each other; any number that no other program uses.
const BEGIN: &str = "SET LOCAL statement_timeout = 0; \
    SELECT pg_advisory_xact_lock(7741653221004813); \
    CREATE TABLE IF NOT EXISTS _migrations (number bigint GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, \
        sql text NOT NULL, at timestamptz NOT NULL DEFAULT now())";

// The whole text is kept, not a hash: who wonders what ran can read it.
const REMEMBER: &str = "INSERT INTO _migrations (name, sql) VALUES ($1, $2)";

/// Runs what has not run yet, within a transaction.
pub(super) async fn migrate(connection: &Connection, migrations: &[(&str, &str)]) -> Result<()> {
    connection.batch_without_limit(BEGIN).await?;
    let ran = connection.query("SELECT name, sql FROM _migrations ORDER BY number", &[]).await?;
    let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    let ran = ran.iter().map(read).collect::<std::result::Result<Vec<(String, String)>, _>>();
    let ran = ran.map_err(mapped)?;
    check_migrations(&ran, migrations)?;
    for (name, sql) in migrations.iter().skip(ran.len()) {
        let failed = |error| Error::general(format!("Migration '{name}' failed")).with_source(error);
        connection.batch_without_limit(sql).await.map_err(failed)?;
        connection.query(REMEMBER, &[name, sql]).await.map_err(failed)?;
    }
    Ok(())
}

//! Migrations: SQL that a database runs once.

use super::error::mapped;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row};
use wingbeat_core::{Error, Result};

// The whole text is kept, not a hash: who wonders what ran can read it.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS _migrations \
    (name TEXT PRIMARY KEY, sql TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)";

pub(super) async fn migrate(pool: &SqlitePool, migrations: &[(&str, &str)]) -> Result<()> {
    // One transaction that writes from the start: of two programs that start at once, the second waits and finds all done.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(mapped)?;
    sqlx::query(TABLE).execute(&mut *transaction).await.map_err(mapped)?;
    let ran = sqlx::query("SELECT name, sql FROM _migrations ORDER BY rowid");
    let ran = ran.fetch_all(&mut *transaction).await.map_err(mapped)?;
    for (index, row) in ran.iter().enumerate() {
        let (name, sql): (String, String) = (row.try_get(0).map_err(mapped)?, row.try_get(1).map_err(mapped)?);
        match migrations.get(index) {
            Some((listed, text)) if *listed == name && *text == sql => {}
            Some((listed, _)) if *listed == name => {
                return Err(Error::general(format!("Migration '{name}' was changed after it ran")));
            }
            _ => {
                return Err(Error::general(format!(
                    "The database has run migration '{name}', which is not listed there"
                )));
            }
        }
    }
    for (name, sql) in migrations.iter().skip(ran.len()) {
        let failed = |error| Error::general(format!("Migration '{name}' failed")).with_source(error);
        // The program's own SQL, not a client's.
        let run = sqlx::raw_sql(AssertSqlSafe((*sql).to_owned()));
        run.execute(&mut *transaction).await.map_err(failed)?;
        let remember = sqlx::query("INSERT INTO _migrations (name, sql) VALUES (?, ?)").bind(*name).bind(*sql);
        remember.execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(mapped)
}

//! Migrations: SQL that a database runs once.

use super::connection::Connection;
use crate::store::sql::check_migrations;
use mysql_async::{Row, Value as Cell};
use wingbeat_core::{Error, Result};

/// Two that begin at once wait here for each other: per database, as a lock is the server's.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('wingbeat ', MD5(DATABASE())), 31536000)";
const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT('wingbeat ', MD5(DATABASE())))";

// The whole text is kept, not a hash: who wonders what ran can read it.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS _migrations (number bigint AUTO_INCREMENT PRIMARY KEY, \
    name varchar(255) NOT NULL UNIQUE, `sql` longtext NOT NULL, began timestamp NOT NULL DEFAULT current_timestamp(), \
    done timestamp NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

/// Runs what has not run yet. MariaDB commits with each statement that changes a table, so each one is marked before it
/// begins, and when it is done. The connection is not as it was afterwards: migrations may set what they like.
pub(super) async fn migrate(connection: &mut Connection, migrations: &[(&str, &str)]) -> Result<()> {
    connection.batch("SET max_statement_time = 0").await?;
    connection.batch_without_limit(LOCK).await.map_err(|(error, _)| error)?;
    let ran = run(connection, migrations).await;
    connection.batch(UNLOCK).await?;
    ran
}

async fn run(connection: &mut Connection, migrations: &[(&str, &str)]) -> Result<()> {
    connection.batch(TABLE).await?;
    let rows = "SELECT name, `sql`, done IS NULL FROM _migrations ORDER BY number";
    let rows = connection.query(rows, Vec::new()).await?;
    if let Some(row) = rows.iter().find(|row| matches!(row.as_ref(2), Some(Cell::Int(1)))) {
        return Err(half_done(&text(row, 0)));
    }
    let ran: Vec<(String, String)> = rows.iter().map(|row| (text(row, 0), text(row, 1))).collect();
    check_migrations(&ran, migrations)?;
    for (name, sql) in migrations.iter().skip(ran.len()) {
        let values = || vec![Cell::from(*name), Cell::from(*sql)];
        connection.query("INSERT INTO _migrations (name, `sql`) VALUES (?, ?)", values()).await?;
        if let Err((error, is_begun)) = connection.batch_without_limit(sql).await {
            // Its first statement has failed, so nothing has been done.
            if !is_begun {
                connection.query("DELETE FROM _migrations WHERE name = ?", vec![Cell::from(*name)]).await?;
            }
            return Err(Error::general(format!("Migration '{name}' failed")).with_source(error));
        }
        connection.query("UPDATE _migrations SET done = now() WHERE name = ?", vec![Cell::from(*name)]).await?;
    }
    Ok(())
}

fn half_done(name: &str) -> Error {
    Error::general(format!(
        "Migration '{name}' was begun and not finished: MariaDB can not undo what it has done. Bring the tables by hand \
         to where they were before and delete its row from the table `_migrations`, or to where they are to be and set \
         `done` there"
    ))
}

fn text(row: &Row, at: usize) -> String {
    match row.as_ref(at) {
        Some(Cell::Bytes(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

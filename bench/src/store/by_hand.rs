//! The same statements on one connection, in a loop, with rows written as JSON.

use super::{Call, each, row};
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use wingbeat::store::rusqlite::{Connection, Result as SqlResult, Row, params};
use wingbeat::{RawJson, Result};

const COLUMNS: &str = "id, roomId, userId, text, at";

/// What one of so many calls costs.
pub(super) fn cost(path: &Path, call: Call, times: u64) -> Result<f64> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    each(times, |number| make(&connection, call, row(number)))
}

fn make(connection: &Connection, call: Call, id: i64) -> Result<()> {
    let mut out = Vec::new();
    match call {
        Call::Get => {
            let mut get = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?"))?;
            get.query_row([id], |row| write(row, &mut out))?;
        }
        Call::Find | Call::Scan => {
            let (condition, values) = match call {
                Call::Find => ("roomId = ?1 AND ?2 IS NOT NULL", (id / 200, "U")),
                _ => ("userId = ?1 AND text > ?2", (id % 500, "U")),
            };
            let count = format!("SELECT count(*) FROM messages WHERE {condition}");
            let total: i64 = connection.prepare_cached(&count)?.query_row(values, |row| row.get(0))?;
            write!(out, r#"{{"total":{total},"limit":10,"skip":0,"data":["#)?;
            let find = format!("SELECT {COLUMNS} FROM messages WHERE {condition} ORDER BY rowid LIMIT 10");
            let mut find = connection.prepare_cached(&find)?;
            let mut rows = find.query(values)?;
            while let Some(row) = rows.next()? {
                write(row, &mut out)?;
                out.push(b',');
            }
            out.truncate(out.len() - usize::from(out.ends_with(b",")));
            out.extend_from_slice(b"]}");
        }
        Call::Create => {
            let create = "INSERT INTO messages (roomId, userId, text) VALUES (?, ?, ?)";
            let mut create = connection.prepare_cached(&format!("{create} RETURNING {COLUMNS}"))?;
            create.query_row(params![-1, 1, "New"], |row| write(row, &mut out))?;
        }
        Call::Patch => {
            let patch = "UPDATE messages SET text = ? WHERE id = ?";
            let mut patch = connection.prepare_cached(&format!("{patch} RETURNING {COLUMNS}"))?;
            patch.query_row(params!["Changed", id], |row| write(row, &mut out))?;
        }
    }
    drop(RawJson::from_written(out));
    Ok(())
}

fn write(row: &Row<'_>, out: &mut Vec<u8>) -> SqlResult<()> {
    let (id, room, user) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
    let text = |at: usize| Ok::<_, wingbeat::store::rusqlite::Error>(json!(row.get::<_, Option<String>>(at)?));
    let (text, at) = (text(3)?, text(4)?);
    // Memory takes everything.
    let _ = write!(out, r#"{{"id":{id},"roomId":{room},"userId":{user},"text":{text},"at":{at}}}"#);
    Ok(())
}

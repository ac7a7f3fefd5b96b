//! The statements on SQLite: one connection in one thread, statements from its cache, each write a transaction.

use crate::call::{Call, Find};
use crate::json::{Done, Row, Write, begin_page, end_page, message, note};
use crate::login::{self, Login, User};
use rusqlite::{Connection, OptionalExtension, Params, params, types::ValueRef};
use std::error::Error;
use std::sync::{Mutex, PoisonError};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const COLUMNS: &str = r#"id, "roomId", "userId", text, at"#;

pub struct Sqlite {
    connection: Mutex<Connection>,
    statements: Statements,
}

struct Statements {
    get: String,
    find: String,
    count: String,
    scan: String,
    count_scanned: String,
    create: String,
    patch: String,
    user: String,
    notes: String,
    count_notes: String,
    create_note: String,
}

impl Sqlite {
    pub fn open(path: &str) -> Result<Sqlite> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.set_prepared_statement_cache_capacity(32);
        let count = |table: &str, condition: &str| format!("SELECT count(*) FROM {table} WHERE {condition}");
        let select = |table: &str, rest: &str| format!("SELECT {COLUMNS} FROM {table} WHERE {rest}");
        let [room, scan, own] =
            [r#""roomId" = ?1"#, r#""roomId" = ?1 AND text > ?2"#, r#""userId" = ?1 AND "roomId" = ?2"#];
        let insert = |table: &str| {
            format!(r#"INSERT INTO {table} ("roomId", "userId", text) VALUES (?1, ?2, ?3) RETURNING {COLUMNS}"#)
        };
        let statements = Statements {
            get: select("messages", "id = ?1"),
            find: select("messages", &format!("{room} ORDER BY rowid LIMIT ?2")),
            count: count("messages", room),
            scan: select("messages", &format!("{scan} ORDER BY rowid LIMIT ?3")),
            count_scanned: count("messages", scan),
            create: insert("messages"),
            patch: format!("UPDATE messages SET text = ?2 WHERE id = ?1 RETURNING {COLUMNS}"),
            user: "SELECT id, email, name FROM users WHERE id = ?1".into(),
            notes: select("notes", &format!("{own} ORDER BY id DESC LIMIT ?3")),
            count_notes: count("notes", own),
            create_note: insert("notes"),
        };
        Ok(Sqlite { connection: Mutex::new(connection), statements })
    }

    /// Runs a call of who is logged in by `login`.
    pub fn run(&self, call: Call, login: Option<Login>) -> Result<Done> {
        let connection = &*self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = &self.statements;
        match call {
            Call::Get(id) => one(connection, &sql.get, &[&id], message),
            Call::Find(Find { room, text: None, limit }) => {
                let total = count(connection, &sql.count, [room])?;
                page(connection, total, limit, &sql.find, params![room, limit], message)
            }
            Call::Find(Find { room, text: Some(above), limit }) => {
                let total = count(connection, &sql.count_scanned, params![room, above.bound])?;
                page(connection, total, limit, &sql.scan, params![room, above.bound, limit], message)
            }
            Call::Create(new) => one(connection, &sql.create, params![new.room, new.user, new.text], message),
            Call::Patch(id, change) => one(connection, &sql.patch, params![id, change.text], message),
            Call::FindNotes(find) => {
                let user = caller(connection, &sql.user, login)?.id;
                let total = count(connection, &sql.count_notes, [user, find.room])?;
                page(connection, total, find.limit, &sql.notes, params![user, find.room, find.limit], note)
            }
            Call::CreateNote(new) => {
                let user = caller(connection, &sql.user, login)?.id;
                let created = one(connection, &sql.create_note, params![new.room, user, new.text], note)?;
                Ok(Done::new_note(created.result))
            }
            Call::Login(_) => Err("a login is no call to a table".into()),
        }
    }

    /// Whose token it is, and his record.
    pub fn log_in(&self, token: &str) -> Result<(Login, User)> {
        let login = login::verify(token)?;
        let connection = &*self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((login, caller(connection, &self.statements.user, Some(login))?))
    }
}

fn one(connection: &Connection, sql: &str, params: &[&dyn rusqlite::ToSql], write: Write) -> Result<Done> {
    let mut out = Vec::with_capacity(256);
    connection.prepare_cached(sql)?.query_row(params, |row| Ok(write(&read(row)?, &mut out)))?;
    Ok(Done::told_to_nobody(out))
}

fn count(connection: &Connection, sql: &str, params: impl Params) -> Result<i64> {
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}

fn page(
    connection: &Connection,
    total: i64,
    limit: i64,
    sql: &str,
    params: &[&dyn rusqlite::ToSql],
    write: Write,
) -> Result<Done> {
    let mut out = begin_page(total, limit);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        write(&read(row)?, &mut out);
        out.push(b',');
    }
    end_page(&mut out);
    Ok(Done::told_to_nobody(out))
}

fn read<'a>(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Row<'a>> {
    let text = |at| match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        value => Ok::<_, rusqlite::Error>(Some(value.as_str()?)),
    };
    Ok(Row { id: row.get(0)?, room: row.get(1)?, user: row.get(2)?, text: text(3)?, at: text(4)? })
}

/// The record of who calls, as it is now.
fn caller(connection: &Connection, sql: &str, login: Option<Login>) -> Result<User> {
    let login = login.filter(|login| login.holds()).ok_or("Not authenticated")?;
    let user = |row: &rusqlite::Row<'_>| Ok(User { id: row.get(0)?, email: row.get(1)?, name: row.get(2)? });
    connection.prepare_cached(sql)?.query_row([login.user], user).optional()?.ok_or_else(|| "Not authenticated".into())
}

//! The statements on PostgreSQL: prepared once, and sent one behind another on a few connections.

use crate::call::{Call, Find};
use crate::json::{Done, Row, Write, begin_page, end_page, message, note};
use crate::login::{self, Login, User};
use futures_util::future::try_join;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_postgres::{Client, NoTls, Statement, types::ToSql};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

const COLUMNS: &str = r#"id, "roomId", "userId", text, at"#;
/// As many as two processors can make use of.
const CONNECTIONS: usize = 4;

pub struct Postgres {
    connections: Vec<Connection>,
    next: AtomicUsize,
}

struct Connection {
    client: Client,
    get: Statement,
    find: Statement,
    count: Statement,
    scan: Statement,
    count_scanned: Statement,
    create: Statement,
    patch: Statement,
    user: Statement,
    notes: Statement,
    count_notes: Statement,
    create_note: Statement,
}

impl Postgres {
    pub async fn connect(url: &str) -> Result<Postgres> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(url).await?);
        }
        Ok(Postgres { connections, next: AtomicUsize::new(0) })
    }

    /// Runs a call of who is logged in by `login`.
    pub async fn run(&self, call: Call, login: Option<Login>) -> Result<Done> {
        let on = self.connection();
        match call {
            Call::Get(id) => on.one(&on.get, &[&int(id)?], message).await,
            Call::Find(Find { room, text: None, limit }) => {
                let room = int(room)?;
                on.page(limit, (&on.count, &[&room]), (&on.find, &[&room, &limit]), message).await
            }
            Call::Find(Find { room, text: Some(above), limit }) => {
                let (room, bound) = (int(room)?, &above.bound);
                on.page(limit, (&on.count_scanned, &[&room, bound]), (&on.scan, &[&room, bound, &limit]), message).await
            }
            Call::Create(new) => on.one(&on.create, &[&int(new.room)?, &int(new.user)?, &new.text], message).await,
            Call::Patch(id, change) => on.one(&on.patch, &[&int(id)?, &change.text], message).await,
            Call::FindNotes(find) => {
                let user = int(on.caller(login).await?.id)?;
                let (room, limit) = (int(find.room)?, find.limit);
                on.page(limit, (&on.count_notes, &[&user, &room]), (&on.notes, &[&user, &room, &limit]), note).await
            }
            Call::CreateNote(new) => {
                let user = int(on.caller(login).await?.id)?;
                let created = on.one(&on.create_note, &[&int(new.room)?, &user, &new.text], note).await?;
                Ok(Done::new_note(created.result))
            }
            Call::Login(_) => Err("a login is no call to a table".into()),
        }
    }

    /// Whose token it is, and his record.
    pub async fn log_in(&self, token: &str) -> Result<(Login, User)> {
        let login = login::verify(token)?;
        Ok((login, self.connection().caller(Some(login)).await?))
    }

    fn connection(&self) -> &Connection {
        &self.connections[self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len()]
    }
}

impl Connection {
    async fn open(url: &str) -> Result<Connection> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let prepare = async |sql: String| client.prepare(&sql).await;
        let count = |table: &str, condition: &str| format!("SELECT count(*) FROM {table} WHERE {condition}");
        let select = |table: &str, rest: &str| format!("SELECT {COLUMNS} FROM {table} WHERE {rest}");
        let [room, scan, own] =
            [r#""roomId" = $1"#, r#""roomId" = $1 AND text > $2"#, r#""userId" = $1 AND "roomId" = $2"#];
        let insert = |table: &str| {
            format!(r#"INSERT INTO {table} ("roomId", "userId", text) VALUES ($1, $2, $3) RETURNING {COLUMNS}"#)
        };
        Ok(Connection {
            get: prepare(select("messages", "id = $1")).await?,
            find: prepare(select("messages", &format!("{room} ORDER BY id LIMIT $2"))).await?,
            count: prepare(count("messages", room)).await?,
            scan: prepare(select("messages", &format!("{scan} ORDER BY id LIMIT $3"))).await?,
            count_scanned: prepare(count("messages", scan)).await?,
            create: prepare(insert("messages")).await?,
            patch: prepare(format!("UPDATE messages SET text = $2 WHERE id = $1 RETURNING {COLUMNS}")).await?,
            user: prepare("SELECT id, email, name FROM users WHERE id = $1".into()).await?,
            notes: prepare(select("notes", &format!("{own} ORDER BY id DESC LIMIT $3"))).await?,
            count_notes: prepare(count("notes", own)).await?,
            create_note: prepare(insert("notes")).await?,
            client,
        })
    }

    async fn one(&self, sql: &Statement, params: Params<'_>, write: Write) -> Result<Done> {
        let row = self.client.query_one(sql, params).await?;
        let mut out = Vec::with_capacity(256);
        write(&read(&row)?, &mut out);
        Ok(Done::told_to_nobody(out))
    }

    /// A page and its total, asked for at once.
    async fn page(
        &self,
        limit: i64,
        (count, counted): (&Statement, Params<'_>),
        (find, found): (&Statement, Params<'_>),
        write: Write,
    ) -> Result<Done> {
        let (total, rows) = try_join(self.client.query_one(count, counted), self.client.query(find, found)).await?;
        let mut out = begin_page(total.try_get(0)?, limit);
        for row in &rows {
            write(&read(row)?, &mut out);
            out.push(b',');
        }
        end_page(&mut out);
        Ok(Done::told_to_nobody(out))
    }

    /// The record of who calls, as it is now.
    async fn caller(&self, login: Option<Login>) -> Result<User> {
        let login = login.filter(|login| login.holds()).ok_or("Not authenticated")?;
        let row = self.client.query_opt(&self.user, &[&int(login.user)?]).await?.ok_or("Not authenticated")?;
        Ok(User { id: row.try_get::<_, i32>(0)?.into(), email: row.try_get(1)?, name: row.try_get(2)? })
    }
}

/// As the columns have it.
fn int(number: i64) -> Result<i32> {
    Ok(number.try_into()?)
}

fn read(row: &tokio_postgres::Row) -> Result<Row<'_>> {
    Ok(Row {
        id: row.try_get::<_, i32>(0)?.into(),
        room: row.try_get::<_, Option<i32>>(1)?.map(i64::from),
        user: row.try_get::<_, Option<i32>>(2)?.map(i64::from),
        text: row.try_get(3)?,
        at: row.try_get(4)?,
    })
}

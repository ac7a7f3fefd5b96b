//! What is lost, and what is not: a killed program, a full disk, a file that another program has locked.

use super::*;
use rusqlite::Connection;
use std::io::{BufRead, BufReader, Write as _, stdout};
use std::process::{Command, Stdio};

const FILE: &str = "WINGBEAT_TEST_FILE";

/// What the program does that is killed.
async fn write_without_end(file: std::ffi::OsString) {
    let db = Sqlite::open(file).await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    let writers = (0..8).map(|writer| {
        let (db, users) = (db.clone(), db.table::<Value>("users"));
        tokio::spawn(async move {
            for number in 0.. {
                let email = format!("{writer}-{number}");
                // Half of them with another one, and something between them that takes a while.
                let both = db.within(async {
                    create(&users, json!({ "email": email })).await?;
                    tokio::task::yield_now().await;
                    create(&users, json!({ "email": format!("{email} too") })).await
                });
                match writer % 2 {
                    0 => drop(both.await.unwrap()),
                    _ => drop(create(&users, json!({ "email": email })).await.unwrap()),
                }
                let mut out = stdout().lock();
                writeln!(out, "\nacknowledged {email}").and_then(|()| out.flush()).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_killed_program() {
    // It is this test, run once more.
    if let Some(file) = std::env::var_os(FILE) {
        return write_without_end(file).await;
    }
    let folder = Folder::new("killed");
    let path = folder.0.join("data.db");
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::sqlite::tests::loss::what_was_acknowledged_outlives_a_killed_program"])
        .arg("--nocapture")
        .env(FILE, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
    let mut acknowledged = Vec::new();
    for line in lines {
        acknowledged.extend(line.strip_prefix("acknowledged ").map(str::to_owned));
        if acknowledged.len() == 500 {
            program.kill().unwrap();
        }
    }
    program.wait().unwrap();
    assert!(acknowledged.len() >= 500, "{}", acknowledged.len());
    let db = Sqlite::open(&path).await.unwrap();
    assert_eq!(check(&db).await, "ok");
    let users = db.table::<Value>("users");
    for email in acknowledged {
        assert_eq!(count(&users, json!({ "email": email })).await, 1, "{email}");
    }
    // Of what was not acknowledged, too, there is all or nothing.
    let sql = "SELECT count(*) FILTER (WHERE email LIKE '% too'), count(*) FILTER (WHERE substr(email, 1, 1) % 2 = 0) FROM users";
    let counts = |connection: &Connection| Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?);
    let (seconds, all): (i64, i64) = db.read(counts).await.unwrap();
    assert!(seconds > 50 && all == 2 * seconds, "{seconds} of {all}");
}

async fn check(db: &Sqlite) -> String {
    db.read(|connection| Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = Folder::new("full-disk");
    let db = Sqlite::open(folder.0.join("data.db")).await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    db.write(|connection| Ok(connection.pragma_update(None, "max_page_count", 40)?)).await.unwrap();
    let users = db.table::<Value>("users").multi(true);
    let (mut created, mut refused) = (Vec::new(), 0);
    for group in 0..20 {
        // Together, so that some are in a group with the one that is too much.
        let emails: Vec<_> = (0..8).map(|n| format!("{group}-{n}")).collect();
        let creates = emails.iter().map(|email| create(&users, json!({"email": email, "extra": "x".repeat(3000)})));
        for (email, answer) in emails.iter().zip(futures_util::future::join_all(creates).await) {
            match answer {
                Ok(_) => created.push(email.clone()),
                Err(error) => {
                    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "The database is full"));
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0 && !created.is_empty(), "{refused} refused, {} created", created.len());
    assert_eq!(check(&db).await, "ok");
    assert_eq!(count(&users, json!({})).await, created.len());
    for email in &created {
        assert_eq!(count(&users, json!({ "email": email })).await, 1, "{email}");
    }
    // There is room again.
    users.remove(IdArg::Null, &Params::new()).await.unwrap();
    create(&users, json!({"email": "a"})).await.unwrap();
}

#[tokio::test]
async fn a_file_that_another_program_has_locked_is_read_and_written_later() {
    let folder = Folder::new("locked");
    let path = folder.0.join("data.db");
    let settings = SqliteSettings::default().busy_timeout(Duration::from_millis(30));
    let db = Sqlite::open_with(&path, settings).await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    let users = db.table::<Value>("users");
    create(&users, json!({"email": "a"})).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let creates = ["b", "c", "d"].map(|email| create(&users, json!({ "email": email })));
    for refused in futures_util::future::join_all(creates).await {
        let refused = refused.unwrap_err();
        assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, "The database is busy"));
    }
    assert_eq!(count(&users, json!({})).await, 1);
    other.execute_batch("COMMIT").unwrap();
    create(&users, json!({"email": "b"})).await.unwrap();
    assert_eq!(count(&users, json!({})).await, 2);
}

#[tokio::test]
async fn writes_wait_for_the_disk_where_that_is_asked_for() {
    let folder = Folder::new("durable");
    for (durable, synchronous) in [(false, 1), (true, 2)] {
        let settings = SqliteSettings::default().durable(durable);
        let db = Sqlite::open_with(folder.0.join("data.db"), settings).await.unwrap();
        let set: i64 = db
            .write(|connection| Ok(connection.pragma_query_value(None, "synchronous", |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(set, synchronous);
        db.close().await;
    }
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let folder = Folder::new("closed");
    let path = folder.0.join("data.db");
    for round in 0..20 {
        let db = Sqlite::open(&path).await.unwrap();
        db.migrate(&[USERS]).await.unwrap();
        let users = db.table::<Value>("users");
        create(&users, json!({"email": format!("{round}")})).await.unwrap();
        users.get(1.into(), &Params::new()).await.unwrap();
        db.close().await;
        assert!(!folder.0.join("data.db-wal").exists(), "round {round}");
    }
}

//! What a call to a table in SQLite costs, without a network: processor time of all threads, beside the same statements
//! by hand. `cargo run --release -p bench --features sqlite --bin bench-store`.

mod by_hand;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wingbeat::store::{Sqlite, SqliteTable, Table};
use wingbeat::{Params, Result, service::RawService};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROWS: i64 = 100_000;
const SCHEMA: &str =
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, roomId INTEGER, userId INTEGER, text TEXT, at TEXT);
    CREATE INDEX by_room ON messages (roomId)";
const FILL: &str = "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
    INSERT INTO messages SELECT id, id / 200, id % 500, 'This is what message ' || id || ' says', '2026-01-31T12:00:00Z' FROM n";

/// What is called, with the number of the call.
#[derive(Clone, Copy, Debug)]
enum Call {
    Get,
    Find,
    Scan,
    Create,
    Patch,
}

const CALLS: [(Call, u64); 5] =
    [(Call::Get, 40_000), (Call::Find, 10_000), (Call::Scan, 400), (Call::Create, 20_000), (Call::Patch, 20_000)];

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("wingbeat-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(measure(&folder));
    fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &Path) -> Result<()> {
    let path = folder.join("data.db");
    let db = Sqlite::open(&path).await?;
    db.migrate(&[("messages", SCHEMA), ("filled", FILL)]).await?;
    let table = Arc::new(db.table::<Value>("messages").paginate(10, 50));
    println!("µs of processor time a call ({ROWS} rows), and × by hand");
    println!("{:<8}{:>10}{:>10}{:>16}{:>16}", "", "by hand", "1 at once", "16", "80");
    for (call, times) in CALLS {
        let hand = by_hand::cost(&path, call, times)?;
        let mut line = format!("{:<8}{hand:>10.1}", format!("{call:?}"));
        for at_once in [1, 16, 80] {
            let cost = cost(&table, call, times, at_once).await?;
            line += &format!("{cost:>10.1} {:>4.1}×", cost / hand);
        }
        println!("{line}");
    }
    db.close().await;
    Ok(())
}

/// Makes so many calls, so many of them at once. Answers what one costs.
async fn cost(table: &Arc<Table<SqliteTable>>, call: Call, times: u64, at_once: u64) -> Result<f64> {
    let next = Arc::new(AtomicU64::new(0));
    let before = processor_time()?;
    let callers = (0..at_once).map(|_| {
        let (table, next) = (table.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= times {
                    return Ok::<_, wingbeat::Error>(());
                }
                make(&table, call, number).await?;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    Ok((processor_time()? - before).as_secs_f64() * 1e6 / times as f64)
}

async fn make(table: &Table<SqliteTable>, call: Call, number: u64) -> Result<()> {
    let id = row(number);
    let answer = match call {
        Call::Get => table.get(id.into(), &Params::new()).await,
        Call::Find => table.find(&Params::new().with_query(json!({"roomId": id / 200}))?).await,
        Call::Scan => table.find(&Params::new().with_query(json!({"userId": id % 500, "text": {"$gt": "U"}}))?).await,
        Call::Create => {
            table.create(Some(json!({"roomId": -1, "userId": 1, "text": "New"}).into()), &Params::new()).await
        }
        Call::Patch => table.patch(id.into(), Some(json!({"text": "Changed"}).into()), &Params::new()).await,
    };
    answer?.into_raw().map(drop)
}

/// The rows come in any order.
fn row(number: u64) -> i64 {
    (number.wrapping_mul(7919) % ROWS as u64) as i64 + 1
}

/// Of all threads of this process, to the nanosecond.
fn processor_time() -> Result<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let times = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

/// What one of so many takes.
fn each(times: u64, mut make: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let before = processor_time()?;
    (0..times).try_for_each(&mut make)?;
    Ok((processor_time()? - before).as_secs_f64() * 1e6 / times as f64)
}

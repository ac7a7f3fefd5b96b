//! A table in SQLite for the load generator's `fair --kind finds`: 100,000 records, and a find that sorts all of them takes
//! some 50 ms. `bench-records --port P`.

use clap::Parser;
use serde::Deserialize;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::TcpListener;
use wingbeat::engine::Config;
use wingbeat::prelude::*;
use wingbeat::store::Sqlite;

// As in every server binary of ours.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Options {
    /// The port on the loopback interface; 0 for any.
    #[arg(long, default_value_t = 3030)]
    port: u16,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they name the columns")]
struct Record {
    id: i64,
    text: String,
}

const SCHEMA: &str = "CREATE TABLE records (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
    INSERT INTO records SELECT id, iif(id = 17, 'hello', (id * 7919) % 100000 || ' is what this record says') FROM n";

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = std::env::temp_dir().join(format!("wingbeat-records-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let db = Sqlite::open(folder.join("data.db")).await?;
        db.migrate(&[("records", SCHEMA)]).await?;
        let app = App::builder()
            .mount("records", Mount::new(db.table::<Record>("records").paginate(10, 50)))
            .configure(SocketIo::with_config(Config::default().trusted_proxies([IpAddr::V4(Ipv4Addr::LOCALHOST)])))
            .build()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        println!("listening {}", listener.local_addr()?);
        wingbeat::serve(listener, app).until(wingbeat::terminated()).await
    });
    fs::remove_dir_all(&folder)?;
    served
}

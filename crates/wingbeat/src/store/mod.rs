//! Stores: services over records that are kept somewhere.
//!
//! What Feathers' adapters share is written once, in [`Table`]: the query syntax with its errors, pagination,
//! `$select`, the rules for several records at once. A [`Store`] only keeps plain records; [`Memory`] keeps them in the
//! process, `Sqlite` (feature `sqlite`) in a file, `Postgres` (feature `postgres`) and `MariaDb` (feature `mariadb`) in a
//! server. One suite of tests holds all of them to the same answers.
//!
//! ```
//! use serde_json::json;
//! use wingbeat::{Params, service::RawService, store::Memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> wingbeat::Result<()> {
//! let todos = Memory::new().records([json!({"id": 1, "text": "Read"})]).paginate(10, 50);
//! let found = todos.find(&Params::new().with_query(json!({"text": {"$ne": "Write"}}))?).await?;
//! assert_eq!(found.to_value()?["total"], 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Where a store differs from Feathers
//! * `patch` and `remove` of several records refuse `$limit`, `$skip` and `$sort`, which Feathers ignores there.
//! * `update` answers the new record even if it no longer matches the query.
//! * `$select` and `$sort` of a wrong shape, an `$or` or `$and` that is not a list of objects or is empty, and data that is
//!   no object are a BadRequest; only null in a `patch` changes nothing, as in Feathers. A negative `$skip` counts as 0.
//! * How deep and how long a query may be is limited, see [`Limits`].

mod answer;
mod condition;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod cursor;
mod filter;
mod given;
mod keyset;
mod like;
mod limits;
#[cfg(feature = "mariadb")]
mod mariadb;
mod matching;
mod memory;
mod operation;
mod operator;
mod overrides;
mod page;
mod port;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod predictor;
mod select;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod shape;
mod sort;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stream;
mod table;
mod texts;
mod totals;
#[cfg(feature = "uploads")]
mod uploads;
mod uuid;
mod writes;

pub use answer::{Answer, JsonRecords};
pub use condition::{Comparison, Condition, Path, Test};
pub use given::given_id;
pub use like::Like;
pub use limits::Limits;
#[cfg(feature = "mariadb")]
pub use mariadb::{MariaDb, MariaDbSettings, MariaDbTable, MariaDbTransaction};
pub use matching::matches;
pub use memory::{Memory, Records};
/// The client of MariaDB, for SQL of your own: [`MariaDb::read`] and [`MariaDb::write`].
#[cfg(feature = "mariadb")]
pub use mysql_async;
pub use operation::Operation;
pub use operator::OwnTest;
pub use port::{Change, Find, Kind, Record, Rows, Store, Target};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresSettings, PostgresTable, PostgresTransaction};
/// SQLite itself, for SQL of your own: [`Sqlite::read`] and [`Sqlite::write`].
#[cfg(feature = "sqlite")]
pub use rusqlite;
pub use sort::{SortKey, sort};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
pub use sql::SqlStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteSettings, SqliteTable, SqliteTransaction};
pub use stream::Slices;
pub use table::{Multi, Table};
/// The client of PostgreSQL, for SQL of your own: [`Postgres::read`] and [`Postgres::write`].
#[cfg(feature = "postgres")]
pub use tokio_postgres;
pub use totals::Totals;
#[cfg(feature = "uploads")]
pub use uploads::Uploads;
pub use uuid::uuid;
/// The migrations in a folder, for `migrate` of a database: files named `0001_create_notes.sql`, in the order of their
/// numbers, which are read when the program is compiled. The path begins where `Cargo.toml` is.
///
/// A file of another name and a number that is there twice are errors of the compiler. It knows the files, so a change of
/// one builds the crate anew. Of a new one it hears when it compiles the crate for another reason, or if a `build.rs` says
/// `println!("cargo::rerun-if-changed=migrations")`.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wingbeat::Result<()> {
/// use wingbeat::store::{Sqlite, migrations};
///
/// let db = Sqlite::memory().await?;
/// db.migrate(migrations!("tests/migrations")).await?;
/// # assert_eq!(migrations!("tests/migrations").map(|(name, _)| name), ["0001_notes", "0002_done"]);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
///
/// ```compile_fail
/// // There is no such folder.
/// wingbeat::store::migrations!("tests/nowhere");
/// ```
#[cfg(feature = "derive")]
pub use wingbeat_derive::migrations;
pub use writes::{OwnedWrites, Writes};

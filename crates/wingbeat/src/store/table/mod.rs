//! What all stores share: the service over a store.

mod multi;
mod service;

pub use multi::Multi;

use super::operator::{Syntax, check_name};
use super::page::Paginate;
use super::{Limits, Store, Totals};
use crate::service::ClientRules;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Id, Method, Result};

/// A service over the records of a store. Feathers' query syntax works in all methods.
///
/// Several records at once need [`multi`](Table::multi); pages need [`paginate`](Table::paginate). For one call the server
/// can say otherwise in its params: [`without_pages`](crate::Params::without_pages), [`with_pages`](crate::Params::with_pages),
/// [`with_multi`](crate::Params::with_multi). Feathers' names do as well, [set](crate::Params::set) on them: `paginate` is `false` or
/// `{"default": 10, "max": 50}`, `adapter` has the members `multi` (a boolean or a list of methods) and `paginate`. Clients
/// cannot.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Params, service::RawService, store::Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wingbeat::Result<()> {
/// let sessions = Memory::new().records([json!({"id": 1, "old": true})]);
/// let params = Params::query([("old", true)]);
/// assert_eq!(sessions.remove(None.into(), &params).await.unwrap_err().code(), 405);
/// let params = params.with_multi();
/// assert_eq!(sessions.remove(None.into(), &params).await?.to_value()?[0]["id"], 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Table<S> {
    pub(in crate::store) store: S,
    multi: Multi,
    allow_everything: bool,
    paginate: Option<Paginate>,
    totals: Totals,
    pub(in crate::store) syntax: Syntax,
    rules: ClientRules,
    ids: Option<MakeId>,
    /// The first option that cannot be what it says.
    wrong: Option<Error>,
}

/// A function that makes ids.
#[derive(Clone)]
struct MakeId(Arc<dyn Fn() -> Id + Send + Sync>);

impl fmt::Debug for MakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<S: Store> Table<S> {
    /// A service over a store: one record at a time, no pages.
    pub fn over(store: S) -> Table<S> {
        Table {
            store,
            multi: Multi::default(),
            allow_everything: false,
            paginate: None,
            totals: Totals::Exact,
            syntax: Syntax::default(),
            rules: ClientRules::new(),
            ids: None,
            wrong: None,
        }
    }

    /// Allows to create, patch and remove several records at once: `true`, or a list of these methods.
    pub fn multi(mut self, multi: impl Into<Multi>) -> Table<S> {
        self.multi = multi.into();
        let can_be = |method: &&Method| matches!(method, Method::Create | Method::Patch | Method::Remove);
        if let Some(other) = self.multi.0.iter().find(|method| !can_be(method)) {
            let why = format!("'{other}' never means several records to write; write true, Create, Patch or Remove");
            self.refuse(Error::general(format!("Invalid option 'multi': {why}")));
        }
        self
    }

    /// Keeps what is wrong with an option, until it is mounted.
    pub(super) fn refuse(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    /// Makes `find` answer pages: of `default` records unless the query has a `$limit`, which may be at most `max`.
    pub fn paginate(mut self, default: u64, max: u64) -> Table<S> {
        self.paginate = Some(Paginate { default: Some(default), max: Some(max) });
        self
    }

    /// How far pages count what matches: all of it, unless this says otherwise.
    pub fn totals(mut self, totals: Totals) -> Table<S> {
        self.totals = totals;
        self
    }

    /// Makes the ids of new records that have none, where the store would count them:
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::{Params, service::RawService, store::{Memory, uuid}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// let notes = Memory::new().ids(uuid);
    /// let note = notes.create(Some(json!({"text": "Hello"}).into()), &Params::new()).await?.into_value()?;
    /// assert_eq!(note["id"].as_str().map(str::len), Some(36));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A table in SQLite needs a column of texts for it: `id TEXT PRIMARY KEY`.
    pub fn ids(mut self, make: impl Fn() -> Id + Send + Sync + 'static) -> Table<S> {
        self.ids = Some(MakeId(Arc::new(make)));
        self
    }

    /// The only fields that clients' queries may match, each with all that is in it; without this, all that nothing hides.
    /// Other queries are a BadRequest. Hooks and the server's own calls may match what they like, and `get` needs no
    /// field for its id.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::{prelude::*, store::Memory, test::Client};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let messages = Memory::new().queryable(["roomId", "author.name"]).sortable(["id"]);
    /// let app = App::builder().mount("messages", Mount::new(messages)).build()?;
    /// let client = Client::connect(&app).await?;
    /// let find = |query| client.service("messages").query(query);
    /// assert!(find(json!({"roomId": 1, "$sort": {"id": -1}})).find().await.is_ok());
    /// assert_eq!(find(json!({"text": {"$gte": "a"}})).find().await.unwrap_err().code(), 400);
    /// assert_eq!(find(json!({"$sort": {"text": 1}})).find().await.unwrap_err().code(), 400);
    /// # Ok(())
    /// # }
    /// ```
    pub fn queryable<'a>(mut self, fields: impl IntoIterator<Item = &'a str>) -> Table<S> {
        self.rules = self.rules.queryable(fields);
        self
    }

    /// The only fields that clients' queries may sort by; without this, all that nothing hides.
    pub fn sortable<'a>(mut self, fields: impl IntoIterator<Item = &'a str>) -> Table<S> {
        self.rules = self.rules.sortable(fields);
        self
    }

    /// How large a query may be, and how much a client may write with one call.
    pub fn limits(mut self, limits: Limits) -> Table<S> {
        self.syntax.limits = limits;
        self
    }

    /// Adds Knex' operators for texts: `$like`, `$notlike`, and `$ilike`, which takes letters in both cases for the same. In
    /// their patterns, of at most 256 characters, `%` stands for any characters, `_` for one, and `\` before these, and
    /// before itself, for what follows.
    ///
    /// `$like` tells cases apart in every store, which SQLite and MariaDB alone would not. Of the letters beyond ASCII
    /// `$ilike` knows in memory and in SQLite only the same ones again, in PostgreSQL both cases as its locale has them, and
    /// in MariaDB both cases.
    /// `$notlike` finds all that `$like` does not, also what is null or no text, as `$ne` does.
    ///
    /// A pattern reads every record that the other conditions leave, unless the database has an index for it and it begins
    /// with what is no `%`.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::{Params, service::RawService, store::Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// let cities = Memory::new().like().records([json!({"id": 1, "name": "Aalen"}), json!({"id": 2, "name": "Ulm"})]);
    /// for pattern in [json!({"$like": "A%"}), json!({"$ilike": "%LE_"}), json!({"$notlike": "U%"})] {
    ///     let found = cities.find(&Params::new().with_query(json!({ "name": pattern }))?).await?;
    ///     assert_eq!(found.to_value()?, json!([{"id": 1, "name": "Aalen"}]));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn like(mut self) -> Table<S> {
        self.syntax.add_like();
        self
    }

    /// Adds an operator of your own, below a field as `$gt` is: a function that reads what stands behind it in the query,
    /// once, and answers the test. Values in a list are tested one by one, and the list as a whole; what is absent is null.
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use wingbeat::{Error, Params, service::RawService, store::Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// let cities = Memory::new().records([json!({"id": 1, "name": "Aalen"})]).operator("$startsWith", |operand: &Value| {
    ///     let start = operand.as_str().ok_or_else(|| Error::bad_request("Invalid $startsWith: it must be text"))?;
    ///     let start = start.to_owned();
    ///     Ok(move |value: &Value| value.as_str().is_some_and(|text| text.starts_with(&start)))
    /// });
    /// let found = cities.find(&Params::new().with_query(json!({"name": {"$startsWith": "Aa"}}))?).await?;
    /// assert_eq!(found.to_value()?[0]["id"], 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A name that does not begin with `$`, or has a meaning already, fails the mount.
    pub fn operator<T>(mut self, name: &str, read: impl Fn(&Value) -> Result<T> + Send + Sync + 'static) -> Table<S>
    where
        T: Fn(&Value) -> bool + Send + Sync + 'static,
    {
        match check_name("operator", name) {
            Ok(()) => self.syntax.add_operator(name, read),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Lets clients of REST patch or remove all records at once, by `DELETE /messages` without a query, where
    /// [`multi`](Table::multi) lets them patch or remove several. Otherwise that is a BadRequest, because it is what arrives when
    /// a client asks for the records of an empty list.
    pub fn allow_everything(mut self) -> Table<S> {
        self.allow_everything = true;
        self
    }

    /// Lets queries have filters of your own, beside `$limit` and the like, for hooks to read. The store takes no notice
    /// of them. A name that does not begin with `$`, or has a meaning already, fails the mount.
    pub fn filters<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Table<S> {
        for name in names {
            match check_name("filters", name) {
                Ok(()) => self.syntax.add_filter(name),
                Err(error) => self.refuse(error),
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;

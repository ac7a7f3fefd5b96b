//! What all stores share: the service over a store.

use super::given::given_id;
use super::operator::{Syntax, check_name};
use super::page::{self, Head, Paginate};
use super::select::{self, Select};
use super::{
    Answer, Change, Condition, Find, Limits, Operation, Record, Store, Target, Totals, cursor, filter, overrides, sort,
    texts,
};
use crate::service::{ClientRules, Params, RawService, Services, too_many};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Id, IdArg, Method, Payload, Result};

/// The provider whose queries are texts.
const REST: &str = "rest";

/// A service over the records of a store. Feathers' query syntax works in all methods.
///
/// Several records at once need [`multi`](Table::multi); pages need [`paginate`](Table::paginate). For one call the server
/// can say otherwise in its params: [`without_pages`](Params::without_pages), [`with_pages`](Params::with_pages),
/// [`with_multi`](Params::with_multi). Feathers' names do as well, [set](Params::set) on them: `paginate` is `false` or
/// `{"default": 10, "max": 50}`, `adapter` has the members `multi` (a boolean or a list of methods) and `paginate`. Clients
/// can not.
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
    pub(super) store: S,
    multi: Multi,
    allow_everything: bool,
    paginate: Option<Paginate>,
    totals: Totals,
    pub(super) syntax: Syntax,
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

    fn target(&self, id: Option<Id>, params: &Params) -> Result<Target> {
        Ok(Target { id, condition: self.condition(params, None)?, at_most: None })
    }

    /// What must hold for a record. One more filter may be known.
    pub(super) fn condition(&self, params: &Params, known: Option<&str>) -> Result<Condition> {
        self.check()?;
        let mut condition = filter::read_beside(&params.query, &self.syntax, known)?;
        if params.provider == Some(REST) {
            texts::read_by_kind(&mut condition, &|path| self.store.kind(path));
        }
        Ok(condition)
    }

    /// The target of a patch or remove. Null means all that the query selects, where that is allowed.
    fn targets(&self, method: Method, id: IdArg, params: &Params) -> Result<Target> {
        let mut target = self.target(id.id().cloned(), params)?;
        target.at_most = self.at_most(params);
        match id {
            IdArg::Absent => Err(no_record(&id)),
            IdArg::Id(_) => Ok(target),
            IdArg::Null => {
                self.allow(&method, params)?;
                // Feathers ignores these here: `remove(null)` with `$limit: 1` removes all.
                for name in ["$limit", "$skip", "$sort"] {
                    if params.query.get(name).is_some() {
                        return Err(Error::bad_request(format!("Can not {method} multiple entries with {name}")));
                    }
                }
                // A query string cannot hold an empty list: clients of REST drop `id[$in]` where they have no ids.
                if params.provider == Some(REST) && target.condition.is_empty() && !self.allow_everything {
                    let why = "multiple entries without a condition. Say in the query which, such as `?read=true`";
                    return Err(Error::bad_request(format!("Can not {method} {why}")));
                }
                Ok(target)
            }
        }
    }

    /// How many records the caller may write.
    fn at_most(&self, params: &Params) -> Option<usize> {
        (!params.is_internal()).then_some(self.syntax.limits.records)
    }

    fn allow(&self, method: &Method, params: &Params) -> Result<()> {
        let allowed = match overrides::multi(params) {
            None => self.multi.0.contains(method),
            Some(Value::Array(methods)) => methods.iter().any(|allowed| allowed == method.as_str()),
            Some(all) => all == true,
        };
        if allowed {
            return Ok(());
        }
        Err(Error::method_not_allowed(format!("Can not {method} multiple entries")))
    }

    fn paginate_of(&self, params: &Params) -> Option<Paginate> {
        match overrides::paginate(params) {
            Some(value) => Paginate::read(&value),
            None => self.paginate,
        }
    }

    pub(super) fn operation<'a>(&'a self, params: &'a Params) -> Operation<'a> {
        Operation::of(params, self.store.id_field())
    }

    pub(super) fn select(&self, params: &Params) -> Result<Select> {
        select::read(params.query.get("$select"), self.store.id_field(), self.syntax.limits.values)
    }

    fn new_record(&self, data: Value) -> Result<Record> {
        let mut record = record(data)?;
        let field = self.store.id_field();
        if let Some(MakeId(make)) = &self.ids
            && given_id(&record, field)?.is_none()
        {
            record.insert(field.to_owned(), make().into());
        }
        Ok(record)
    }

    /// What a write answers, where one record was meant, and where several were.
    fn written(&self, id: IdArg, answer: Answer, select: &Select) -> Result<Payload> {
        one_or_all(id, select::apply_to_all(select, answer)?)
    }
}

fn one_or_all(id: IdArg, answer: Answer) -> Result<Payload> {
    if id == IdArg::Null {
        return Ok(answer.into_list());
    }
    answer.into_one()?.ok_or_else(|| no_record(&id))
}

impl<S: Store> RawService for Table<S> {
    fn methods(&self) -> Vec<Method> {
        Method::STANDARD.to_vec()
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        let (query, paginate) = (&params.query, self.paginate_of(params));
        // Where no pages are it is a filter that nobody knows.
        let is_known = paginate.is_some() && self.store.has_cursors();
        let cursor = query.get(cursor::NAME).filter(|_| is_known);
        let condition = self.condition(params, cursor.map(|_| cursor::NAME))?;
        let target = Target { condition, ..Target::default() };
        let sort = match query.get("$sort") {
            Some(value) => sort::read(value, self.syntax.limits.conditions)?,
            None => Vec::new(),
        };
        let select = self.select(params)?;
        let (limit, skip) = (page::limit(query.get("$limit"), paginate), page::skip(query.get("$skip")));
        let most = self.syntax.limits.skip;
        if skip > most && !params.is_internal() {
            return Err(Error::bad_request(format!("Invalid $skip: it may be {most} at most")));
        }
        let count = paginate.and_then(|_| self.totals.count());
        let find = Find { target, sort, skip, limit, count, select, after: None };
        if let Some(cursor) = cursor {
            return self.find_by_cursor(Find { count: None, ..find }, cursor, params).await;
        }
        let mut rows = self.store.find(&find, self.operation(params)).await?;
        select::apply(&find.select, &mut rows.records);
        Ok(match (paginate, limit) {
            (Some(_), Some(limit)) => {
                let total = count.map(|most| rows.total.unwrap_or_default().min(most));
                page::page(rows.records, Head { total, limit, skip: Some(skip), next: None })
            }
            _ => rows.records.into_list(),
        })
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let target = self.target(id.id().cloned(), params)?;
        if id.id().is_none() {
            return Err(no_record(&id));
        }
        let select = self.select(params)?;
        let find = Find { target, select, ..Find::default() };
        let mut rows = self.store.find(&find, self.operation(params)).await?;
        select::apply(&find.select, &mut rows.records);
        one_or_all(id, rows.records)
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        self.check()?;
        // Nothing but $select counts here: Feathers does not look at the query of a create either.
        let select = self.select(params)?;
        match data.map(Payload::into_value).transpose()? {
            Some(Value::Array(items)) => {
                self.allow(&Method::Create, params)?;
                // Again: the service may be called by another one around it, or by a hook in a client's name.
                if let Some(most) = self.at_most(params).filter(|most| items.len() > *most) {
                    return Err(too_many(&Method::Create, most));
                }
                let records = items.into_iter().map(|item| self.new_record(item)).collect::<Result<Vec<_>>>()?;
                let created = match records.is_empty() {
                    true => Answer::default(),
                    false => self.store.create(records, self.operation(params)).await?,
                };
                self.written(IdArg::Null, created, &select)
            }
            data => {
                let created =
                    self.store.create(vec![self.new_record(data.unwrap_or_default())?], self.operation(params)).await?;
                self.written(IdArg::Absent, created, &select)
            }
        }
    }

    async fn update(&self, id: IdArg, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let target = self.target(id.id().cloned(), params)?;
        if id == IdArg::Null || data.as_ref().is_some_and(Payload::is_array) {
            return Err(Error::bad_request("You can not replace multiple instances. Did you mean 'patch'?"));
        }
        if id == IdArg::Absent {
            return Err(no_record(&id));
        }
        let select = self.select(params)?;
        let data = record(data.map(Payload::into_value).transpose()?.unwrap_or_default())?;
        let updated = self.store.change(&target, Change::Replace(data), self.operation(params)).await?;
        self.written(id, updated, &select)
    }

    async fn patch(&self, id: IdArg, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let target = self.targets(Method::Patch, id.clone(), params)?;
        let select = self.select(params)?;
        // Nothing to change is not an error: clients send null where there is no data.
        let data = match data.map(Payload::into_value).transpose()? {
            None | Some(Value::Null) => Record::new(),
            Some(data) => record(data)?,
        };
        let patched = self.store.change(&target, Change::Merge(data), self.operation(params)).await?;
        self.written(id, patched, &select)
    }

    async fn remove(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let target = self.targets(Method::Remove, id.clone(), params)?;
        let select = self.select(params)?;
        let removed = self.store.remove(&target, self.operation(params)).await?;
        self.written(id, removed, &select)
    }

    fn check(&self) -> Result<()> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    fn rules(&self) -> ClientRules {
        self.rules.clone().records(self.syntax.limits.records)
    }

    async fn setup(&self, _: &Services, _: &str) -> Result<()> {
        self.store.check().await
    }
}

fn no_record(id: &IdArg) -> Error {
    Error::not_found(format!("No record found for id '{id}'"))
}

fn record(data: Value) -> Result<Record> {
    match data {
        Value::Object(record) => Ok(record),
        _ => Err(Error::bad_request("Invalid data: a record must be an object")),
    }
}

/// What may be done to several records at once.
#[derive(Clone, Debug, Default)]
pub struct Multi(Arc<[Method]>);

impl From<bool> for Multi {
    fn from(all: bool) -> Multi {
        Multi(if all { Arc::new([Method::Create, Method::Patch, Method::Remove]) } else { Arc::new([]) })
    }
}

impl<M: Into<Method>, const N: usize> From<[M; N]> for Multi {
    fn from(methods: [M; N]) -> Multi {
        Multi(methods.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::store::{Memory, Records, Table};
    use serde_json::{Value, json};

    fn nothing(_: &Value) -> Result<fn(&Value) -> bool> {
        Ok(|_| false)
    }

    fn wrong() -> [(Table<Records>, &'static str); 8] {
        [
            (Memory::new().operator("$gt", nothing), "'operator': \"$gt\": this name has a meaning already"),
            (Memory::new().operator("near", nothing), "'operator': \"near\": a name begins with `$`"),
            (Memory::new().filters(["$a", "populate"]), "'filters': \"populate\": a name begins with `$`"),
            (Memory::new().multi([Create, Find]), "'multi': 'find' never means several"),
            (Memory::new().records([1]), "'records': a record must be an object"),
            (Memory::new().records([json!({"id": []})]), "'records': Invalid 'id': an id must be"),
            (Memory::new().records([json!({})]).id("_id"), "'id': it comes before the records; write Memory::new()"),
            (Memory::new().filters(["a"]).operator("b", nothing), "'filters': \"a\""),
        ]
    }

    #[test]
    fn a_table_whose_option_is_wrong_is_not_mounted() {
        for (table, why) in wrong() {
            let error = App::builder().mount("things", Mount::new(table)).build().unwrap_err();
            assert!(error.message().contains(&format!("Invalid option {why}")), "{why}: {}", error.message());
        }
    }

    #[tokio::test]
    async fn a_table_whose_option_is_wrong_answers_so_where_nobody_mounts_it() {
        let (table, why) = wrong().into_iter().next().unwrap();
        let (params, data) = (Params::new(), || Some(json!({}).into()));
        for answer in [
            table.find(&params).await,
            table.get(1.into(), &params).await,
            table.create(data(), &params).await,
            table.update(1.into(), data(), &params).await,
            table.patch(1.into(), data(), &params).await,
            table.remove(1.into(), &params).await,
        ] {
            assert!(answer.unwrap_err().message().contains(why));
        }
    }
}

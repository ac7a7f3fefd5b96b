//! What a table does with a call.

use super::{MakeId, Table};
use crate::service::{ClientRules, Params, RawService, Services, too_many};
use crate::store::given::given_id;
use crate::store::page::{self, Head, Paginate};
use crate::store::select::{self, Select};
use crate::store::{
    Answer, Change, Condition, Find, Operation, Record, Store, Target, cursor, filter, overrides, sort, texts,
};
use serde_json::Value;
use wingbeat_core::{Error, Id, IdArg, Method, Payload, Result};

/// The provider whose queries are texts.
const REST: &str = "rest";

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
            return Box::pin(self.find_by_cursor(Find { count: None, ..find }, cursor, params)).await;
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

impl<S: Store> Table<S> {
    fn target(&self, id: Option<Id>, params: &Params) -> Result<Target> {
        Ok(Target { id, condition: self.condition(params, None)?, at_most: None })
    }

    /// What must hold for a record. One more filter may be known.
    pub(in crate::store) fn condition(&self, params: &Params, known: Option<&str>) -> Result<Condition> {
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

    pub(in crate::store) fn operation<'a>(&'a self, params: &'a Params) -> Operation<'a> {
        Operation::of(params, self.store.id_field())
    }

    pub(in crate::store) fn select(&self, params: &Params) -> Result<Select> {
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

fn no_record(id: &IdArg) -> Error {
    Error::not_found(format!("No record found for id '{id}'"))
}

fn record(data: Value) -> Result<Record> {
    match data {
        Value::Object(record) => Ok(record),
        _ => Err(Error::bad_request("Invalid data: a record must be an object")),
    }
}

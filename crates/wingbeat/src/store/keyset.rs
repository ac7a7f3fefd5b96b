//! Finding by keys: each page begins behind the last record of the one before, whatever was added or removed meanwhile.

use super::page::{Head, page};
use super::sort::at;
use super::{Answer, Find, Path, SortKey, Store, Table, cursor, select};
use crate::service::Params;
use serde_json::Value;
use wingbeat_core::{Error, Payload, Result};

/// Where the last record of a slice stands, if others follow: the values of its keys.
pub(super) type End = Option<Vec<Value>>;

impl<S: Store> Table<S> {
    /// The page behind a cursor.
    pub(super) async fn find_by_cursor(&self, mut find: Find, cursor: &Value, params: &Params) -> Result<Payload> {
        if params.query.get("$skip").is_some() {
            return Err(Error::bad_request("Invalid $skip: a page by $cursor begins where the one before has ended"));
        }
        let Some(limit) = find.limit.filter(|limit| *limit > 0) else {
            return Err(Error::bad_request("Invalid $limit: a page by $cursor has at least one record"));
        };
        end_with_id(&mut find.sort, self.store.id_field());
        if !params.is_internal() {
            find.sort.iter().try_for_each(|key| shown(key, params))?;
        }
        find.after = Some(cursor::read(cursor, &find.sort)?);
        let (records, end) = self.slice(&find, limit, params).await?;
        let next = end.map(|values| cursor::write(&find.sort, &values)).transpose()?;
        Ok(page(records, Head { total: None, limit, skip: None, next }))
    }

    /// At most so many records, and where the last of them stands.
    pub(super) async fn slice(&self, find: &Find, limit: u64, params: &Params) -> Result<(Answer, End)> {
        let one_more = Find { limit: Some(limit.saturating_add(1)), ..find.clone() };
        let mut rows = self.store.find(&one_more, self.operation(params)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let end = match &mut rows.records {
            records if records.len() <= limit => rows.keys,
            Answer::Records(records) => {
                records.truncate(limit);
                let of = |last| find.sort.iter().map(|key| plain(key, at(last, &key.path))).collect();
                match rows.keys {
                    None => records.last().map(of).transpose()?,
                    said => said,
                }
            }
            Answer::Text(_) => return Err(Error::general("The store answers text, and not where it ends")),
        };
        select::apply(&find.select, &mut rows.records);
        Ok((rows.records, end))
    }
}

/// Adds the id, in the direction of the key before it: no two records stand in the same place then, and an index on that
/// key serves.
pub(super) fn end_with_id(sort: &mut Vec<SortKey>, id_field: &str) {
    let id = Path::new(id_field);
    match sort.iter().position(|key| key.path == id) {
        // What follows it decides nothing.
        Some(at) => sort.truncate(at + 1),
        None => {
            let descending = sort.last().is_some_and(|key| key.descending);
            sort.push(SortKey { path: id, descending });
        }
    }
}

/// Holds that clients see a key: its values are in the cursor, also where a hook has asked for the order.
fn shown(key: &SortKey, params: &Params) -> Result<()> {
    let name = key.path.to_string();
    let rules = params.scope.as_ref().map(|scope| scope.rules()).unwrap_or_default();
    match rules.iter().all(|rules| rules.shows(&name)) {
        true => Ok(()),
        false => Err(Error::bad_request(format!("Invalid $cursor: it can not be made of '{name}': it is not allowed"))),
    }
}

fn plain(key: &SortKey, value: &Value) -> Result<Value> {
    match value {
        Value::Array(_) | Value::Object(_) => Err(cursor::unpaged(key)),
        value => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_last_key() {
        let (key, of) = (
            |name: &str, descending| SortKey { path: Path::new(name), descending },
            |sort: &[SortKey]| {
                let mut sort = sort.to_vec();
                end_with_id(&mut sort, "id");
                sort
            },
        );
        assert_eq!(of(&[]), [key("id", false)]);
        assert_eq!(of(&[key("a", false), key("b", true)]), [key("a", false), key("b", true), key("id", true)]);
        assert_eq!(of(&[key("id", true), key("a", false)]), [key("id", true)]);
    }
}

//! Records in memory.

use super::sort::sort_by_record;
use super::{Answer, Change, Find, Operation, Record, Rows, Store, Table, Target, Writes, given_id, matches};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wingbeat_core::{Error, Id, RawJson, Result};

/// A service whose records live in memory, for tests, caches and first steps. Clones share the records.
///
/// Records stand in the order of their ids where these are whole numbers, the others after them as they came (the order
/// of members of a JavaScript object, which Feathers' memory service answers). Creating a record with an id that exists
/// overwrites that record, as in Feathers.
pub type Memory = Table<Records>;

impl Memory {
    /// No records; generated ids count up from 0.
    pub fn new() -> Memory {
        Table::over(Records { id: "id".into(), shared: Arc::default() })
    }

    /// The name of the field that holds the id (`"id"`). Comes before [`records`](Memory::records), or fails the mount.
    #[must_use]
    pub fn id(mut self, field: &str) -> Memory {
        if !self.store.read().by_position.is_empty() {
            let why = format!("it comes before the records; write Memory::new().id({field:?}).records(…)");
            self.refuse(Error::general(format!("Invalid option 'id': {why}")));
        }
        self.store.id = field.into();
        self
    }

    /// The first id to generate. Ids that are taken already are left out.
    #[must_use]
    pub fn start(self, id: i64) -> Memory {
        self.store.write().next_id = id;
        self
    }

    /// Adds records. One that is not an object, or has an id that is neither number nor text, fails the mount.
    #[must_use]
    pub fn records<T: Serialize>(mut self, records: impl IntoIterator<Item = T>) -> Memory {
        for record in records {
            // As clients would have sent it.
            let added = match RawJson::new(&record).and_then(|record| record.to()) {
                Ok(Value::Object(record)) => {
                    self.store.add(&mut self.store.write(), record, Operation::default().writes())
                }
                _ => Err(Error::bad_request("a record must be an object")),
            };
            if let Err(error) = added {
                self.refuse(Error::general(format!("Invalid option 'records': {}", error.message())));
            }
        }
        self
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

/// The records of a [`Memory`].
#[derive(Clone)]
pub struct Records {
    id: Arc<str>,
    // A std lock: nothing waits while it is held. Writes are noted under it, so that the order of notes is theirs.
    shared: Arc<RwLock<Kept>>,
}

/// Says how many there are, and nothing of what is in them.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.read().by_position.len())
    }
}

/// A number as id is its own position; the other ids have positions beyond all of these.
#[derive(Default)]
struct Kept {
    by_position: BTreeMap<u64, Record>,
    named: HashMap<Box<str>, u64>,
    next_id: i64,
    next_position: u64,
}

const NAMED: u64 = u32::MAX as u64;

impl Kept {
    fn position(&self, id: &str) -> Option<u64> {
        index(id).or_else(|| self.named.get(id).copied())
    }

    fn insert(&mut self, id: &str, record: Record) {
        let position = self.position(id).unwrap_or_else(|| {
            let position = NAMED + self.next_position;
            self.next_position += 1;
            self.named.insert(id.into(), position);
            position
        });
        self.by_position.insert(position, record);
    }

    /// The records of a target and their positions.
    fn select<'a>(&'a self, target: &'a Target) -> Box<dyn Iterator<Item = (u64, &'a Record)> + 'a> {
        let hit = |(_, record): &(u64, &Record)| matches(&target.condition, record);
        match &target.id {
            None => Box::new(self.by_position.iter().map(|(position, record)| (*position, record)).filter(hit)),
            Some(id) => {
                let position = self.position(&id.to_string());
                let found = position.and_then(|position| Some((position, self.by_position.get(&position)?)));
                Box::new(found.into_iter().filter(hit))
            }
        }
    }

    fn positions(&self, target: &Target) -> Vec<u64> {
        self.select(target).map(|(position, _)| position).collect()
    }
}

/// The position of an id that is an array index in JavaScript: whole numbers without sign and leading zeros.
fn index(id: &str) -> Option<u64> {
    let canonical = id == "0" || !id.starts_with(['0', '+']);
    id.parse::<u32>().ok().map(u64::from).filter(|index| canonical && *index < NAMED)
}

impl Records {
    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kept: &mut Kept, mut record: Record, writes: Writes<'_>) -> Result<Record> {
        let id = match given_id(&record, &self.id)? {
            Some(id) => id,
            None => {
                let taken =
                    |id: i64| kept.position(&id.to_string()).is_some_and(|at| kept.by_position.contains_key(&at));
                let mut next = kept.next_id;
                while taken(next) {
                    next += 1;
                }
                kept.next_id = next + 1;
                record.insert(self.id.to_string(), next.into());
                next.into()
            }
        };
        kept.insert(&id.to_string(), record.clone());
        writes.note(&id);
        Ok(record)
    }
}

fn records<'a>(hits: impl Iterator<Item = &'a Record>) -> Answer {
    Answer::Records(hits.cloned().collect())
}

impl Store for Records {
    fn id_field(&self) -> &str {
        &self.id
    }

    fn has_cursors(&self) -> bool {
        true
    }

    async fn find(&self, find: &Find, _: Operation<'_>) -> Result<Rows> {
        let kept = self.read();
        let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
        let limit = find.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let hits = kept.select(&find.target).map(|(_, record)| record).filter(|record| find.is_behind(record));
        let counted = find.count.map_or(0, |most| usize::try_from(most).unwrap_or(usize::MAX));
        // Without an order no more is looked at than is answered or counted.
        let enough = if find.sort.is_empty() { skip.saturating_add(limit).max(counted) } else { usize::MAX };
        let mut hits: Vec<&Record> = hits.take(enough).collect();
        let total = find.count.map(|most| most.min(hits.len() as u64));
        sort_by_record(&mut hits, &find.sort, |record| record);
        Ok(Rows { total, ..Rows::new(records(hits.into_iter().skip(skip).take(limit))) })
    }

    async fn create(&self, records: Vec<Record>, operation: Operation<'_>) -> Result<Answer> {
        records.iter().try_for_each(|record| given_id(record, &self.id).map(drop))?;
        let mut kept = self.write();
        let added = records.into_iter().map(|record| self.add(&mut kept, record, operation.writes()));
        Ok(added.collect::<Result<Vec<_>>>()?.into())
    }

    async fn change(&self, target: &Target, change: Change, operation: Operation<'_>) -> Result<Answer> {
        let mut kept = self.write();
        let positions = kept.positions(target);
        target.check(positions.len())?;
        let mut changed = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(record) = kept.by_position.get_mut(&position) else { continue };
            change.apply(record, &self.id);
            if let Some(id) = record.get(&*self.id) {
                operation.writes().note_value(id);
            }
            changed.push(record.clone());
        }
        Ok(changed.into())
    }

    async fn remove(&self, target: &Target, operation: Operation<'_>) -> Result<Answer> {
        let mut kept = self.write();
        let positions = kept.positions(target);
        target.check(positions.len())?;
        let removed: Vec<Record> = positions.iter().filter_map(|position| kept.by_position.remove(position)).collect();
        for id in removed.iter().filter_map(|record| record.get(&*self.id).and_then(Id::from_value)) {
            // A record that comes back under this id stands at the end.
            kept.named.remove(&*id.to_string());
            operation.writes().note(&id);
        }
        Ok(removed.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Params, RawService};
    use serde_json::json;

    async fn ids(service: &Memory) -> Value {
        let found = service.find(&Params::new()).await.unwrap().into_value().unwrap();
        found.as_array().unwrap().iter().map(|record| record["id"].clone()).collect()
    }

    #[tokio::test]
    async fn numbers_come_in_their_order_and_names_as_they_came() {
        let service = Memory::new().records([
            json!({"id": "b"}),
            json!({"id": 77}),
            json!({"id": "a"}),
            json!({"id": 4}),
            json!({"id": -1}),
        ]);
        assert_eq!(ids(&service).await, json!([4, 77, "b", "a", -1]));
        service.remove("b".into(), &Params::new()).await.unwrap();
        service.create(Some(json!({"id": "b"}).into()), &Params::new()).await.unwrap();
        assert_eq!(ids(&service).await, json!([4, 77, "a", -1, "b"]));
    }

    #[tokio::test]
    async fn creating_an_id_that_exists_overwrites_the_record() {
        let service = Memory::new().records([json!({"id": 1, "a": 1})]);
        let created = service.create(Some(json!({"id": "1", "b": 2}).into()), &Params::new()).await.unwrap();
        assert_eq!(created.into_value().unwrap(), json!({"id": "1", "b": 2}));
        assert_eq!(ids(&service).await, json!(["1"]));
    }

    #[tokio::test]
    async fn a_generated_id_is_never_one_that_is_taken() {
        let service = Memory::new().start(1).records([json!({"id": 1}), json!({"id": 2})]);
        let created = service.create(Some(json!({}).into()), &Params::new()).await.unwrap();
        assert_eq!(created.into_value().unwrap(), json!({"id": 3}));
    }

    #[tokio::test]
    async fn ids_are_made_where_data_has_none() {
        let service = Memory::new().id("_id").multi(true).ids(crate::store::uuid);
        let data = json!([{"n": 1}, {"_id": "mine", "n": 2}, {"_id": null}]);
        let created = service.create(Some(data.into()), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(created[1], json!({"_id": "mine", "n": 2}));
        let (first, last) = (created[0]["_id"].as_str().unwrap(), created[2]["_id"].as_str().unwrap());
        assert!(first.len() == 36 && first < last);
        assert_eq!(service.get(first.into(), &Params::new()).await.unwrap().into_value().unwrap()["n"], 1);
    }

    #[tokio::test]
    async fn the_id_field_can_have_another_name() {
        let service = Memory::new().id("_id").records([json!({"_id": "x", "n": 1})]);
        let got = service.get("x".into(), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(got["n"], 1);
    }

    #[test]
    fn ids_have_the_text_that_javascript_gives_them() {
        for (id, expected) in
            [(json!(7), "7"), (json!(7.0), "7"), (json!(1.5), "1.5"), (json!("07"), "07"), (json!(-3), "-3")]
        {
            assert_eq!(Id::from_value(&id).unwrap().to_string(), expected);
        }
    }
}

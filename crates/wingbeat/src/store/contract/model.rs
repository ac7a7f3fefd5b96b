//! The memory store held against a list that does everything in the simplest way.

use super::agreement::{canonical, conditions, members, naive, plain_value, value};
use super::{Client, drop_nulls};
use crate::store::Memory;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use wingbeat_core::IdArg;

#[derive(Clone, Debug)]
enum Step {
    Create(Value),
    Update(i64, Value, Value),
    Patch(Option<i64>, Value, Value),
    Remove(Option<i64>, Value),
    /// A query, and the filters beside it.
    Find(Value, Value),
    Get(i64, Value),
}

/// Records by their ids, which count from 1.
#[derive(Default)]
struct Model {
    records: Vec<Value>,
    created: i64,
}

fn id(record: &Value) -> i64 {
    record["id"].as_i64().unwrap()
}

fn order(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        _ => 3,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

impl Model {
    fn chosen(&self, wanted: Option<i64>, query: &Value) -> Vec<usize> {
        let fits = |record: &Value| wanted.is_none_or(|wanted| id(record) == wanted) && naive(query, record);
        (0..self.records.len()).filter(|&at| fits(&self.records[at])).collect()
    }

    /// The answer of a method that means one record or several.
    fn answer(wanted: Option<i64>, records: Vec<Value>) -> Result<Value, u16> {
        match wanted {
            None => Ok(records.into()),
            Some(_) => records.into_iter().next().ok_or(404),
        }
    }

    fn change(&mut self, wanted: Option<i64>, query: &Value, change: impl Fn(&mut Map<String, Value>)) -> Vec<Value> {
        let chosen = self.chosen(wanted, query);
        let mut changed = Vec::new();
        for at in chosen {
            let record = self.records[at].as_object_mut().unwrap();
            let id = record["id"].clone();
            change(record);
            record.insert("id".into(), id);
            changed.push(self.records[at].clone());
        }
        changed
    }

    fn take(&mut self, step: &Step) -> Result<Value, u16> {
        match step {
            Step::Create(data) => {
                self.created += 1;
                let mut record = data.clone();
                record["id"] = self.created.into();
                self.records.push(record.clone());
                Ok(record)
            }
            Step::Update(wanted, data, query) => {
                let replaced = self.change(Some(*wanted), query, |record| *record = data.as_object().unwrap().clone());
                Model::answer(Some(*wanted), replaced)
            }
            Step::Patch(wanted, data, query) => {
                let merge = |record: &mut Map<String, Value>| {
                    for (name, value) in data.as_object().unwrap() {
                        record.insert(name.clone(), value.clone());
                    }
                };
                Model::answer(*wanted, self.change(*wanted, query, merge))
            }
            Step::Remove(wanted, query) => {
                let chosen = self.chosen(*wanted, query);
                let removed: Vec<Value> = chosen.iter().map(|&at| self.records[at].clone()).collect();
                self.records.retain(|record| !removed.iter().any(|gone| id(gone) == id(record)));
                Model::answer(*wanted, removed)
            }
            Step::Get(wanted, query) => {
                let found = self.chosen(Some(*wanted), query).into_iter().map(|at| self.records[at].clone());
                Model::answer(Some(*wanted), found.collect())
            }
            Step::Find(query, filters) => {
                let mut found: Vec<Value> =
                    self.chosen(None, query).into_iter().map(|at| self.records[at].clone()).collect();
                let total = found.len();
                // By the last key first: each pass keeps what those after it have ordered.
                for (field, direction) in filters["$sort"].as_object().unwrap().iter().rev() {
                    found.sort_by(|a, b| {
                        let ordering = order(&a[field], &b[field]);
                        if *direction == 1 { ordering } else { ordering.reverse() }
                    });
                }
                let (skip, limit) = (filters["$skip"].as_u64().unwrap(), filters["$limit"].as_u64().unwrap().min(3));
                let found: Vec<Value> = found.into_iter().skip(skip as usize).take(limit as usize).collect();
                Ok(json!({"total": total, "limit": limit, "skip": skip, "data": found}))
            }
        }
    }
}

fn data() -> impl Strategy<Value = Value> {
    (plain_value(), plain_value(), value()).prop_map(|(i, t, j)| json!({"i": i, "t": t, "j": j}))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 1..6i64;
    let some_or_all = || prop::option::of(id());
    let patch = || members(prop::sample::select(vec!["i", "t", "j", "id"]), plain_value(), 0..3);
    let filters = || {
        let sort =
            members(prop::sample::select(vec!["i", "t", "id"]), prop::sample::select(vec![json!(1), json!(-1)]), 0..3);
        (sort, 0..4, 0..5).prop_map(|(sort, skip, limit)| json!({"$sort": sort, "$skip": skip, "$limit": limit}))
    };
    let step = prop_oneof![
        4 => data().prop_map(Step::Create),
        1 => (id(), data(), conditions()).prop_map(|(id, data, query)| Step::Update(id, data, query)),
        2 => (some_or_all(), patch(), conditions()).prop_map(|(id, data, query)| Step::Patch(id, data, query)),
        1 => (some_or_all(), conditions()).prop_map(|(id, query)| Step::Remove(id, query)),
        3 => (conditions(), filters()).prop_map(|(query, filters)| Step::Find(query, filters)),
        1 => (Just(json!({})), filters()).prop_map(|(query, filters)| Step::Find(query, filters)),
        1 => (id(), conditions()).prop_map(|(id, query)| Step::Get(id, query)),
    ];
    prop::collection::vec(step, 1..20)
}

async fn asked(client: &Client<crate::store::Records>, step: &Step) -> Result<Value, u16> {
    let arg = |id: &Option<i64>| id.map_or(IdArg::Null, IdArg::from);
    let answer = match step.clone() {
        Step::Create(data) => client.create(data, json!({})).await,
        Step::Update(id, data, query) => client.update(id, data, query).await,
        Step::Patch(id, data, query) => client.patch(arg(&id), data, query).await,
        Step::Remove(id, query) => client.remove(arg(&id), query).await,
        Step::Get(id, query) => client.get(id, query).await,
        Step::Find(mut query, filters) => {
            query.as_object_mut().unwrap().extend(filters.as_object().unwrap().clone());
            client.find(query).await
        }
    };
    answer.map_err(|error| error.code())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_store_answers_as_the_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let client = Client(Memory::new().start(1).multi(true).paginate(3, 3));
        let mut model = Model::default();
        for step in steps {
            let mut expected = model.take(&step);
            expected.iter_mut().for_each(drop_nulls);
            let found = runtime.block_on(asked(&client, &step));
            let text = |answer: &Result<Value, u16>| answer.as_ref().map(canonical).map_err(|code| *code);
            prop_assert_eq!(text(&found), text(&expected), "{:?}", step);
        }
    }
}

//! What is said to be written comes in the order in which it was written.

use super::{Store, Table};
use crate::service::{Emitter, Notes, Params, RawService, ServiceScope, Services};
use crate::{BoxFuture, locked};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use tokio::task::{JoinSet, spawn_blocking};
use wingbeat_core::{Id, IdArg, RawJson, Result};

super::facts! {
    every_write_is_noted_and_nothing_else
    notes_come_in_the_order_of_the_writes
}

/// What was written by whom, in the order in which it was said.
type Log = Arc<Mutex<Vec<(String, String)>>>;

/// A call that says what it writes.
struct Saying {
    call: String,
    log: Log,
}

impl Notes for Saying {
    fn wrote(&self, id: &Id, id_field: &str) {
        assert_eq!(id_field, "id");
        // Others write meanwhile, if the store lets them.
        (0..3).for_each(|_| std::thread::yield_now());
        locked(&self.log).push((id.to_string(), self.call.clone()));
    }
}

impl ServiceScope for Saying {
    fn emit(&self, _: &str, _: RawJson, _: Emitter) -> BoxFuture<'static, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn services(&self) -> Option<Services> {
        None
    }

    fn notes(&self) -> Option<&dyn Notes> {
        Some(self)
    }
}

fn saying(call: impl ToString, log: &Log) -> Params {
    let mut params = Params::new();
    params.scope = Some(Arc::new(Saying { call: call.to_string(), log: log.clone() }));
    params
}

async fn every_write_is_noted_and_nothing_else<S: Store + Clone>(table: Table<S>) {
    let (table, log) = (table.multi(true), Log::default());
    let of = |query: Value| saying("", &log).with_query(query).unwrap();
    let any = || of(json!({}));
    table.create(Some(json!({"text": "six"}).into()), &any()).await.unwrap();
    table.create(Some(json!([{"text": "seven"}, {"text": "eight"}]).into()), &any()).await.unwrap();
    table.update("2".into(), Some(json!({"text": "two"}).into()), &any()).await.unwrap();
    table.patch(3.into(), Some(json!({"n": 1}).into()), &of(json!({"$select": ["n"]}))).await.unwrap();
    // Nothing changes, but the call answers the record and its event tells of it.
    table.patch(1.into(), None, &any()).await.unwrap();
    table.patch(1.into(), None, &of(json!({"tags": "x"}))).await.unwrap();
    table.patch(IdArg::Null, Some(json!({"n": 2}).into()), &of(json!({"id": {"$gt": 6}}))).await.unwrap();
    table.patch(IdArg::Null, Some(json!({"n": 2}).into()), &of(json!({"tags": "y"}))).await.unwrap();
    table.remove(4.into(), &any()).await.unwrap();
    table.remove(IdArg::Null, &of(json!({"id": {"$lt": 3}}))).await.unwrap();
    let noted = |log: &Log| locked(log).iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let expected = ["6", "7", "8", "2", "3", "1", "1", "7", "8", "1", "5", "4", "1", "2"];
    assert_eq!(noted(&log), expected);
    // What is read, what does not fit, and what is refused is not written.
    table.find(&any()).await.unwrap();
    table.get(3.into(), &any()).await.unwrap();
    table.patch(99.into(), Some(json!({"n": 1}).into()), &any()).await.unwrap_err();
    table.remove(3.into(), &of(json!({"n": 77}))).await.unwrap_err();
    table.create(Some(json!([{"text": "nine"}, {"id": {}}]).into()), &any()).await.unwrap_err();
    assert_eq!(noted(&log), expected);
}

/// Several threads write the same records. Who says last that it has written a record has what is stored.
async fn notes_come_in_the_order_of_the_writes<S: Store + Clone>(table: Table<S>) {
    let table = table.multi(true);
    for round in 0..60 {
        let (log, mut writers) = (Log::default(), JoinSet::new());
        for writer in 0..6 {
            let (table, log) = (table.clone(), log.clone());
            writers.spawn(async move {
                let writing = async move { write(&table, round * 6 + writer, &log).await };
                let runtime = Handle::current();
                spawn_blocking(move || runtime.block_on(writing)).await.unwrap();
            });
        }
        writers.join_all().await;
        let log = std::mem::take(&mut *locked(&log));
        let last: HashMap<&str, &str> = log.iter().map(|(id, call)| (id.as_str(), call.as_str())).collect();
        assert!(!last.is_empty());
        for (id, call) in last {
            let record = table.get(id.into(), &Params::new()).await.map(|record| record.into_value().unwrap());
            let stored = record.as_ref().map_or(REMOVED, |record| record["text"].as_str().unwrap());
            assert_eq!(stored, call, "round {round}, record {id}: {log:?}");
        }
    }
}

/// What a call says that removes.
const REMOVED: &str = "removed";

/// Writes the number of the call as the text of one record or two.
async fn write<S: Store>(table: &Table<S>, call: usize, log: &Log) {
    let data = || Some(json!({"text": call.to_string()}).into());
    let params = |query: Value| saying(call, log).with_query(query).unwrap();
    let done = match call % 8 {
        0 | 1 => table.patch(1.into(), data(), &params(json!({}))).await,
        2 => table.update(1.into(), data(), &params(json!({}))).await,
        3 => table.patch(IdArg::Null, data(), &params(json!({"id": {"$lt": 3}}))).await,
        4 => table.patch(2.into(), data(), &params(json!({"deep.v": {"$ne": -1}}))).await,
        5 => table.create(Some(json!({"id": 1, "text": call.to_string()}).into()), &params(json!({}))).await,
        6 => table.remove(1.into(), &saying(REMOVED, log)).await,
        _ => table.remove(IdArg::Null, &saying(REMOVED, log).with_query(json!({"id": 2})).unwrap()).await,
    };
    // The record may have been removed, or be there already.
    if let Err(error) = done {
        assert!([404, 409].contains(&error.code()), "{error}");
    }
}

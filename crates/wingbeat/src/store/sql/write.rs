//! Statements that write.

use super::{Columns, Dialect, Statement, is_open};
use crate::store::{Change, Find, Record, Target, given_id};
use serde_json::Value;
use std::collections::HashMap;
use wingbeat_core::{Error, Id, Result};

/// A column in quotes, and its new value.
pub(in crate::store) type Assignment<D> = (Box<str>, <D as Dialect>::Value);

/// Adds a record.
///
/// # Errors
/// BadRequest where data and columns do not fit.
pub(in crate::store) fn insert<D: Dialect>(columns: &Columns<D>, record: &Record) -> Result<Statement<D>> {
    let id = columns.id();
    let given = given_id(record, &id.name)?.is_some();
    if !given && !id.is_filled {
        return Err(Error::bad_request(format!("Invalid data: '{}' is required", id.name)));
    }
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (field, value) in record {
        let column = columns.find(field)?;
        if !column.is_generated && (given || column.name != id.name) {
            names.push(&*column.quoted);
            values.push(D::write(column, value)?);
        }
    }
    let mut statement = Statement::new(format!("INSERT INTO {}", columns.table));
    match names.is_empty() {
        true => drop(statement.push(D::DEFAULTS)),
        false => drop(statement.push(&format!(" ({}) VALUES ", names.join(", "))).bind_list(values)),
    }
    Ok(statement)
}

/// The columns to set and their new values. The id is not among them.
///
/// # Errors
/// BadRequest where data and columns do not fit.
pub(in crate::store) fn assignments<D: Dialect>(columns: &Columns<D>, change: &Change) -> Result<Vec<Assignment<D>>> {
    let (Change::Replace(data) | Change::Merge(data)) = change;
    for field in data.keys() {
        columns.find(field)?;
    }
    let replace = matches!(change, Change::Replace(_));
    let mut assignments = Vec::new();
    for column in columns.list.iter().filter(|column| !column.is_generated && column.name != columns.id().name) {
        match data.get(&*column.name) {
            Some(value) => assignments.push((column.quoted.clone(), D::write(column, value)?)),
            None if replace => assignments.push((column.quoted.clone(), D::NULL)),
            None => {}
        }
    }
    Ok(assignments)
}

/// Changes records; which ones is to be added.
pub(in crate::store) fn update<D: Dialect>(columns: &Columns<D>, assignments: &[Assignment<D>]) -> Statement<D> {
    let mut statement = Statement::new(format!("UPDATE {} SET ", columns.table));
    for (index, (column, value)) in assignments.iter().enumerate() {
        statement.push(if index == 0 { "" } else { ", " }).push(column).push(" = ").bind(value.clone());
    }
    statement
}

/// Removes records; which ones is to be added.
pub(in crate::store) fn delete<D: Dialect>(columns: &Columns<D>) -> Statement<D> {
    Statement::new(format!("DELETE FROM {}", columns.table))
}

/// ` WHERE …` with the ids of records.
///
/// # Errors
/// If one does not fit its column.
pub(in crate::store) fn push_ids<D: Dialect>(
    statement: &mut Statement<D>,
    columns: &Columns<D>,
    ids: &[Value],
) -> Result<()> {
    let id = columns.id();
    let ids = ids.iter().map(|value| D::write(id, value)).collect::<Result<Vec<_>>>()?;
    statement.push(" WHERE ");
    D::push_one_of(statement, id, ids, true);
    Ok(())
}

/// The records that a change is about, no more than tell whether these are too many.
pub(in crate::store) fn to_write(target: &Target) -> Find {
    let limit = target.at_most.map(|most| (most as u64).saturating_add(1));
    Find { target: target.clone(), limit, ..Find::default() }
}

/// Whether SQL alone decides about at most one record.
pub(in crate::store) fn is_single<D: Dialect>(target: &Target, columns: &Columns<D>) -> bool {
    target.id.is_some() && !is_open(&target.condition, columns)
}

pub(in crate::store) fn id_of<D: Dialect>(columns: &Columns<D>, record: &Record) -> Option<Id> {
    record.get(&*columns.id().name).and_then(Id::from_value)
}

/// The values that records have for an id.
pub(in crate::store) fn ids_of<D: Dialect>(columns: &Columns<D>, records: &[Record]) -> Vec<Value> {
    records.iter().filter_map(|record| record.get(&*columns.id().name).cloned()).collect()
}

/// The records of these ids, which rows come back from in any order.
pub(in crate::store) fn in_order<D: Dialect>(columns: &Columns<D>, ids: &[Value], records: Vec<Record>) -> Vec<Record> {
    let by_id = |record: Record| Some((id_of(columns, &record)?.to_string(), record));
    let mut records: HashMap<String, Record> = records.into_iter().filter_map(by_id).collect();
    ids.iter().filter_map(|id| records.remove(&Id::from_value(id)?.to_string())).collect()
}

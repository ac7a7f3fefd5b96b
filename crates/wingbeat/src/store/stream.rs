//! All records of a query, slice by slice.

use super::keyset::end_with_id;
use super::{Answer, Find, Store, Table, page, sort};
use crate::service::Params;
use std::fmt;
use wingbeat_core::{Error, Result};

/// How many records a slice has, at most and at first.
const MOST: u64 = 1000;
const FIRST: u64 = 100;
/// How large the text of a slice shall be, which decides how many records the next one has.
const BYTES: u64 = 256 * 1024;

impl<S: Store> Table<S> {
    /// All records that a query selects, in slices: however many there are, no more than a slice is in memory. For exports
    /// and the like, in the server's own name: no hooks run, and pages do not count.
    ///
    /// Slices come in the order of the query's `$sort`, and of the ids. Each begins behind the last record of the one
    /// before, as pages by `$cursor` do: a record that is there all the time comes exactly once, whatever others write
    /// meanwhile, if they leave its sort keys alone. Each slice is of its own moment; all of them are of one moment only in
    /// a transaction that sees none of what others write.
    ///
    /// `$limit` is how many there are in all at most, `$select` is honoured, `$skip` is a BadRequest, and so is a `$sort` by
    /// what cannot be the key of a cursor.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::{Params, store::Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// let notes = Memory::new().records((0..5000).map(|id| json!({"id": id, "done": id % 2 == 0})));
    /// let params = Params::query([("done", true)]);
    /// let (mut slices, mut lines) = (notes.stream(&params), 0);
    /// while let Some(slice) = slices.next().await {
    ///     for note in slice?.into_records()? {
    ///         assert_eq!(note["done"], true);
    ///         lines += 1;
    ///     }
    /// }
    /// assert_eq!(lines, 2500);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<'a>(&'a self, params: &'a Params) -> Slices<'a, S> {
        let (find, failed) = match self.streamed(params) {
            Ok(find) => (Some(find), None),
            Err(error) => (None, Some(error)),
        };
        let left = page::limit(params.query.get("$limit"), None).unwrap_or(u64::MAX);
        Slices { table: self, params, find, failed, left, size: FIRST }
    }

    fn streamed(&self, params: &Params) -> Result<Find> {
        let query = &params.query;
        if !self.store.has_cursors() {
            return Err(Error::general("This store can not be streamed: it does not look at `Find::after`"));
        }
        if query.get("$skip").is_some() {
            return Err(Error::bad_request("Invalid $skip: what is streamed begins with the first record"));
        }
        let mut find = Find { select: self.select(params)?, after: Some(Vec::new()), ..Find::default() };
        find.target.condition = self.condition(params, None)?;
        if let Some(order) = query.get("$sort") {
            find.sort = sort::read(order, self.syntax.limits.conditions)?;
        }
        end_with_id(&mut find.sort, self.store.id_field());
        Ok(find)
    }
}

/// The records of a query, as [`Table::stream`] reads them: each slice is one question to the store, asked when it is
/// wanted.
#[must_use = "nothing is read until a slice is wanted"]
pub struct Slices<'a, S> {
    table: &'a Table<S>,
    params: &'a Params,
    /// What is asked next; absent at the end.
    find: Option<Find>,
    failed: Option<Error>,
    left: u64,
    size: u64,
}

impl<S: Store> Slices<'_, S> {
    /// The next slice, which is not empty; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Answer>> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let limit = self.size.min(self.left);
        let mut find = self.find.take().filter(|_| limit > 0)?;
        let (records, end) = match self.table.slice(&find, limit, self.params).await {
            Ok(slice) => slice,
            Err(error) => return Some(Err(error)),
        };
        let found = records.len() as u64;
        if found == 0 {
            return None;
        }
        if let Some(bytes) = records.text_len() {
            self.size = (BYTES * found / (bytes as u64).max(1)).clamp(1, MOST);
        }
        self.left -= found.min(self.left);
        find.after = end;
        self.find = Some(find).filter(|find| find.after.is_some());
        Some(Ok(records))
    }
}

impl<S> fmt::Debug for Slices<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slices").field("left", &self.left).field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", any(feature = "sqlite", feature = "postgres", feature = "mariadb")))]
pub(super) mod tests {
    use super::*;
    use crate::service::RawService as _;
    use serde_json::{Value, json};
    use std::{env, fs};

    /// How many rows: `WINGBEAT_ROWS=1000000` looks further.
    pub(in crate::store) fn rows() -> u64 {
        env::var("WINGBEAT_ROWS").map_or(40_000, |rows| rows.parse().unwrap())
    }

    /// Reads a table with the columns `id`, `n` and `text` in both ways, and holds that no more than a part of it is in
    /// memory. Rows have 500 bytes, ids count from 1, `n` is equal for many.
    pub(in crate::store) async fn is_read_in_bounded_memory<S: Store + Clone>(table: Table<S>) {
        let table = table.paginate(200, 200);
        // What is made once is there then.
        let few = Params::new().with_query(json!({"$limit": 5000})).unwrap();
        assert_eq!(streamed(&table, &few).await, (5000, 5000 * 5001 / 2));
        let (rows, mut most, before) = (rows(), 0, resident());
        assert_eq!(paged(&table, &mut most).await, rows);
        let (all, mut count) = (Params::new(), 0);
        let mut slices = table.stream(&all);
        while let Some(slice) = slices.next().await {
            most = most.max(resident());
            count += slice.unwrap().len() as u64;
        }
        assert_eq!(count, rows);
        let grown = most.saturating_sub(before) / 1024;
        eprintln!("{rows} rows: {grown} KiB beyond {} KiB, {} KiB at most", before / 1024, peak() / 1024);
        // Other tests of the same process count as well, where they share one.
        assert!(env::var_os("NEXTEST").is_none() || grown < 8 * 1024, "{grown} KiB");
    }

    async fn streamed<S: Store>(table: &Table<S>, params: &Params) -> (u64, u64) {
        let (mut slices, mut count, mut sum) = (table.stream(params), 0, 0);
        while let Some(slice) = slices.next().await {
            for record in slice.unwrap().into_records().unwrap() {
                count += 1;
                sum += record["id"].as_u64().unwrap();
            }
        }
        (count, sum)
    }

    async fn paged<S: Store>(table: &Table<S>, most: &mut u64) -> u64 {
        let (mut count, mut cursor) = (0, json!(""));
        while !cursor.is_null() {
            let params = Params::new().with_query(json!({"$sort": {"n": -1}, "$cursor": cursor})).unwrap();
            let page = table.find(&params).await.unwrap().into_value().unwrap();
            count += page["data"].as_array().unwrap().len() as u64;
            cursor = page.get("next").cloned().unwrap_or(Value::Null);
            *most = (*most).max(resident());
        }
        count
    }

    fn resident() -> u64 {
        status("VmRSS:")
    }

    fn peak() -> u64 {
        status("VmHWM:")
    }

    fn status(name: &str) -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

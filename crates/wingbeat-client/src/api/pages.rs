//! All pages of a `find`, one after another.

use super::call::Request;
use super::keyset::{Keys, RecordId};
use super::{Call, Client};
use crate::error::{Error, Result};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::{Found, Page, RawJson};

/// A stream of pages, or of the records on them. Each page is one call, made when the stream gets there.
#[must_use = "a stream does nothing unless it is read"]
pub struct Pages<I> {
    stream: BoxStream<'static, Result<I>>,
    by_position: bool,
}

impl<I> Pages<I> {
    /// The next one; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<I>> {
        self.stream.next().await
    }

    /// Whether the pages are those of the query's own order, read by position: see [`pages`](Call::pages).
    pub fn is_by_position(&self) -> bool {
        self.by_position
    }
}

impl<I> futures_util::Stream for Pages<I> {
    type Item = Result<I>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<I>>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl<T: DeserializeOwned + Send + 'static> Call<Found<T>> {
    /// All pages, one call each, in the order of the records' `id` (or `_id`, if they have that instead): each begins
    /// behind the last id of the one before. A record that is there all the time comes exactly once, whatever others
    /// write meanwhile.
    ///
    /// This needs a service that sorts by its ids and compares with them (`$sort`, `$gt`), as those of Feathers' and
    /// Wingbeat's stores do, and ids that are all numbers or all texts. Where more than one page has to be read and that
    /// cannot be, the stream ends with an [`Unreadable`](Error::Unreadable) that says so. (Of texts only the service knows the order: one that
    /// compares them but does not sort by them is not noticed.)
    ///
    /// A query with a `$sort` or `$skip` of its own is read by position, from there on: records that are created or
    /// removed meanwhile move others, which then are missed or come twice. `{"$sort": {"id": 1}}` does not count as an order.
    pub fn pages(self) -> Pages<Page<T>> {
        let keys = self.request.as_ref().ok().and_then(|request| match &request.query {
            Some(query) => Keys::of(query),
            None => Keys::of(&Map::new()),
        });
        let by_position = self.request.is_ok() && keys.is_none();
        let begin = self.request.map(|request| Walk { client: self.client, request, keys, read: 0 });
        let walk = stream::try_unfold(Some(begin), |walk| async {
            match walk {
                Some(walk) => walk?.page().await.map(|found| found.map(|(page, walk)| (page, walk.map(Ok)))),
                None => Ok(None),
            }
        });
        Pages { stream: walk.boxed(), by_position }
    }

    /// The records of all [`pages`](Call::pages), which are asked for as the stream is read.
    pub fn records(self) -> Pages<T> {
        let Pages { stream, by_position } = self.pages();
        Pages { stream: stream.map_ok(|page| stream::iter(page.data).map(Ok)).try_flatten().boxed(), by_position }
    }
}

/// How far the pages are read.
struct Walk {
    client: Client,
    request: Request,
    /// `None`: by position.
    keys: Option<Keys>,
    read: u64,
}

/// How often the end is looked at while others remove what was found there.
const LOOKS: usize = 5;

impl Walk {
    /// The next page, and what is left to read.
    async fn page<T: DeserializeOwned>(mut self) -> Result<Option<(Page<T>, Option<Walk>)>> {
        let own = self.request.query.as_deref().cloned().unwrap_or_default();
        let begin = own.get("$skip").and_then(Value::as_u64).unwrap_or_default();
        let (mut page, more) = loop {
            let (query, skipped) = match &self.keys {
                Some(keys) => (keys.next(&own), 0),
                None => behind(&own, begin.saturating_add(self.read)),
            };
            let limit = query.get("$limit").and_then(Value::as_u64);
            let answer = self.find(query).await;
            let answer = match &self.keys {
                Some(keys) => answer.map_err(|error| keys.explained(error))?,
                None => answer?,
            };
            let (page, more) = of(answer.to().map_err(Error::unreadable)?, limit, skipped);
            let Some(keys) = &mut self.keys else { break (page, more) };
            // One page that is everything needs no ids.
            if more == More::No && keys.is_at_start() {
                break (page, more);
            }
            let records = match answer.to::<Found<RecordId>>() {
                Ok(found) => found.into_records(),
                // As far as the server says it was everything: it needs no ids either.
                Err(_) if more == More::Perhaps && keys.is_at_start() => break (page, More::No),
                Err(_) => return Err(keys.keyless()),
            };
            if keys.turns_out_other(&records) {
                continue;
            }
            match keys.read(records) {
                Err(_) if more == More::Perhaps && keys.is_at_start() => break (page, More::No),
                read => read?,
            }
            if more == More::No {
                self.look_at_the_end(&own).await?;
            }
            break (page, more);
        };
        if page.data.is_empty() && self.read > 0 {
            return Ok(None);
        }
        if self.keys.is_some() {
            // The server counts from the last id on.
            (page.skip, page.total) = (self.read, page.total.map(|total| total.saturating_add(self.read)));
        }
        self.read = self.read.saturating_add(page.data.len() as u64);
        Ok(Some((page, (more != More::No).then_some(self))))
    }

    async fn find(&self, query: Map<String, Value>) -> Result<RawJson> {
        let request = Request { query: Some(Box::new(query)), ..self.request.clone() };
        request.run(&self.client).await
    }

    /// Whether nothing is left behind the last page: a service that cannot compare with an id finds nothing there
    /// either.
    async fn look_at_the_end(&self, own: &Map<String, Value>) -> Result<()> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let first = async |query| -> Result<Option<RecordId>> {
            let found = self.find(query).await?.to::<Found<RecordId>>().map_err(|_| keys.keyless())?;
            Ok(found.into_records().into_iter().next())
        };
        for _ in 0..LOOKS {
            let Some(highest) = first(keys.highest(own)).await? else { return Ok(()) };
            let highest = keys.key(highest)?;
            // Another one was made since, or that one has been removed; or it cannot be compared with.
            if keys.ends_with(&highest)? || first(keys.at_least(own, &highest)).await?.is_some() {
                return Ok(());
            }
        }
        Err(keys.unordered())
    }
}

/// The query from this position on.
fn behind(own: &Map<String, Value>, skip: u64) -> (Map<String, Value>, u64) {
    let mut query = own.clone();
    if skip > 0 {
        query.insert("$skip".to_owned(), skip.into());
    }
    (query, skip)
}

/// Whether another page follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    /// The page is full, and the server says that it was the last, or nothing of it. One that counts so far only says the
    /// same where more follow.
    Perhaps,
    No,
}

/// What was found behind so many others as a page, and whether there may be another one.
fn of<T>(found: Found<T>, limit: Option<u64>, skipped: u64) -> (Page<T>, More) {
    match found {
        Found::Page(page) => {
            let len = page.data.len() as u64;
            let more = match page.total {
                _ if len == 0 => More::No,
                Some(total) if skipped.saturating_add(len) < total => More::Yes,
                _ if len >= page.limit => More::Perhaps,
                _ => More::No,
            };
            (page, more)
        }
        Found::List(data) => {
            let len = data.len() as u64;
            // A service without pages gives everything, or as many as the query asks for: then there may be more.
            let more = if limit.is_some_and(|limit| limit > 0 && len >= limit) { More::Yes } else { More::No };
            (Page { total: Some(skipped.saturating_add(len)), limit: len, skip: skipped, data, next: None }, more)
        }
    }
}

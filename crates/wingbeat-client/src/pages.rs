//! All pages of a `find`, one after another.

use crate::call::{Call, Request, local};
use crate::client::Client;
use crate::page::{Found, Page};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::Result;

/// A stream of pages, or of the records on them. Each page is one call, made when the stream gets there.
#[must_use = "a stream does nothing unless it is read"]
pub struct Pages<I>(BoxStream<'static, Result<I>>);

impl<I> Pages<I> {
    /// The next one; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<I>> {
        self.0.next().await
    }
}

impl<I> futures_util::Stream for Pages<I> {
    type Item = Result<I>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<I>>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<T: DeserializeOwned + Send + 'static> Call<Found<T>> {
    /// All pages from here on, one call each. Records that come or go meanwhile may be missed or come twice.
    pub fn pages(self) -> Pages<Page<T>> {
        Pages(stream::try_unfold((self.client, Some(self.request), true), next).boxed())
    }

    /// The records of all pages, which are asked for as the stream is read.
    pub fn records(self) -> Pages<T> {
        Pages(self.pages().map_ok(|page| stream::iter(page.data).map(Ok)).try_flatten().boxed())
    }
}

/// What to ask for next, if anything, and whether that is the first page.
type State = (Client, Option<Result<Request>>, bool);

async fn next<T: DeserializeOwned>((client, request, is_first): State) -> Result<Option<(Page<T>, State)>> {
    let Some(request) = request else { return Ok(None) };
    let mut request = request.map_err(local)?;
    let skip = request.query.get_or_insert_default().get("$skip").and_then(Value::as_u64).unwrap_or_default();
    let call = request.clone();
    let query = request.query.get_or_insert_default();
    let page = match call.run(&client).await?.to()? {
        Found::Page(page) => page,
        Found::List(data) if data.is_empty() && !is_first => return Ok(None),
        Found::List(data) => {
            let len = data.len() as u64;
            // A service without pages gives everything, or as many as the query asks for: then there may be more.
            let more = query.get("$limit").and_then(Value::as_u64).is_some_and(|limit| limit > 0 && len >= limit);
            let total = skip.saturating_add(len);
            query.insert("$skip".to_owned(), total.into());
            let page = Page { total, limit: len, skip, data };
            return Ok(Some((page, (client, more.then_some(Ok(request)), false))));
        }
    };
    let reached = skip.saturating_add(page.data.len() as u64);
    let more = !page.data.is_empty() && reached < page.total;
    query.insert("$skip".to_owned(), reached.into());
    Ok(Some((page, (client, more.then_some(Ok(request)), false))))
}

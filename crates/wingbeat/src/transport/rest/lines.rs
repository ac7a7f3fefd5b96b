//! The records of a find, a line each (`application/x-ndjson`).
//!
//! A find with a cursor goes on page by page, each of them a call like any other: with its hooks and rules, and no more
//! records in memory than a page has.

use super::endpoint::{Asked, Endpoint};
use super::one_line;
use crate::app::{HttpBody, Outcome};
use crate::service::Query;
use crate::service::invocation::Arguments;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::sync::Arc;
use wingbeat_core::{Method, RawJson, Result};

/// What is asked for the page that begins behind the last one.
const CURSOR: &str = "$cursor";

/// A page as clients see it.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "limit")]
    _limit: IgnoredAny,
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    next: Option<String>,
}

/// The lines of an answer, and the cursor of the page behind it.
fn lines(answer: &RawJson) -> (Bytes, Option<String>) {
    let json = answer.with_buffers();
    let (records, next) = match json.trim_ascii_start().first() {
        Some(b'[') => (serde_json::from_slice(&json).ok(), None),
        Some(b'{') => match serde_json::from_slice::<Page<'_>>(&json) {
            Ok(page) => (Some(page.data), page.next),
            Err(_) => (None, None),
        },
        _ => (None, None),
    };
    // What is neither a list nor a page is a line by itself.
    let Some(records) = records else { return ([&one_line(json), &b"\n"[..]].concat().into(), None) };
    let mut lines = Vec::with_capacity(json.len());
    for record in records {
        lines.extend_from_slice(&one_line(json.slice_ref(record.get().as_bytes())));
        lines.push(b'\n');
    }
    (lines.into(), next)
}

/// An answer as lines, and those of the pages behind it, which are asked for as the client reads.
pub(super) fn body(endpoint: &Arc<Endpoint>, asked: Asked<'_>, query: Query, outcome: &Outcome) -> HttpBody {
    let (first, next) = lines(outcome.result());
    // Only who asks for pages by cursor gets the others too: a client could ask for them itself.
    let next = next.filter(|_| query.get(CURSOR).is_some());
    let pages = Pages { endpoint: endpoint.clone(), asked: asked.into_owned(), query, first: Some(first), next };
    let frames = stream::unfold(pages, async |mut pages| {
        let lines = pages.following().await?;
        Some((Ok::<_, Infallible>(Frame::data(lines)), pages))
    });
    HttpBody::new(StreamBody::new(frames))
}

struct Pages {
    endpoint: Arc<Endpoint>,
    asked: Asked<'static>,
    query: Query,
    first: Option<Bytes>,
    next: Option<String>,
}

impl Pages {
    async fn following(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let cursor = self.next.take()?;
        Some(self.page(cursor).await.unwrap_or_else(|error| format!("{}\n", json!({ "error": error })).into()))
    }

    async fn page(&mut self, cursor: String) -> Result<Bytes> {
        self.query.set(CURSOR, cursor);
        let mut arguments = Arguments::default();
        arguments.params.query = self.query.clone();
        let outcome = self.endpoint.run(&self.asked, Method::Find.as_str(), arguments).await?;
        let (lines, next) = lines(outcome.result());
        self.next = next;
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use crate::app::{App, Mount};
    use crate::prelude::*;
    use crate::store::Memory;
    use crate::transport::Rest;
    use crate::transport::rest::tests::{Answer, request, send};
    use serde_json::{Value, json};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use wingbeat_core::RawJson;

    fn app(notes: Mount) -> App {
        App::builder().mount("notes", notes).configure(Rest::new()).build().unwrap()
    }

    fn records() -> Memory {
        Memory::new().records(
            (1..=7)
                .map(|id| json!({"id": id, "text": format!("a\n{id}"), "odd": (id % 2 == 1).to_string(), "secret": 1})),
        )
    }

    async fn ask(app: &App, path: &str) -> (Answer, Vec<Value>) {
        let answer = send(app, request("GET", path).header("accept", "application/x-ndjson"), "").await;
        let text = match &answer.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            one => format!("{one}\n"),
        };
        let lines = text.strip_suffix('\n').unwrap_or_default().split('\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        (answer, lines)
    }

    #[tokio::test]
    async fn the_records_of_a_find_are_a_line_each() {
        let app = app(Mount::new(records()));
        let (answer, lines) = ask(&app, "/notes?odd=true&$limit=2&$select[]=text").await;
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(lines, [json!({"text": "a\n1", "id": 1}), json!({"text": "a\n3", "id": 3})]);
        assert_eq!(ask(&app, "/notes?odd=maybe").await.1, [] as [Value; 0]);
        // Of other methods the answer is one text, and who takes only lines gets none.
        assert_eq!(ask(&app, "/notes/1").await.0.status, 406);
    }

    #[tokio::test]
    async fn a_page_has_no_more_lines_than_records() {
        let app = app(Mount::new(records().paginate(2, 3)));
        assert_eq!(ask(&app, "/notes").await.1.len(), 2);
        assert_eq!(ask(&app, "/notes?$limit=100").await.1.len(), 3);
    }

    #[tokio::test]
    async fn a_find_with_a_cursor_goes_on_page_by_page_and_hooks_see_each() {
        let finds = Arc::new(AtomicUsize::new(0));
        let counted = finds.clone();
        let count = move |context: &mut Context| {
            assert_eq!(context.params.headers().and_then(|headers| headers.get("host")), Some("chat.example"));
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let hidden = crate::hooks::protect(["secret"]);
        let notes = Mount::new(records().paginate(2, 3)).before(Find, crate::hooks::sync(count)).after(All, hidden);
        let (answer, lines) = ask(&app(notes), "/notes?$cursor=&$limit=3&odd=true&$sort[id]=-1").await;
        assert_eq!((answer.status, lines.len(), finds.load(Ordering::Relaxed)), (200, 4, 2));
        assert_eq!((&lines[0]["id"], &lines[3]), (&json!(7), &json!({"id": 1, "text": "a\n1", "odd": "true"})));
    }

    #[tokio::test]
    async fn an_error_on_the_way_is_the_last_line() {
        let finds = AtomicUsize::new(0);
        let second = move |_: &mut Context| match finds.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Error::forbidden("Enough")),
        };
        let notes = Mount::new(records().paginate(2, 3)).before(Find, crate::hooks::sync(second));
        let (answer, lines) = ask(&app(notes), "/notes?$cursor=").await;
        assert_eq!((answer.status, lines.len()), (200, 3));
        assert_eq!((&lines[2]["error"]["name"], &lines[2]["error"]["code"]), (&json!("Forbidden"), &json!(403)));
        // One at the beginning is an answer.
        let notes = Mount::new(records()).before(Find, async |_: &mut Context| Err(Error::forbidden("No")));
        assert_eq!(ask(&app(notes), "/notes").await.0.status, 403);
    }

    #[tokio::test]
    async fn what_other_services_find_becomes_lines_too() {
        struct Raw(&'static str);
        impl RawService for Raw {
            fn methods(&self) -> Vec<Method> {
                vec![Find]
            }
            async fn find(&self, _: &Params) -> Result<Payload> {
                Ok(RawJson::parse(self.0)?.into())
            }
        }
        for (found, lines) in [
            ("[{\"a\":\n1},\r\n2]", vec![json!({"a": 1}), json!(2)]),
            ("{\"limit\": 2, \"data\": [1, 2], \"next\": \"x\"}", vec![json!(1), json!(2)]),
            ("{\n\"data\": [1, 2]}", vec![json!({"data": [1, 2]})]),
            ("\"text\"", vec![json!("text")]),
        ] {
            let app = app(Mount::new(Raw(found)));
            let asked = request("GET", "/notes").header("accept", "application/x-ndjson");
            let Answer { status, body, .. } = send(&app, asked, "").await;
            let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            let read = |line| serde_json::from_str(line).unwrap_or(json!(line));
            let read: Vec<Value> = text.trim_end().split('\n').map(read).collect();
            assert_eq!((status, read), (200, lines), "{found}");
        }
        assert_eq!(ask(&app(Mount::new(Raw("null"))), "/notes").await.0.status, 204);
    }
}

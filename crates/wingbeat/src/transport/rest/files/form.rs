//! Forms with a file: fields, then the file, and nothing after it, so that all but the file is known before it is read.

use super::upload::media;
use crate::service::FileStream;
use crate::transport::rest::refused::Refused;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use multer::{Field, Multipart};
use serde_json::{Map, Value};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use wingbeat_core::{Error, Result};

/// How many parts a form may have.
const PARTS: usize = 32;
/// How many bytes its fields may have together.
const FIELDS: usize = 64 * 1024;
/// How many bytes the headers of a part may have, and what of it is read with them.
const HEAD: u64 = 128 * 1024;
/// How many bytes are read at a time: the parser takes all that it can get.
const PIECE: usize = 32 * 1024;
/// How many bytes a form may have beside its file.
pub(super) const AROUND: u64 = 2 * HEAD + FIELDS as u64;

/// A form whose file begins.
pub(super) struct Begun {
    /// The fields, and the file's name.
    pub(super) data: Map<String, Value>,
    pub(super) media: String,
    pub(super) file: FileStream,
}

pub(super) async fn begin(body: FileStream, boundary: String, max: u64) -> Result<Begun, Refused> {
    let allowed = Allowed::default();
    let pieces = Pieces { body, rest: Bytes::new(), given: false, allowed: allowed.clone() };
    let mut form = Multipart::new(pieces, boundary);
    let (mut data, mut left) = (Map::new(), FIELDS);
    for _ in 0..PARTS {
        allowed.set(HEAD);
        let Some(mut part) = form.next_field().await.map_err(invalid)? else {
            return Err(Error::bad_request("A file is missing: the form has none").into());
        };
        if let Some(name) = part.file_name() {
            data.insert("name".into(), unescaped(name).into());
            let said = part.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let media = media(said.filter(|said| !said.is_empty()).unwrap_or("application/octet-stream"));
            allowed.set(max.saturating_add(HEAD));
            return Ok(Begun { data, media, file: file(form, part, allowed) });
        }
        let name = unescaped(part.name().unwrap_or_default());
        if name.is_empty() || data.contains_key(&name) {
            return Err(
                Error::bad_request(format!("Invalid form: the field '{name}' must have a name of its own")).into()
            );
        }
        allowed.set(HEAD);
        let mut text = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(invalid)? {
            text.extend_from_slice(&chunk);
            if text.len() + name.len() > left {
                return Err(Error::bad_request(format!("The fields have more than {FIELDS} bytes")).into());
            }
        }
        left -= (text.len() + name.len()).min(left);
        let text =
            String::from_utf8(text).map_err(|_| Error::bad_request(format!("The field '{name}' is not UTF-8")))?;
        // As in query strings and JSON.
        if name != "__proto__" {
            data.insert(name, text.into());
        }
    }
    Err(Error::bad_request(format!("The form has more than {PARTS} parts")).into())
}

/// The file, and whether it is the last part.
fn file(form: Multipart<'static>, part: Field<'static>, allowed: Allowed) -> FileStream {
    Box::pin(stream::try_unfold((form, Some(part), allowed), |(mut form, part, allowed)| async move {
        if let Some(mut part) = part
            && let Some(chunk) = part.chunk().await.map_err(invalid)?
        {
            return Ok(Some((chunk, (form, Some(part), allowed))));
        }
        allowed.set(HEAD);
        match form.next_field().await.map_err(invalid)? {
            None => Ok(None),
            Some(_) => Err(Error::bad_request("The file must be the last part of the form, and the only one")),
        }
    }))
}

/// A name as it was before the browser wrote it between quotes (HTML, "multipart form data").
fn unescaped(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

fn invalid(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(why) => {
            let said = why.downcast_ref::<Told>().map(|told| told.0.clone());
            said.unwrap_or_else(|| Error::bad_request("Incomplete form"))
        }
        error => Error::bad_request("Invalid form").with_source(error),
    }
}

/// An error of this side, on its way through the parser.
#[derive(Debug)]
struct Told(Error);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.message())
    }
}

impl std::error::Error for Told {}

/// How many bytes may be read for what is read now.
#[derive(Clone, Default)]
struct Allowed(Arc<AtomicU64>);

impl Allowed {
    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

/// A body piece by piece. The parser reads until it has to wait, whatever it needs: so it has to wait after each piece.
struct Pieces {
    body: FileStream,
    rest: Bytes,
    given: bool,
    allowed: Allowed,
}

impl Stream for Pieces {
    type Item = Result<Bytes, Told>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            match ready!(self.body.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(Told(error)))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        let left = self.allowed.0.load(Ordering::Relaxed).checked_sub(length as u64);
        let Some(left) = left else {
            return Poll::Ready(Some(Err(Told(Error::bad_request(
                "Invalid form: a part, or its headers, are too large",
            )))));
        };
        self.allowed.set(left);
        self.given = true;
        Poll::Ready(Some(Ok(piece)))
    }
}

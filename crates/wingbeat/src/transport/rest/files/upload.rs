//! A request with a file: what is known of it before it comes, and the file.

use super::disposition;
use super::form;
use crate::app::HttpBody;
use crate::service::{FileAccess, FileStream, Incoming};
use crate::transport::rest::refused::Refused;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use wingbeat_core::{Error, Payload};

pub(super) struct Upload {
    pub(super) data: Payload,
    pub(super) incoming: Incoming,
    pub(super) exceeded: Exceeded,
}

/// Whether a file has turned out to be too large.
#[derive(Clone, Default)]
pub(super) struct Exceeded(Arc<AtomicBool>);

impl Exceeded {
    pub(super) fn is_said(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn say(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads a request as far as the beginning of its file.
pub(super) async fn read(
    headers: &HeaderMap,
    body: HttpBody,
    access: &FileAccess,
    present: Weak<()>,
) -> Result<Upload, Refused> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(value(header::CONTENT_ENCODING), "" | "identity") {
        return Err(unsupported("Unsupported body: it must not be compressed".to_owned()));
    }
    let (max, exceeded) = (access.0.max(), Exceeded::default());
    let length = content_length(headers)?;
    let media = media(value(header::CONTENT_TYPE));
    if media == "multipart/form-data" {
        if length.is_some_and(|length| length > max.saturating_add(form::AROUND)) {
            return Err(too_large(max));
        }
        let boundary = multer::parse_boundary(value(header::CONTENT_TYPE));
        let boundary = boundary.map_err(|_| Error::bad_request("Invalid form: its boundary is missing"))?;
        let form::Begun { mut data, media, file } = form::begin(bytes(body, length, present), boundary, max).await?;
        takes(access, &media)?;
        data.insert("type".into(), media.into());
        let incoming = Incoming::now(limited(file, max, exceeded.clone()), None);
        return Ok(Upload { data: Value::Object(data).into(), incoming, exceeded });
    }
    let media = if media.is_empty() { "application/octet-stream".to_owned() } else { media };
    takes(access, &media)?;
    if length.is_some_and(|length| length > max) {
        return Err(too_large(max));
    }
    let mut data = Map::new();
    if let Some(name) = headers.get(header::CONTENT_DISPOSITION).and_then(|value| disposition::name(value.as_bytes())) {
        data.insert("name".into(), name.into());
    }
    data.insert("type".into(), media.into());
    if let Some(length) = length {
        data.insert("size".into(), length.into());
    }
    let incoming = Incoming::now(limited(bytes(body, length, present), max, exceeded.clone()), length);
    Ok(Upload { data: Value::Object(data).into(), incoming, exceeded })
}

/// A type without its parameters.
pub(super) fn media(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn takes(access: &FileAccess, media: &str) -> Result<(), Refused> {
    match access.0.takes(media) {
        true => Ok(()),
        false => Err(unsupported(format!("Files of the type '{media}' are not taken"))),
    }
}

/// How long the body says to be.
pub(super) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = length.to_str().ok().and_then(|length| length.parse().ok());
    length.map(Some).ok_or_else(|| Error::bad_request("Invalid Content-Length").into())
}

/// A body as it comes. One that breaks off ends with an error.
pub(super) fn bytes(body: HttpBody, length: Option<u64>, present: Weak<()>) -> FileStream {
    let incomplete = || Error::bad_request("Incomplete body");
    Box::pin(stream::try_unfold((body, 0_u64), move |(mut body, read)| {
        let present = present.clone();
        async move {
            loop {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        let Ok(data) = frame.into_data() else { continue };
                        let read = read + data.len() as u64;
                        return Ok(Some((data, (body, read))));
                    }
                    Some(Err(error)) => return Err(incomplete().with_source(error)),
                    None => {
                        let is_whole = length.map_or(present.strong_count() > 0, |length| read == length);
                        return if is_whole { Ok(None) } else { Err(incomplete()) };
                    }
                }
            }
        }
    }))
}

/// A file that ends with an error where it becomes too large.
pub(super) fn limited(file: FileStream, max: u64, exceeded: Exceeded) -> FileStream {
    use futures_util::StreamExt;
    let mut size = 0;
    Box::pin(file.map(move |chunk| {
        size += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if size > max {
            exceeded.say();
            return Err(larger(max));
        }
        chunk
    }))
}

fn larger(max: u64) -> Error {
    Error::bad_request(format!("The file is larger than {max} bytes"))
}

fn too_large(max: u64) -> Refused {
    Refused { status: Some(StatusCode::PAYLOAD_TOO_LARGE), ..larger(max).into() }
}

fn unsupported(why: String) -> Refused {
    Refused { status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), ..Error::bad_request(why).into() }
}

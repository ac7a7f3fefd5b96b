//! The client's bundles.

use super::Body;
use super::answer::empty;
use super::gzip::{accepts_gzip, gzip};
use crate::engine::Shared;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wingbeat_protocol::LogThrottle;

/// The bundles of the npm package, and their maps.
const NAMES: [&str; 4] = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// Bundles that were asked for, so that each is read and compressed once. What is not there is looked for again: it may
/// be installed while the server runs.
#[derive(Default)]
pub(crate) struct ClientFiles {
    read: Mutex<HashMap<String, Arc<File>>>,
    missing: LogThrottle,
}

struct File {
    plain: Bytes,
    gzip: Bytes,
    etag: HeaderValue,
}

/// Answers a request for a bundle; `None` if it is for none.
pub(super) async fn client_file(shared: &Arc<Shared>, path: &str, request: &HeaderMap) -> Option<Response<Body>> {
    let name = path.strip_prefix(&*shared.config.path)?.trim_start_matches('/');
    let bundle = name.strip_suffix(".map").unwrap_or(name);
    if !shared.config.serve_client || !NAMES.contains(&bundle) {
        return None;
    }
    let Some(folder) = &shared.config.client_files else {
        shared.misfits.bundle(name);
        return Some(empty(StatusCode::NOT_FOUND));
    };
    let file = shared.client_files.get(folder, name).await;
    Some(file.map_or_else(|| empty(StatusCode::NOT_FOUND), |file| file.answer(name, request)))
}

impl ClientFiles {
    async fn get(&self, folder: &Path, name: &str) -> Option<Arc<File>> {
        if let Some(file) = self.lock().get(name) {
            return Some(file.clone());
        }
        let path = (folder.to_owned(), name.to_owned());
        let outcome = tokio::task::spawn_blocking(move || read(&path.0, &path.1)).await;
        match outcome.unwrap_or_else(|error| Err(error.into())) {
            Ok(file) => Some(self.lock().entry(name.to_owned()).or_insert(Arc::new(file)).clone()),
            Err(error) => {
                if let Some(times) = self.missing.happened() {
                    tracing::warn!(%error, name, times, "cannot read a client bundle");
                }
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<File>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    fn answer(&self, name: &str, request: &HeaderMap) -> Response<Body> {
        let same =
            |tag: &HeaderValue| tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes()) == self.etag.as_bytes();
        if request.get(IF_NONE_MATCH).is_some_and(same) {
            return empty(StatusCode::NOT_MODIFIED);
        }
        let gzip = accepts_gzip(request);
        let mut response = Response::new(Body::new(if gzip { self.gzip.clone() } else { self.plain.clone() }));
        let headers = response.headers_mut();
        let kind = if name.ends_with(".map") {
            "application/json; charset=utf-8"
        } else {
            "application/javascript; charset=utf-8"
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        headers.insert(ETAG, self.etag.clone());
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        response
    }
}

fn read(folder: &Path, name: &str) -> std::io::Result<File> {
    let plain = std::fs::read(folder.join(name))?;
    let package = std::fs::read(folder.join("../package.json"))?;
    let version = serde_json::from_slice::<serde_json::Value>(&package)
        .ok()
        .and_then(|package| package["version"].as_str().map(|version| format!("\"{version}\"")))
        .and_then(|version| HeaderValue::from_str(&version).ok());
    let etag = version.ok_or_else(|| std::io::Error::other("the package has no version"))?;
    Ok(File { gzip: gzip(&plain)?.into(), plain: plain.into(), etag })
}

//! The client's bundles, as they lie in the npm package.

use crate::gzip::gzip;
use bytes::Bytes;
use http::HeaderValue;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wingbeat_protocol::LogThrottle;

/// Bundles that were asked for, so that each is read and compressed once. What is not there is looked for again: it may
/// be installed while the server runs.
#[derive(Default)]
pub(crate) struct Bundles {
    read: Mutex<HashMap<String, Arc<Bundle>>>,
    missing: LogThrottle,
}

/// A bundle, or its map.
pub(crate) struct Bundle {
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    pub(crate) etag: HeaderValue,
}

impl Bundles {
    /// A file of the folder; `None` if it cannot be read.
    pub(crate) async fn get(&self, folder: &Path, name: &str) -> Option<Arc<Bundle>> {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Bundle>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(folder: &Path, name: &str) -> std::io::Result<Bundle> {
    let plain = std::fs::read(folder.join(name))?;
    let package = std::fs::read(folder.join("../package.json"))?;
    let version = serde_json::from_slice::<serde_json::Value>(&package)
        .ok()
        .and_then(|package| package["version"].as_str().map(|version| format!("\"{version}\"")))
        .and_then(|version| HeaderValue::from_str(&version).ok());
    let etag = version.ok_or_else(|| std::io::Error::other("the package has no version"))?;
    Ok(Bundle { gzip: gzip(&plain)?.into(), plain: plain.into(), etag })
}

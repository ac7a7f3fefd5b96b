//! The strategy `apiKey`: a key that somebody was given.

use super::{Attempt, Identity, Strategy};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use std::collections::HashMap;
use wingbeat_core::{Error, Headers, Id, Result};

/// The strategy `apiKey`: by a key that somebody was given, as `{strategy: "apiKey", key}` or in the header
/// `X-API-Key`.
///
/// Only hashes of the keys are kept. For keys in a database, write a [`Strategy`] of your own.
///
/// ```
/// use wingbeat::auth::ApiKey;
///
/// let keys = ApiKey::new().user("k3y-0f-ann", 1).anonymous("k3y-0f-a-machine");
/// ```
#[derive(Clone, Default)]
pub struct ApiKey {
    header: Option<Box<str>>,
    keys: HashMap<Box<[u8]>, Option<Id>>,
}

impl ApiKey {
    /// No keys yet.
    pub fn new() -> ApiKey {
        ApiKey::default()
    }

    /// The header that holds the key, if not `X-API-Key`.
    #[must_use]
    pub fn header(mut self, name: &str) -> ApiKey {
        self.header = Some(name.to_ascii_lowercase().into());
        self
    }

    /// A key of a user, by the id of the record.
    #[must_use]
    pub fn user(mut self, key: &str, id: impl Into<Id>) -> ApiKey {
        self.keys.insert(hashed(key), Some(id.into()));
        self
    }

    /// A key that belongs to no user.
    #[must_use]
    pub fn anonymous(mut self, key: &str) -> ApiKey {
        self.keys.insert(hashed(key), None);
        self
    }
}

// Looked up by the hash, so that the time it takes tells nothing about the keys.
fn hashed(key: &str) -> Box<[u8]> {
    digest(&SHA256, key.as_bytes()).as_ref().into()
}

impl Strategy for ApiKey {
    fn name(&self) -> &str {
        "apiKey"
    }

    async fn authenticate(&self, data: &Map<String, Value>, attempt: &Attempt<'_>) -> Result<Identity> {
        let key = data.get("key").and_then(Value::as_str);
        let found = key.and_then(|key| self.keys.get(&hashed(key)));
        let identity = match found.ok_or_else(|| Error::not_authenticated("Incorrect API Key"))? {
            Some(id) => Identity::of(attempt.entity(&id.to_string()).await?),
            None => Identity::nobody(),
        };
        Ok(identity.with("apiKey", true))
    }

    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>> {
        let key = headers.get(self.header.as_deref().unwrap_or("x-api-key")).filter(|key| !key.is_empty())?;
        let mut data = Map::new();
        data.insert("strategy".into(), "apiKey".into());
        data.insert("key".into(), key.into());
        Some(data)
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey({} keys)", self.keys.len())
    }
}

//! From the path of a call to the service mounted there.

use super::entry::Entry;
use crate::service::Route;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// A path without outer slashes; the root service's path is `/` itself.
pub(in crate::app) fn normal(path: &str) -> &str {
    // Nearly all are written without: `trim_matches` takes 70 instructions to see that.
    if !path.starts_with('/') && !path.ends_with('/') {
        return path;
    }
    match path.trim_matches('/') {
        "" if path.starts_with('/') => "/",
        path => path,
    }
}

/// A path under which a service can be mounted.
pub(super) fn checked(path: &str) -> Result<&str> {
    let normal = normal(path);
    let wrong = || {
        Error::general(format!(
            "'{path}' is not a valid service path. Write names with one slash between them, such as `users/:userId/todos`"
        ))
    };
    if normal.is_empty() || normal != "/" && normal.split('/').any(|segment| matches!(segment, "" | ":")) {
        return Err(wrong());
    }
    Ok(normal)
}

/// Exact paths by a map; paths with placeholders by looking through them, the most literal match first.
#[derive(Clone, Default)]
pub(super) struct Router {
    /// Clients look names up and never choose which are in: no need for a hash that resists them.
    exact: FxHashMap<Arc<str>, Arc<Entry>>,
    patterns: Vec<(Box<[Segment]>, Arc<Entry>)>,
}

#[derive(Clone)]
enum Segment {
    Literal(Box<str>),
    Placeholder(Arc<str>),
}

impl Segment {
    fn parse(text: &str) -> Segment {
        match text.strip_prefix(':') {
            Some(name) => Segment::Placeholder(name.into()),
            None => Segment::Literal(text.into()),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Segment::Literal(literal) => **literal == *text,
            Segment::Placeholder(_) => !text.is_empty(),
        }
    }

    fn is_placeholder(&self) -> bool {
        matches!(self, Segment::Placeholder(_))
    }
}

impl Router {
    pub(super) fn add(&mut self, entry: Arc<Entry>) {
        let segments: Box<[Segment]> = entry.path().split('/').map(Segment::parse).collect();
        if segments.iter().any(Segment::is_placeholder) {
            self.patterns.push((segments, entry));
        } else {
            self.exact.insert(entry.path().into(), entry);
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.exact.remove(path);
        self.patterns.retain(|(_, entry)| entry.path() != path);
    }

    pub(super) fn find(&self, path: &str) -> Option<(&Arc<Entry>, Route)> {
        // Clients name services as they are mounted; slashes around the path are looked for only if it is not found.
        if let Some(entry) = self.exact.get(path) {
            return Some((entry, Route::default()));
        }
        let named = normal(path);
        if named.len() != path.len()
            && let Some(entry) = self.exact.get(named)
        {
            return Some((entry, Route::default()));
        }
        let path = named;
        if self.patterns.is_empty() {
            return None;
        }
        let given: Vec<&str> = path.split('/').collect();
        let matching = self.patterns.iter().filter(|(segments, _)| {
            segments.len() == given.len() && segments.iter().zip(&given).all(|(segment, text)| segment.matches(text))
        });
        // Literal before placeholder at the first segment where two patterns differ; else the one mounted first.
        let rank = |segments: &[Segment]| segments.iter().map(Segment::is_placeholder).collect::<Vec<_>>();
        let (segments, entry) = matching.min_by_key(|(segments, _)| rank(segments))?;
        let values = segments.iter().zip(given).filter_map(|(segment, text)| match segment {
            Segment::Placeholder(name) => Some((name.clone(), text.into())),
            Segment::Literal(_) => None,
        });
        Some((entry, values.collect()))
    }
}

//! Which form of an answer a client takes.

use http::{HeaderMap, header};
use wingbeat_core::{Error, Result};

/// Refuses requests whose clients take no JSON, before anything is done.
pub(super) fn acceptable(headers: &HeaderMap) -> Result<()> {
    let mut lists = headers.get_all(header::ACCEPT).iter().peekable();
    if lists.peek().is_none() {
        return Ok(());
    }
    let takes_json = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.replace(' ', "").strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        !refused && ["application/json", "application/*", "*/*", "*"].iter().any(|one| one.eq_ignore_ascii_case(media))
    };
    match lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).any(takes_json) {
        true => Ok(()),
        false => Err(Error::not_acceptable("Not Acceptable: answers are application/json")),
    }
}

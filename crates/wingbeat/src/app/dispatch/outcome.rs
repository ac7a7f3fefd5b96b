//! What comes of a call.

use crate::app::registry::Endpoint;
use crate::hooks::Http;
use std::borrow::Cow;
use std::fmt;
use wingbeat_core::{Method, Payload, RawJson, Result};

/// What has come of a call, as whoever asked may see it. A transport takes from it what it can show.
///
/// Whoever hears the event has been sent it already, or will be in its turn: that is the business of each connection's
/// [`Peer`](crate::realtime::Peer), the caller's own included.
#[derive(Clone)]
pub struct Outcome {
    result: RawJson,
    http: Option<Box<Http>>,
    event: Option<Cow<'static, str>>,
    is_create: bool,
}

impl Outcome {
    #[inline]
    pub(super) fn new(
        result: Payload,
        http: Option<Box<Http>>,
        event: Option<Cow<'static, str>>,
        is_create: bool,
    ) -> Result<Outcome> {
        Ok(Outcome { result: result.into_raw()?, http, event, is_create })
    }

    /// Of a call without hooks.
    pub(super) fn plain(result: Payload, endpoint: &Endpoint) -> Result<Outcome> {
        let is_create = *endpoint.method() == Method::Create;
        Outcome::new(result, None, endpoint.automatic_event().map(Cow::Borrowed), is_create)
    }

    /// The result as clients may see it: what hooks have put into [`dispatch`](crate::Context::dispatch), else the result.
    pub fn result(&self) -> &RawJson {
        &self.result
    }

    /// The result, to keep.
    pub fn into_result(self) -> RawJson {
        self.result
    }

    /// The HTTP status, as Feathers has it: what hooks have set, else 303 with a [location](Outcome::location), 204
    /// without a result, 201 for a record that was made, and 200.
    pub fn status(&self) -> u16 {
        // What JavaScript takes for nothing has no body there.
        let is_nothing = || matches!(self.result.as_bytes(), b"null" | b"false" | b"0" | b"-0" | b"\"\"");
        match self.http.as_ref().and_then(|http| http.status) {
            Some(status) => status,
            None if self.location().is_some() => 303,
            None if is_nothing() => 204,
            None if self.is_create => 201,
            None => 200,
        }
    }

    /// The HTTP headers that hooks have set.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.http.iter().flat_map(|http| &http.headers);
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Where hooks redirect to.
    pub fn location(&self) -> Option<&str> {
        let header = || self.headers().find(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, value)| value);
        self.http.as_ref()?.location.as_deref().or_else(header)
    }

    /// The event that the call has set off, such as `created`, or what a hook has put in its place. Whether anybody hears
    /// it, publishers decide.
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }
}

/// Without the result, which may be a token.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("status", &self.status()).field("event", &self.event).finish_non_exhaustive()
    }
}

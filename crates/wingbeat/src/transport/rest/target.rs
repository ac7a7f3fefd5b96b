//! Which service, record and method a request names.

use crate::app::{Mounted, Mounts};
use http::{HeaderMap, HeaderName, Method as Verb};
use std::borrow::Cow;
use std::ops::Range;
use wingbeat_core::query_string::percent_decoded;
use wingbeat_core::{Error, Method, Result};

/// The method of the service's own, or the standard one, that a request asks for.
const SERVICE_METHOD: HeaderName = HeaderName::from_static("x-service-method");

/// A service, and where in a request's path it and what stands behind it are.
pub(super) struct Target {
    pub(super) mounted: Mounted,
    service: Range<usize>,
    id: Option<Range<usize>>,
}

impl Target {
    /// The service at a path, or else at all but its last segment.
    pub(super) fn of(path: &str, mounts: &Mounts) -> Option<Target> {
        let mounted = |service: &Range<usize>| mounts.find(&decoded(&path[service.clone()]));
        let start = path.len() - path.trim_start_matches('/').len();
        let end = path.trim_end_matches('/').len().max(start);
        let (service, id) = match mounted(&(start..end)) {
            Some(mounted) => return Some(Target { mounted, service: start..end, id: None }),
            None => match path[start..end].rfind('/') {
                Some(slash) => (start..start + slash, start + slash + 1..end),
                None => (start..start, start..end),
            },
        };
        if id.is_empty() {
            return None;
        }
        Some(Target { mounted: mounted(&service)?, service, id: Some(id) })
    }

    /// The path of the service, of the path that the target was found in.
    pub(super) fn service<'p>(&self, path: &'p str) -> Cow<'p, str> {
        decoded(&path[self.service.clone()])
    }

    /// What stands behind it, still percent-encoded.
    pub(super) fn id<'p>(&self, path: &'p str) -> Option<&'p str> {
        self.id.clone().map(|id| &path[id])
    }
}

/// The path of a service without percent-encoding; that of the root is `/`. An encoded slash does not separate segments, so it stays as
/// it is, as everything does that is encoded wrongly.
fn decoded(path: &str) -> Cow<'_, str> {
    if path.is_empty() {
        return "/".into();
    }
    if !path.as_bytes().contains(&b'%') {
        return path.into();
    }
    let segment = |segment: &str| match percent_decoded(segment) {
        Some(text) => text.replace('/', "%2F"),
        None => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/").into()
}

/// An id without percent-encoding.
pub(super) fn decoded_id(id: &str) -> Result<String> {
    percent_decoded(id).ok_or_else(|| Error::bad_request("Invalid id: it is not percent-encoded UTF-8"))
}

/// The method that a request asks for, and whether what stands behind the service's path is an id for it.
pub(super) fn method_of(
    verb: &Verb,
    headers: &HeaderMap,
    last: Option<&str>,
    mounted: &Mounted,
) -> Result<(Method, bool)> {
    let is_post = *verb == Verb::POST;
    let named = headers.get(SERVICE_METHOD).and_then(|name| name.to_str().ok());
    // Feathers reads the header in all requests, and follows it in a POST.
    let named = named.map(Method::named).filter(|method| is_post || Method::STANDARD.contains(method));
    let in_path = last.filter(|_| is_post).map(Method::named).filter(|method| mounted.exposes(method));
    let in_path = in_path.filter(|method| !Method::STANDARD.contains(method));
    let method = match (named, in_path) {
        (Some(named), _) if Method::STANDARD.contains(&named) => return Err(not_supported(&named)),
        (Some(named), _) | (None, Some(named)) => named,
        (None, None) => match (verb, last) {
            (&Verb::GET | &Verb::HEAD, None) => Method::Find,
            (&Verb::GET | &Verb::HEAD, Some(_)) => Method::Get,
            (&Verb::POST, _) => Method::Create,
            (&Verb::PUT, _) => Method::Update,
            (&Verb::PATCH, _) => Method::Patch,
            (&Verb::DELETE, _) => Method::Remove,
            (verb, _) => return Err(Error::method_not_allowed(format!("Method {verb} not allowed"))),
        },
    };
    match mounted.exposes(&method) {
        true => {
            let takes_id = method.takes_id();
            Ok((method, takes_id))
        }
        false => Err(not_supported(&method)),
    }
}

fn not_supported(method: &Method) -> Error {
    Error::method_not_allowed(format!("Method `{method}` is not supported by this endpoint."))
}

/// What may be asked at a path, for `Allow`.
pub(super) fn allowed(mounted: &Mounted, with_id: bool) -> String {
    let custom = mounted.exposed().any(|method| !Method::STANDARD.contains(method));
    let has = |method| mounted.exposes(&method);
    let read = if with_id { has(Method::Get) } else { has(Method::Find) };
    let verbs = [
        ("GET", read),
        ("HEAD", read),
        ("POST", custom || has(Method::Create)),
        ("PUT", has(Method::Update)),
        ("PATCH", has(Method::Patch)),
        ("DELETE", has(Method::Remove)),
    ];
    verbs.iter().filter(|(_, allowed)| *allowed).map(|(verb, _)| *verb).collect::<Vec<_>>().join(", ")
}

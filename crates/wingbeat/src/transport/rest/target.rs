//! Which service, record and method a request names.

use http::{HeaderMap, Method as Verb};
use std::borrow::Cow;
use wingbeat_core::query_string::percent_decoded;
use wingbeat_core::{Error, Method, Result};

/// A service, and what stands behind its path.
pub(super) struct Target<'p> {
    pub(super) service: Cow<'p, str>,
    /// Still percent-encoded.
    pub(super) id: Option<Cow<'p, str>>,
}

impl<'p> Target<'p> {
    /// The service at a path, or else at all but its last segment. `has` says where services are.
    pub(super) fn of(path: &'p str, has: impl Fn(&str) -> bool) -> Option<Target<'p>> {
        let path = path.trim_matches('/');
        let service = decoded(if path.is_empty() { "/" } else { path });
        if has(&service) {
            return Some(Target { service, id: None });
        }
        let (service, id) = path.rsplit_once('/').unwrap_or(("/", path));
        let service = decoded(service);
        (!id.is_empty() && has(&service)).then_some(Target { service, id: Some(id.into()) })
    }
}

/// The path of a service without percent-encoding. An encoded slash does not separate segments, so it stays as
/// it is, as everything does that is encoded wrongly.
fn decoded(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
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
    exposed: &[Method],
) -> Result<(Method, bool)> {
    let is_post = *verb == Verb::POST;
    let named = headers.get("x-service-method").and_then(|name| name.to_str().ok());
    // Feathers reads the header in all requests, and follows it in a POST.
    let named = named.map(Method::named).filter(|method| is_post || Method::STANDARD.contains(method));
    let in_path = last.filter(|_| is_post).map(Method::named).filter(|method| exposed.contains(method));
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
    match exposed.contains(&method) {
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
pub(super) fn allowed(exposed: &[Method], with_id: bool) -> String {
    let (custom, has) = (exposed.iter().any(|method| !Method::STANDARD.contains(method)), |m| exposed.contains(&m));
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

//! What a call is as a request: method, path, query string and body.

use crate::error::{Error, Result};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value};
use wingbeat_core::query_string::{self, number_text, percent_decoded, percent_encode};
use wingbeat_core::{Id, IdArg, Method, RawJson};

/// A request, but for the server's address.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(super) method: http::Method,
    /// Path and query, behind the base of the address.
    pub(super) target: String,
    /// The name of a method of the service's own.
    pub(super) custom: Option<HeaderValue>,
    pub(super) takes_data: bool,
    pub(super) body: Option<Bytes>,
}

impl Outgoing {
    /// # Errors
    /// If REST has no way to say it.
    pub(crate) fn new(
        method: &Method,
        path: &str,
        id: &IdArg,
        data: Option<&RawJson>,
        query: Option<&Map<String, Value>>,
    ) -> Result<Outgoing> {
        let mut target = String::from("/");
        percent_encode(path.trim_matches('/'), out_of_path, &mut target);
        if method.takes_id()
            && let Some(id) = in_path(method, id)?
        {
            target.push('/');
            percent_encode(&id, out_of_component, &mut target);
        }
        // Everybody on the way would take them for other paths, also when they are encoded.
        let is_dots = |part: &str| percent_decoded(part).is_some_and(|part| matches!(&*part, "." | ".."));
        if target.split('/').any(is_dots) {
            return Err(Error::invalid("Over REST '.' and '..' cannot be an id or a part of a path"));
        }
        let query = query.map(query_string::write).transpose();
        let query = query.map_err(|error| Error::invalid(format!("{} (over REST)", error.message())))?;
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            target.extend(["?", &query]);
        }
        let (http_method, custom) = match method {
            Method::Find | Method::Get => (http::Method::GET, None),
            Method::Create => (http::Method::POST, None),
            Method::Update => (http::Method::PUT, None),
            Method::Patch => (http::Method::PATCH, None),
            Method::Remove => (http::Method::DELETE, None),
            other => {
                let name = HeaderValue::from_str(other.as_str());
                let wrong = |_| {
                    Error::invalid(format!(
                        "Invalid method name '{other}': over REST it is sent in a header, which takes visible ASCII characters"
                    ))
                };
                (http::Method::POST, Some(name.map_err(wrong)?))
            }
        };
        // Null is no body for the JavaScript client either, and servers refuse it as one.
        let body = data.filter(|data| method.takes_data() && !data.is_null()).map(RawJson::with_buffers);
        Ok(Outgoing { method: http_method, target, custom, takes_data: method.takes_data(), body })
    }
}

/// The id as a text, if there is one in the path.
fn in_path(method: &Method, id: &IdArg) -> Result<Option<String>> {
    match id {
        IdArg::Id(Id::Text(text)) if !text.is_empty() => Ok(Some(text.to_string())),
        IdArg::Id(Id::Number(number)) => Ok(Some(number_text(number))),
        // Without an id a get would be a find.
        IdArg::Null if !matches!(method, Method::Get) => Ok(None),
        _ => Err(Error::invalid(format!("id for .{method} is required"))),
    }
}

/// What `encodeURIComponent` encodes.
fn out_of_component(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte))
}

/// What JavaScript's `URL` encodes in a path, and what would end it. Percent signs stay: paths are given as they are sent.
fn out_of_path(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"\"#<>?`{}^\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(method: &str, path: &str, id: impl Into<IdArg>, query: &Value) -> Result<Outgoing> {
        let data = RawJson::new(&json!({"a": 1})).unwrap();
        Outgoing::new(&Method::named(method), path, &id.into(), Some(&data), query.as_object())
    }

    fn line(outgoing: Outgoing) -> String {
        let custom = outgoing.custom.map(|name| format!(" {}", name.to_str().unwrap())).unwrap_or_default();
        let body = outgoing.body.map(|body| format!(" {}", String::from_utf8_lossy(&body))).unwrap_or_default();
        format!("{} {}{custom}{body}", outgoing.method, outgoing.target)
    }

    #[test]
    fn every_method_is_what_feathers_client_sends() {
        let query = json!({"id": {"$in": [1, "a b"]}});
        let in_query = "?id%5B%24in%5D%5B0%5D=1&id%5B%24in%5D%5B1%5D=a%20b";
        for (method, expected) in [
            ("find", format!("GET /a/b{in_query}")),
            ("get", format!("GET /a/b/7{in_query}")),
            ("create", format!("POST /a/b{in_query} {{\"a\":1}}")),
            ("update", format!("PUT /a/b/7{in_query} {{\"a\":1}}")),
            ("patch", format!("PATCH /a/b/7{in_query} {{\"a\":1}}")),
            ("remove", format!("DELETE /a/b/7{in_query}")),
            ("shout", format!("POST /a/b{in_query} shout {{\"a\":1}}")),
        ] {
            assert_eq!(line(of(method, "/a/b/", 7, &query).unwrap()), expected);
        }
    }

    #[test]
    fn ids_are_encoded_and_paths_are_as_given() {
        let get = |path: &str, id: &str| line(of("get", path, id, &json!({})).unwrap());
        assert_eq!(get("a", "a/b c"), "GET /a/a%2Fb%20c");
        assert_eq!(get("a", "\u{e9}!'()*~%?#"), "GET /a/%C3%A9!'()*~%25%3F%23");
        assert_eq!(get("users/a b%20\u{e9}?/x", "1"), "GET /users/a%20b%20%C3%A9%3F/x/1");
        assert_eq!(
            line(of("get", "a", Id::Number(serde_json::Number::from_f64(1.5).unwrap()), &json!({})).unwrap()),
            "GET /a/1.5"
        );
    }

    #[test]
    fn no_id_is_every_record_but_never_of_a_get() {
        assert_eq!(line(of("remove", "a", IdArg::Null, &json!({})).unwrap()), "DELETE /a");
        assert_eq!(line(of("patch", "a", IdArg::Null, &json!({"x": 1})).unwrap()), r#"PATCH /a?x=1 {"a":1}"#);
        for (method, id) in [("get", IdArg::Null), ("get", "".into()), ("remove", "".into()), ("patch", IdArg::Absent)]
        {
            let error = of(method, "a", id, &json!({})).unwrap_err();
            assert_eq!(error.message(), format!("id for .{method} is required"));
        }
    }

    #[test]
    fn what_rest_cannot_say_is_refused() {
        for (id, query, why) in [
            (IdArg::Null, json!({"id": {"$in": []}}), "'id[$in]' is empty"),
            ("..".into(), json!({}), "'.' and '..'"),
            (".".into(), json!({}), "'.' and '..'"),
        ] {
            let error = of("remove", "messages", id, &query).unwrap_err();
            assert!(matches!(error, Error::Invalid(_)) && error.message().contains(why), "{error}");
        }
        assert!(of("find", "a/%2e%2E/b", 1, &json!({})).is_err() && of("a\nb", "a", 1, &json!({})).is_err());
    }

    #[test]
    fn null_is_no_body() {
        let create = |data: &Value| {
            let data = RawJson::new(data).unwrap();
            Outgoing::new(&Method::Create, "a", &IdArg::Absent, Some(&data), None).unwrap().body
        };
        assert_eq!((create(&json!(null)), create(&json!([]))), (None, Some(Bytes::from_static(b"[]"))));
    }
}

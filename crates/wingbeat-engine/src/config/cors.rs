//! Which pages of other origins may read the answers.

use super::check;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;
use wingbeat_core::Result;

/// A set of origins.
#[derive(Clone)]
#[non_exhaustive]
pub enum Origins {
    /// Every origin; answers say `*`, which does not allow credentials.
    Any,
    /// Every origin; answers repeat it.
    Mirror,
    /// These.
    List(Vec<String>),
    /// Those for which the function says yes.
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Origins {
    /// Those for which the function says yes.
    pub fn matching(predicate: impl Fn(&str) -> bool + Send + Sync + 'static) -> Origins {
        Origins::Matching(Arc::new(predicate))
    }

    pub(crate) fn contain(&self, origin: &str) -> bool {
        match self {
            Origins::Any | Origins::Mirror => true,
            Origins::List(list) => list.iter().any(|one| one == origin),
            Origins::Matching(predicate) => predicate(origin),
        }
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origins::Any => f.write_str("Any"),
            Origins::Mirror => f.write_str("Mirror"),
            Origins::List(list) => list.fmt(f),
            Origins::Matching(_) => f.write_str("Matching"),
        }
    }
}

/// The CORS option: headers that let pages of other origins use polling.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    methods: String,
    allowed_headers: Option<String>,
    exposed_headers: Option<String>,
    max_age: Option<u64>,
}

impl Cors {
    /// For these origins.
    pub fn new(origins: Origins) -> Cors {
        Cors {
            origins,
            credentials: false,
            methods: "GET,HEAD,PUT,PATCH,POST,DELETE".to_owned(),
            allowed_headers: None,
            exposed_headers: None,
            max_age: None,
        }
    }

    /// For a list of origins, for example `https://example.com`.
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Cors {
        Cors::new(Origins::List(origins.into_iter().map(Into::into).collect()))
    }

    /// Whether pages may send cookies along. Default no.
    pub fn credentials(mut self, credentials: bool) -> Cors {
        self.credentials = credentials;
        self
    }

    /// The methods in the answer to a preflight. Default `GET,HEAD,PUT,PATCH,POST,DELETE`.
    pub fn methods(mut self, methods: &[&str]) -> Cors {
        self.methods = methods.join(",");
        self
    }

    /// The headers that pages may send. Default: those that they ask for.
    pub fn allowed_headers(mut self, headers: &[&str]) -> Cors {
        self.allowed_headers = Some(headers.join(","));
        self
    }

    /// Additional headers that pages may read. Default none.
    pub fn exposed_headers(mut self, headers: &[&str]) -> Cors {
        self.exposed_headers = Some(headers.join(","));
        self
    }

    /// How long a browser may remember a preflight, in seconds.
    pub fn max_age(mut self, seconds: u64) -> Cors {
        self.max_age = Some(seconds);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        self.origins.check("cors")?;
        let lists = [Some(&self.methods), self.allowed_headers.as_ref(), self.exposed_headers.as_ref()];
        lists.into_iter().flatten().try_for_each(|list| check::header("cors", list))
    }

    pub(crate) fn allows(&self, origin: &str) -> bool {
        self.origins.contain(origin)
    }

    /// Adds the headers of any answer to those of a response.
    pub fn answer(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if matches!(self.origins, Origins::Any) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            response.append(VARY, HeaderValue::from_static("Origin"));
            if let Some(origin) = request.get(ORIGIN)
                && origin.to_str().is_ok_and(|origin| self.origins.contain(origin))
            {
                response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
        if self.credentials {
            response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        insert(response, ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed_headers.as_deref());
    }

    /// Adds the headers of the answer to a preflight to those of a response.
    pub fn preflight(&self, request: &HeaderMap, response: &mut HeaderMap) {
        self.answer(request, response);
        insert(response, ACCESS_CONTROL_ALLOW_METHODS, Some(&self.methods));
        match &self.allowed_headers {
            Some(headers) => insert(response, ACCESS_CONTROL_ALLOW_HEADERS, Some(headers)),
            None => {
                response.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
                if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                    response.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
                }
            }
        }
        insert(response, ACCESS_CONTROL_MAX_AGE, self.max_age.map(|seconds| seconds.to_string()).as_deref());
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty())
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(cors: &Cors, origin: &'static str) -> HeaderMap {
        let request = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
        let mut response = HeaderMap::new();
        cors.preflight(&request, &mut response);
        response
    }

    #[test]
    fn an_origin_of_the_list_is_repeated_and_another_is_not() {
        let cors = Cors::origins(["https://a.org"]).credentials(true).max_age(60).allowed_headers(&["x-a", "x-b"]);
        let headers = answered(&cors, "https://a.org");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.org");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(
            (&headers[ACCESS_CONTROL_MAX_AGE], &headers[ACCESS_CONTROL_ALLOW_HEADERS]),
            (&"60".parse().unwrap(), &"x-a,x-b".parse().unwrap())
        );
        assert_eq!(answered(&cors, "https://b.org").get(ACCESS_CONTROL_ALLOW_ORIGIN), None);
    }

    #[test]
    fn a_predicate_decides_and_any_says_so() {
        let cors = Cors::new(Origins::matching(|origin| origin.ends_with(".a.org")));
        assert_eq!(answered(&cors, "https://x.a.org")[ACCESS_CONTROL_ALLOW_ORIGIN], "https://x.a.org");
        assert_eq!(answered(&cors, "https://a.org.b").get(ACCESS_CONTROL_ALLOW_ORIGIN), None);
        let any = answered(&Cors::new(Origins::Any), "https://x");
        assert_eq!(
            (&any[ACCESS_CONTROL_ALLOW_ORIGIN], any.get(VARY)),
            (&"*".parse().unwrap(), Some(&"Access-Control-Request-Headers".parse().unwrap()))
        );
    }
}

//! The cookie with the session's id.

use super::check::{header, impossible};
use http::{HeaderName, HeaderValue};
use std::fmt::Write;
use wingbeat_core::Result;

/// A cookie with the session's id: by default `io=<sid>; Path=/; HttpOnly; SameSite=Lax`.
#[derive(Clone, Debug)]
pub struct Cookie {
    name: String,
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<u64>,
    http_only: bool,
    secure: bool,
    same_site: Option<SameSite>,
}

/// Whether a cookie is sent along with requests from other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three values of RFC 6265bis")]
pub enum SameSite {
    /// Never.
    Strict,
    /// When the user follows a link.
    Lax,
    /// Always; browsers require [`secure`](Cookie::secure) with it.
    None,
}

impl Default for Cookie {
    fn default() -> Cookie {
        Cookie {
            name: "io".to_owned(),
            path: Some("/".to_owned()),
            domain: None,
            max_age: None,
            http_only: true,
            secure: false,
            same_site: Some(SameSite::Lax),
        }
    }
}

impl Cookie {
    /// The name. Default `io`.
    pub fn name(mut self, name: &str) -> Cookie {
        self.name = name.to_owned();
        self
    }

    /// The attribute `Path`. Default `/`.
    pub fn path(mut self, path: Option<&str>) -> Cookie {
        self.path = path.map(str::to_owned);
        self
    }

    /// The attribute `Domain`. Default none.
    pub fn domain(mut self, domain: &str) -> Cookie {
        self.domain = Some(domain.to_owned());
        self
    }

    /// The attribute `Max-Age`, in seconds. Default none: until the browser is closed.
    pub fn max_age(mut self, seconds: u64) -> Cookie {
        self.max_age = Some(seconds);
        self
    }

    /// The attribute `HttpOnly`. Default yes.
    pub fn http_only(mut self, http_only: bool) -> Cookie {
        self.http_only = http_only;
        self
    }

    /// The attribute `Secure`. Default no.
    pub fn secure(mut self, secure: bool) -> Cookie {
        self.secure = secure;
        self
    }

    /// The attribute `SameSite`. Default `Lax`.
    pub fn same_site(mut self, same_site: Option<SameSite>) -> Cookie {
        self.same_site = same_site;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        // What a header's name may be, a cookie's may be as well.
        if self.name.parse::<HeaderName>().is_err() {
            return Err(impossible("cookie", &self.name, "invalid name"));
        }
        [&self.domain, &self.path].into_iter().flatten().try_for_each(|value| match value.contains(';') {
            true => Err(impossible("cookie", value, "it must not contain a semicolon")),
            false => header("cookie", value),
        })
    }

    pub(crate) fn header(&self, sid: &str) -> Option<HeaderValue> {
        let mut text = format!("{}={sid}", self.name);
        if let Some(seconds) = self.max_age {
            let _ = write!(text, "; Max-Age={seconds}");
        }
        for (name, value) in [("Domain", &self.domain), ("Path", &self.path)] {
            if let Some(value) = value {
                let _ = write!(text, "; {name}={value}");
            }
        }
        text.push_str(if self.http_only { "; HttpOnly" } else { "" });
        text.push_str(if self.secure { "; Secure" } else { "" });
        text.push_str(match self.same_site {
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
            None => "",
        });
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_in_the_references_order() {
        assert_eq!(Cookie::default().header("x").unwrap(), "io=x; Path=/; HttpOnly; SameSite=Lax");
        let cookie = Cookie::default().name("sid").path(None).domain("a.org").max_age(60).http_only(false).secure(true);
        assert_eq!(
            cookie.same_site(Some(SameSite::None)).header("x").unwrap(),
            "sid=x; Max-Age=60; Domain=a.org; Secure; SameSite=None"
        );
    }
}

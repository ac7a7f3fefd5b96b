//! Invalid options.

use super::{Config, Origins};
use http::HeaderValue;
use http::uri::PathAndQuery;
use wingbeat_core::{Error, Result};

impl Config {
    /// Checks all options: with an invalid one neither an [`Engine`](crate::Engine) nor an application of Wingbeat is
    /// built.
    ///
    /// # Errors
    /// Names the first invalid one: a path with a query, no allowed transport, an origin with a path, a cookie or a
    /// header that HTTP does not allow.
    pub fn check(&self) -> Result<()> {
        let path = self.path.parse::<PathAndQuery>();
        if !path.is_ok_and(|path| path.query().is_none() && path.path() == &*self.path) {
            return Err(impossible("path", &self.path, "write a path such as /socket.io/, without a query"));
        }
        if !self.polling && !self.websocket {
            return Err(Error::general("Invalid option 'transports': allow `websocket`, `polling` or both"));
        }
        if let Some(Err(letters)) = &self.node {
            return Err(impossible("node", letters, "write two letters of A-Z, a-z, 0-9, `_` and `-`, such as n1"));
        }
        if let Some(cookie) = &self.cookie {
            cookie.check()?;
        }
        if let Some(cors) = &self.cors {
            cors.check()?;
        }
        self.check_origin.as_ref().map_or(Ok(()), |origins| origins.check("check_origin"))
    }
}

impl Origins {
    pub(super) fn check(&self, option: &str) -> Result<()> {
        let Origins::List(list) = self else { return Ok(()) };
        let is_origin = |text: &str| {
            let host = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, host)| host);
            text == "null" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
        };
        match list.iter().find(|origin| !is_origin(origin)) {
            Some(origin) if origin.contains('*') => Err(impossible(
                option,
                origin,
                "write Origins::Any for every origin, and Origins::matching for patterns",
            )),
            Some(origin) => {
                Err(impossible(option, origin, "write an origin such as https://example.com, without a path"))
            }
            None => Ok(()),
        }
    }
}

/// Whether HTTP can carry this as a header's value.
pub(super) fn header(option: &str, value: &str) -> Result<()> {
    HeaderValue::from_str(value).map(drop).map_err(|_| impossible(option, value, "it is not a valid header value"))
}

pub(super) fn impossible(option: &str, value: &str, why: &str) -> Error {
    Error::general(format!("Invalid option '{option}': {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cookie, Cors, Engine, Event, Handled, Handler, Socket};
    use std::task::Context;

    #[test]
    fn what_cannot_be_is_said() {
        let config = Config::default;
        let cors = || Cors::origins(["https://a.org"]);
        for (impossible, option) in [
            (config().path("/a b"), "path"),
            (config().path("/a?b"), "path"),
            (config().transports(false, false), "transports"),
            (config().cookie(Cookie::default().name("")), "cookie"),
            (config().cookie(Cookie::default().name("a=b")), "cookie"),
            (config().cookie(Cookie::default().domain("a.org; Secure")), "cookie"),
            (config().cookie(Cookie::default().path(Some("/\n"))), "cookie"),
            (config().cors(Cors::origins(["*"])), "cors"),
            (config().cors(Cors::origins(["https://a.org/"])), "cors"),
            (config().cors(Cors::origins(["a.org"])), "cors"),
            (config().cors(cors().methods(&["GET", "PO\nST"])), "cors"),
            (config().cors(cors().allowed_headers(&["x\r\ny"])), "cors"),
            (config().cors(cors().exposed_headers(&["\0"])), "cors"),
            (config().check_origin(Origins::List(vec!["https://*.a.org".into()])), "check_origin"),
        ] {
            let error = impossible.check().unwrap_err();
            assert!(error.message().starts_with(&format!("Invalid option '{option}'")), "{error:?}");
        }
    }

    #[test]
    fn an_engine_is_not_built_with_what_cannot_be() {
        struct Nobody;
        impl Handler for Nobody {
            fn event(&self, _: &Socket, _: Event<'_>, _: &mut Context<'_>) -> Handled {
                Handled::now(None)
            }
        }
        let error = Engine::new(Config::default().path("/a b"), Nobody).unwrap_err();
        assert_eq!(
            error.message(),
            r#"Invalid option 'path': "/a b/": write a path such as /socket.io/, without a query"#
        );
        assert!(Engine::new(Config::default(), Nobody).is_ok());
    }

    #[test]
    fn what_can_be_is_accepted() {
        let cors = Cors::origins(["https://a.org:8443", "http://[::1]:80", "capacitor://localhost", "null"]);
        let cookie = Cookie::default().name("__Host-sid").path(None).domain("a.org");
        let config = Config::default().path("/a/b%20c").cors(cors.methods(&[])).cookie(cookie);
        for config in [Config::default(), Config::default().path("/"), config.add_trailing_slash(false)] {
            config.check().unwrap();
        }
        Config::default().check_origin(Origins::Any).cors(Cors::new(Origins::Mirror)).check().unwrap();
    }
}

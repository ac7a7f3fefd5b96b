//! Options that cannot be what they say.

use super::{Config, Origins};
use http::HeaderValue;
use http::uri::PathAndQuery;
use wingbeat_core::{Error, Result};

impl Config {
    /// Whether all options can be what they say: without that there is no [`Engine`](crate::Engine), and no application
    /// of Wingbeat is built.
    ///
    /// # Errors
    /// Names the first that cannot: a path that no request has, transports of which none is allowed, an origin that no
    /// page has, a cookie or header that HTTP cannot carry.
    pub fn check(&self) -> Result<()> {
        let path = self.path.parse::<PathAndQuery>();
        if !path.is_ok_and(|path| path.query().is_none() && path.path() == &*self.path) {
            return Err(impossible("path", &self.path, "no request has it"));
        }
        if !self.polling && !self.websocket {
            return Err(Error::general("Impossible option 'transports': none is allowed"));
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
            Some(origin) if origin.contains('*') => {
                Err(impossible(option, origin, "every origin is Origins::Any, and patterns are Origins::matching"))
            }
            Some(origin) => Err(impossible(option, origin, "an origin is like https://example.com, without a path")),
            None => Ok(()),
        }
    }
}

/// Whether HTTP can carry this as a header's value.
pub(super) fn header(option: &str, value: &str) -> Result<()> {
    HeaderValue::from_str(value).map(drop).map_err(|_| impossible(option, value, "HTTP cannot carry it"))
}

pub(super) fn impossible(option: &str, value: &str, why: &str) -> Error {
    Error::general(format!("Impossible option '{option}': {value:?}: {why}"))
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
            assert!(error.message().starts_with(&format!("Impossible option '{option}'")), "{error:?}");
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
        assert_eq!(error.message(), r#"Impossible option 'path': "/a b/": no request has it"#);
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

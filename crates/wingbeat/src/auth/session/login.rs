//! A login of a connection.

use crate::auth::strategy::Jwt;
use crate::auth::token::Claims;
use crate::service::KeepsValue;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use wingbeat_core::RawJson;

/// A login of a connection. Its token has been verified, so calls only look at the time.
pub(in crate::auth) struct Session {
    /// The registry that it is in: that of the service which has verified the token.
    pub(super) registry: u64,
    pub(in crate::auth) token: String,
    pub(in crate::auth) claims: Claims,
    /// What was logged in with, where the token alone says nobody: it is asked again with every call.
    pub(in crate::auth) remembered: Option<Value>,
    /// What its connection shows of it among the params of calls.
    pub(super) shown: RawJson,
    pub(super) announcement: Mutex<LoginAnnouncement>,
}

/// What the listeners know: they hear of a login before they hear of its end, though both may happen at once.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum LoginAnnouncement {
    Due,
    Done,
    /// The login has ended before: whoever announces it has to announce its end then.
    EndsFirst,
}

impl Session {
    pub(super) fn new(registry: u64, token: String, claims: Claims, remembered: Option<Value>) -> Arc<Session> {
        let (shown, announcement) = (RawJson::NULL, Mutex::new(LoginAnnouncement::Due));
        let mut session = Session { registry, token, claims, remembered, shown, announcement };
        let shown = json!({"strategy": session.strategy(), "accessToken": session.token});
        session.shown = RawJson::new(&shown).expect("a value has a JSON form");
        Arc::new(session)
    }

    /// Who is logged in: by the subject, or where the token names nobody by what was logged in with.
    pub(in crate::auth) fn whose(&self) -> (Option<&str>, Option<&Value>) {
        (self.claims.subject(), self.remembered.as_ref())
    }

    /// By which strategy calls of the connection are known.
    pub(in crate::auth) fn strategy(&self) -> &str {
        self.remembered.as_ref().and_then(|data| data.get("strategy")?.as_str()).unwrap_or(Jwt::NAME)
    }
}

/// What the params of a call say of it behind the hook `authenticate`.
impl KeepsValue for Session {
    fn value(&self) -> Value {
        json!({"strategy": self.strategy(), "accessToken": self.token, "payload": self.claims.0})
    }
}

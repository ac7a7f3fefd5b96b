//! Who the client is, and where that is written down: for both ways to reach a server.

use super::{ConnectionEvent, Shared};
use crate::error::{DeliveryStatus, Error, Foreign, Result};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether the server says that this client is not who it claims to be: such a token is not kept. What a proxy says over
/// REST says nothing of the token.
fn refuses(error: &Error) -> bool {
    matches!(error, Error::Answered(said) if (401..=407).contains(&said.code()) && said.downcast_ref::<Foreign>().is_none())
}

impl Shared {
    /// A login has succeeded, with this result.
    pub(crate) fn logged_in(&self, value: Arc<Value>) -> Result<()> {
        let kept = match value.get("accessToken").and_then(Value::as_str) {
            Some(token) => {
                self.options.storage.set(token).map_err(|error| error.with_delivery_status(DeliveryStatus::Answered))
            }
            None => Ok(()),
        };
        self.set_authentication(Some(value.clone()));
        self.report(&ConnectionEvent::LoggedIn(value));
        kept
    }

    /// A login has failed: the client is not logged in.
    pub(crate) fn login_failed(&self, error: &Error) {
        self.forget_login(error);
        self.report(&ConnectionEvent::LoginFailed(Arc::new(error.clone())));
    }

    /// A logout has ended; whoever the server says is not logged in is logged out.
    pub(crate) fn logged_out<T: Default>(&self, outcome: Result<T>) -> Result<T> {
        let outcome = match outcome {
            Ok(answer) => {
                self.set_authentication(None);
                let removed = self.options.storage.remove();
                removed.map(|()| answer).map_err(|error| error.with_delivery_status(DeliveryStatus::Answered))
            }
            Err(error) => {
                self.forget_login(&error);
                if refuses(&error) { Ok(T::default()) } else { Err(error) }
            }
        };
        if outcome.is_ok() {
            self.report(&ConnectionEvent::LoggedOut);
        }
        outcome
    }

    fn forget_login(&self, error: &Error) {
        self.set_authentication(None);
        if refuses(error) {
            // A token that cannot be removed is refused again next time.
            let _ = self.options.storage.remove();
        }
    }

    /// What the stored token is to the authentication service.
    ///
    /// # Errors
    /// If there is none, or the storage does not give it.
    pub(crate) fn stored_login(&self) -> Result<Value> {
        let token = self.options.storage.get().map_err(|error| error.with_delivery_status(DeliveryStatus::NotSent))?;
        let token = token.ok_or(Error::NotLoggedIn)?;
        Ok(json!({ "strategy": self.options.jwt_strategy, "accessToken": token }))
    }
}

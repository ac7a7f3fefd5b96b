//! Params of further calls by the same caller.

use super::Params;
#[cfg(feature = "auth")]
use super::named::NamedValue;
#[cfg(feature = "auth")]
use serde_json::Value;
#[cfg(feature = "auth")]
use std::sync::Arc;
#[cfg(feature = "auth")]
use wingbeat_core::{Payload, Result};

impl Params {
    /// Params of a call that the same caller makes, who asks for nothing yet: what was set for this call alone is not
    /// among them.
    pub(crate) fn as_caller(&self) -> Params {
        let mut params = Params::new();
        (params.provider, params.connection) = (self.provider, self.connection.clone());
        if let Some(headers) = self.headers().filter(|_| self.connection.is_none()) {
            params = params.with_headers(headers.clone());
        }
        if let Some(address) = self.address().filter(|_| self.connection.is_none()) {
            params = params.with_address(address);
        }
        #[cfg(feature = "auth")]
        if let Some(own) = &self.own {
            let record = own.known_caller.as_ref().and_then(|known| known.as_deref());
            for name in ["authentication", "authenticated"].into_iter().chain(record) {
                if let Some(value) = own.values.get(name) {
                    params.set_named(name, value.clone());
                }
            }
            if own.known_caller.is_some() {
                params.own_mut().known_caller.clone_from(&own.known_caller);
            }
        }
        params
    }
}

#[cfg(feature = "auth")]
impl Params {
    /// Sets a named value without building it.
    pub(crate) fn set_named(&mut self, name: &str, value: NamedValue) {
        self.own_mut().values.set(name.into(), value);
    }

    /// Whether the call has a value of this name that is not its connection's.
    pub(crate) fn has_own(&self, name: &str) -> bool {
        self.own.as_ref().is_some_and(|own| own.values.get(name).is_some())
    }

    /// Says that authentication knows the caller, and under which name these params hold the record.
    pub(crate) fn set_known_caller(&mut self, record: Option<Arc<str>>) {
        self.own_mut().known_caller = Some(record);
    }

    /// The name under which the record of the caller is here, if authentication has found one.
    fn record_name(&self) -> Option<&str> {
        self.own.as_ref()?.known_caller.as_ref()?.as_deref()
    }

    /// The record of the caller, if authentication has found it.
    pub(crate) fn known_caller(&self) -> Option<Payload> {
        let name = self.record_name()?;
        match self.own.as_ref()?.values.get(name) {
            Some(record) => Some(record.to_payload()),
            None => self.connection.as_ref()?.get(name).map(Payload::from),
        }
    }

    /// A member of that record; `None` if there is no record.
    ///
    /// # Errors
    /// If no value can hold the record.
    pub(crate) fn of_known_caller(&self, member: &str) -> Result<Option<Option<Value>>> {
        let Some(name) = self.record_name() else { return Ok(None) };
        if let Some(record) = self.own.as_ref().and_then(|own| own.values.get(name)) {
            return record.member(member).map(Some);
        }
        let record = self.connection.as_ref().and_then(|connection| connection.get(name));
        Ok(record.map(|record| record.get(member).cloned()))
    }
}

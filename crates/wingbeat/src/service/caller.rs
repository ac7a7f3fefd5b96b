//! Params of further calls by the same caller.

use super::Params;
#[cfg(feature = "auth")]
use serde_json::Value;

/// Marks params whose caller authentication knows, with the name under which they hold the record.
#[cfg(feature = "auth")]
#[derive(Clone)]
pub(crate) struct KnownCaller(pub(crate) Option<String>);

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
        {
            let known = self.extension::<KnownCaller>();
            let record = known.as_ref().and_then(|known| known.0.as_deref());
            for name in ["authentication", "authenticated"].into_iter().chain(record) {
                if let Some(value) = self.get(name) {
                    params.set(name, value);
                }
            }
            if let Some(known) = known {
                params.set_extension(KnownCaller::clone(&known));
            }
        }
        params
    }

    /// The record of the caller, if authentication has found it.
    #[cfg(feature = "auth")]
    pub(crate) fn known_caller(&self) -> Option<Value> {
        self.get(self.extension::<KnownCaller>()?.0.as_deref()?)
    }
}

//! What the server's own calls may say otherwise than their table, under Feathers' names.

use crate::service::Params;
use serde_json::{Value, json};

impl Params {
    /// Asks a store for a plain list of all that matches, whatever its pages are: `params.paginate = false` in Feathers.
    #[must_use]
    pub fn without_pages(mut self) -> Params {
        self.set("paginate", false);
        self
    }

    /// Asks a store for pages other than its own: of `default` records, unless the query has a `$limit`, which may be at
    /// most `max`.
    #[must_use]
    pub fn with_pages(mut self, default: u64, max: u64) -> Params {
        self.set("paginate", json!({ "default": default, "max": max }));
        self
    }

    /// Lets a store create, patch and remove several records at once, whatever it allows clients.
    #[must_use]
    pub fn with_multi(mut self) -> Params {
        let mut adapter = self.get("adapter").filter(Value::is_object).unwrap_or_else(|| json!({}));
        adapter["multi"] = true.into();
        self.set("adapter", adapter);
        self
    }
}

/// Which pages the call asks for.
pub(super) fn paginate(params: &Params) -> Option<Value> {
    adapter(params, "paginate").or_else(|| params.get("paginate"))
}

/// What the call may do to several records.
pub(super) fn multi(params: &Params) -> Option<Value> {
    adapter(params, "multi")
}

fn adapter(params: &Params, name: &str) -> Option<Value> {
    params.get("adapter")?.get_mut(name).map(Value::take)
}

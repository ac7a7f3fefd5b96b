//! What hooks say of the calls that they let pass.

use serde_json::Value;

/// What a hook asks of calls, for [`App::describe`](crate::App::describe) to tell.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HookDescription {
    /// The JSON Schema that it holds data against.
    pub data: Option<Value>,
    /// The JSON Schema that it holds queries against.
    pub query: Option<Value>,
    /// The strategies by one of which the caller must have logged in.
    pub login: Option<Vec<String>>,
}

impl HookDescription {
    /// What hooks say together: of schemas the outermost hook's, as clients meet that first; of logins the innermost one's,
    /// which all the others have let pass.
    pub(super) fn and(self, inner: HookDescription) -> HookDescription {
        HookDescription {
            data: self.data.or(inner.data),
            query: self.query.or(inner.query),
            login: inner.login.or(self.login),
        }
    }
}

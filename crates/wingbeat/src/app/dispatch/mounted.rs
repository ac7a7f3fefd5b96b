//! What a transport may ask about a service before it calls it.

use crate::app::Entry;
#[cfg(feature = "uploads")]
use crate::service::FileAccess;
use std::sync::Arc;
use wingbeat_core::Method;

/// A service that is mounted.
pub(crate) struct Mounted(pub(super) Arc<Entry>);

impl Mounted {
    /// The methods that clients may call.
    pub(crate) fn exposed(&self) -> impl Iterator<Item = &Method> {
        self.0.exposed()
    }

    /// Whether clients may call a method.
    pub(crate) fn exposes(&self, method: &Method) -> bool {
        self.exposed().any(|exposed| exposed == method)
    }

    /// How the service takes and gives files, if it does.
    #[cfg(feature = "uploads")]
    pub(crate) fn files(&self) -> Option<FileAccess> {
        self.0.files()
    }
}

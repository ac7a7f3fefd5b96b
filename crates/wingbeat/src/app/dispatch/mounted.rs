//! What a transport may ask about a service before it calls it.

use crate::app::{Entry, Registry};
#[cfg(feature = "uploads")]
use crate::service::FileAccess;
use arc_swap::Guard;
use std::sync::Arc;
use wingbeat_core::Method;

/// What was mounted at a moment.
pub(crate) struct Mounts(pub(super) Guard<Arc<Registry>>);

impl Mounts {
    /// The service at a path.
    pub(crate) fn find(&self, path: &str) -> Option<Mounted> {
        self.0.mounted(path).cloned().map(Mounted)
    }
}

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

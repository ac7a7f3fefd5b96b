//! What an application gives all its services.

use crate::app::events::{Publishers, STANDARD};
use crate::hooks::HookSet;
use wingbeat_core::{Error, Result};

/// What an application gives all its services, when these are mounted in another one.
pub(in crate::app) struct SubApp {
    pub(in crate::app) hooks: HookSet,
    pub(in crate::app) publishers: Publishers,
}

impl SubApp {
    pub(in crate::app) fn check(&self) -> Result<()> {
        check_shared(&self.hooks, &self.publishers)
    }
}

/// Whether what an application gives all its services can work.
pub(in crate::app) fn check_shared(hooks: &HookSet, publishers: &Publishers) -> Result<()> {
    if let Some(event) = publishers.unknown(|event| STANDARD.contains(&event)) {
        return Err(Error::general(format!(
            "'{event}' is not a valid service event: the publishers of an application name only created, updated, \
             patched and removed. Put `publish_event(\"{event}\", …)` on the mount of the service that sends it, or use \
             `publish`, which is for all events"
        )));
    }
    hooks.check()
}

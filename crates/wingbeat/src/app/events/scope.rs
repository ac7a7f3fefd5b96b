//! What the methods of a mounted service can reach.

use super::held::HeldPermit;
use super::publish::{CallerKind, EmitterRef};
use super::slots::{EventSlots, undeclared};
use crate::BoxFuture;
use crate::app::{App, WeakApp};
use crate::service::{ClientRules, Emitter, ServiceScope, Services};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{RawJson, Result};

/// What the methods of one service can reach.
pub(in crate::app) struct MountScope {
    // Weak: the application holds the service, which holds this.
    app: WeakApp,
    path: Arc<str>,
    slots: Arc<EventSlots>,
    rules: Box<[ClientRules]>,
}

impl MountScope {
    /// With what clients may not ask of the service's find.
    pub(in crate::app) fn new(
        app: &App,
        path: Arc<str>,
        slots: Arc<EventSlots>,
        rules: Box<[ClientRules]>,
    ) -> MountScope {
        MountScope { app: app.downgrade(), path, slots, rules }
    }
}

impl ServiceScope for MountScope {
    fn emit(&self, event: &str, data: RawJson, by: Emitter) -> BoxFuture<'static, Result<()>> {
        let Some(slot) = self.slots.find(event) else {
            return Box::pin(ready(Err(undeclared(event, &self.path))));
        };
        let app = self.app.upgrade();
        Box::pin(async move {
            let Some(app) = app else { return Ok(()) };
            let Emitter { caller, is_client } = by;
            let by = if is_client { CallerKind::Client } else { CallerKind::Server };
            let emitter = EmitterRef { caller: caller.as_ref(), by };
            app.0.publish_in_turn(&slot, &data, &data, emitter, &mut None, &mut HeldPermit::default()).await;
            Ok(())
        })
    }

    fn services(&self) -> Option<Services> {
        self.app.upgrade().map(|app| app.services())
    }

    fn rules(&self) -> &[ClientRules] {
        &self.rules
    }

    fn time_limit(&self) -> Option<Duration> {
        self.app.upgrade()?.0.call_timeout.configured()
    }
}

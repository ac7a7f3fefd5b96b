//! Services that come and go while the application runs.

use super::{Entry, Registry, normal};
use crate::app::{App, mount::Mount};
use std::sync::Arc;
use wingbeat_core::{Error, Result};

impl App {
    /// Mounts a service on the running application. Its setup is done first: no call finds it before that, not even its own, and
    /// if this is dropped meanwhile, nothing is mounted.
    ///
    /// # Errors
    /// If the path is taken or no path, or the mount contradicts itself (see [`Builder::build`](crate::Builder::build)), or
    /// what the service's setup failed with. It is not mounted then. Unavailable if the application has ended.
    pub async fn mount(&self, path: &str, mount: Mount) -> Result<()> {
        let entry = self.change(|app, registry| {
            let entry = Arc::new(Entry::new(app, path, mount)?);
            registry.reserve(entry.clone())?;
            if let Some(guard) = entry.guard() {
                guard.guard().check(app, entry.shared_path())?;
            }
            entry.check_mounted(&app.services())?;
            Ok(entry)
        })?;
        let reservation = Reservation { app: self, entry: &entry };
        entry.setup(&self.services()).await?;
        let mounted = self.change(|_, registry| {
            registry.check_open()?;
            registry.release(&entry);
            registry.add(entry.clone())
        });
        match mounted {
            Ok(()) => std::mem::forget(reservation),
            // The application has ended meanwhile, so nobody else tears it down.
            Err(_) => entry.teardown(&self.services()).await?,
        }
        mounted
    }

    /// Takes a service away. Calls that are running finish, later ones get NotFound. A teardown that is given up is done
    /// at the shutdown.
    ///
    /// # Errors
    /// If nothing is mounted there, or what the service's teardown failed with.
    pub async fn unmount(&self, path: &str) -> Result<()> {
        let path = normal(path);
        let entry = self.change(|_, registry| {
            registry.remove(path).ok_or_else(|| Error::not_found(format!("Can not find service '{path}'")))
        })?;
        let outcome = entry.teardown(&self.services()).await;
        self.change(|_, registry| {
            registry.forget(&entry);
            Ok(())
        })?;
        outcome
    }

    /// Replaces the registry by one with a change.
    pub(in crate::app) fn change<T>(&self, change: impl FnOnce(&App, &mut Registry) -> Result<T>) -> Result<T> {
        let _one_at_a_time = crate::locked(&self.0.changing);
        let mut registry = Registry::clone(&self.0.registry.load());
        let changed = change(self, &mut registry)?;
        self.0.registry.store(Arc::new(registry));
        Ok(changed)
    }
}

/// The reserved path of a service; given back if its mounting is dropped.
struct Reservation<'a> {
    app: &'a App,
    entry: &'a Arc<Entry>,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let released = self.app.change(|_, registry| {
            registry.release(self.entry);
            Ok(())
        });
        released.unwrap_or_default();
    }
}

//! What is mounted: an immutable table that mounting and unmounting replace as a whole.

mod describe;
mod entry;
mod life;
mod mounting;
mod router;

pub(super) use entry::Endpoint;
pub(crate) use entry::Entry;
pub(super) use router::normal;

use super::mount::RegisteredGuard;
use crate::realtime::Headers;
use crate::service::Route;
use router::Router;
use serde_json::Value;
use std::sync::Arc;
use wingbeat_core::{Error, Result};

#[derive(Clone, Default)]
pub(super) struct Registry {
    router: Router,
    /// In the order of mounting, which is the order of setup.
    entries: Vec<Arc<Entry>>,
    /// Services that are being set up while the application runs: their paths are taken, and calls do not find them.
    reserved: Vec<Arc<Entry>>,
    /// Services that were unmounted and are not torn down yet.
    leaving: Vec<Arc<Entry>>,
    /// The application has ended: nothing is mounted any more.
    closed: bool,
}

impl Registry {
    pub(super) fn add(&mut self, entry: Arc<Entry>) -> Result<()> {
        self.check_path(entry.path())?;
        self.router.add(entry.clone());
        self.entries.push(entry);
        Ok(())
    }

    fn check_path(&self, path: &str) -> Result<()> {
        match self.entries.iter().chain(&self.reserved).any(|other| other.path() == path) {
            true => Err(Error::general(format!("Path {path} already exists"))),
            false => Ok(()),
        }
    }

    /// Reserves the path of a service that is about to be set up.
    pub(super) fn reserve(&mut self, entry: Arc<Entry>) -> Result<()> {
        self.check_open()?;
        self.check_path(entry.path())?;
        self.reserved.push(entry);
        Ok(())
    }

    /// Gives a reserved path back: the service is set up, or its mounting has failed.
    pub(super) fn release(&mut self, entry: &Arc<Entry>) {
        self.reserved.retain(|other| !Arc::ptr_eq(other, entry));
    }

    /// Takes a service away; it is [forgotten](Registry::forget) when it is torn down.
    pub(super) fn remove(&mut self, path: &str) -> Option<Arc<Entry>> {
        let at = self.entries.iter().position(|entry| entry.path() == path)?;
        self.router.remove(path);
        let entry = self.entries.remove(at);
        self.leaving.push(entry.clone());
        Some(entry)
    }

    pub(super) fn forget(&mut self, entry: &Arc<Entry>) {
        self.leaving.retain(|other| !Arc::ptr_eq(other, entry));
    }

    /// The application ends: what is to be torn down, in this order. Calls still find what is mounted.
    pub(super) fn close(&mut self) -> Vec<Arc<Entry>> {
        self.closed = true;
        self.leaving.iter().chain(self.entries.iter().rev()).cloned().collect()
    }

    pub(super) fn check_open(&self) -> Result<()> {
        match self.closed {
            true => Err(Error::unavailable("The application has ended")),
            false => Ok(()),
        }
    }

    pub(super) fn find(&self, path: &str) -> Result<(&Arc<Entry>, Route)> {
        self.router.find(path).ok_or_else(|| Error::not_found(format!("Service '{path}' not found")))
    }

    /// As [`find`](Registry::find), for those who only want to know.
    pub(super) fn mounted(&self, path: &str) -> Option<&Arc<Entry>> {
        self.router.find(path).map(|(entry, _)| entry)
    }

    pub(super) fn entry(&self, path: &str) -> Option<&Arc<Entry>> {
        let path = normal(path);
        self.entries.iter().find(|entry| entry.path() == path)
    }

    /// All guards, with the paths of their services.
    pub(super) fn guards(&self) -> impl Iterator<Item = (&Arc<str>, &RegisteredGuard)> {
        self.entries.iter().filter_map(|entry| Some((entry.shared_path(), entry.guard()?)))
    }

    /// What the headers of a request say of who asks, unverified, as the first guard reads them.
    pub(super) fn authentication(&self, headers: &Headers) -> Option<Value> {
        let (_, guard) = self.guards().next()?;
        guard.guard().authentication(headers)
    }

    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }
}

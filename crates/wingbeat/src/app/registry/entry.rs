//! A mounted service, and its methods.

use super::life::Life;
use super::router;
use crate::app::{
    App,
    events::{EventOrder, EventSlot, EventSlots, MountScope},
    measure::Meter,
    mount::{CheckedMount, Mount, RegisteredGuard},
};
use crate::hooks::{Chain, ErrorMap, HookSet, Target};
#[cfg(feature = "uploads")]
use crate::service::FileAccess;
use crate::service::{ClientRules, DynService, MethodSchemas, Schemas, ServiceScope, Services, invocation::Arguments};
use std::sync::Arc;
use wingbeat_core::{Error, IdArg, Method, Result};

/// A mounted service.
pub(crate) struct Entry {
    path: Arc<str>,
    service: Option<Arc<dyn DynService>>,
    /// Few enough to look through.
    endpoints: Box<[Endpoint]>,
    /// What was said where it was mounted.
    schemas: Option<Box<Schemas>>,
    pub(in crate::app) slots: Arc<EventSlots>,
    /// In which order the events of one record leave.
    pub(in crate::app) order: Arc<EventOrder>,
    guard: Option<RegisteredGuard>,
    scope: Arc<dyn ServiceScope>,
    life: Life,
    error_map: ErrorMap,
}

/// A method of a mounted service.
pub(crate) struct Endpoint {
    pub(in crate::app) method: Method,
    pub(in crate::app) chain: Chain,
    /// Whether clients may call it.
    pub(in crate::app) external: bool,
    /// What clients may not ask of it.
    rules: Box<[ClientRules]>,
    /// What a successful call publishes, unless a hook says otherwise.
    pub(in crate::app) event: Option<Arc<EventSlot>>,
    /// Whether hooks may come to an event that somebody hears of what it has written.
    pub(in crate::app) may_be_heard: bool,
    pub(in crate::app) meter: Meter,
    /// Of a method of the service's own, as far as they were said.
    pub(super) schemas: MethodSchemas,
}

impl Entry {
    pub(in crate::app) fn new(app: &App, path: &str, mount: Mount) -> Result<Entry> {
        let path: Arc<str> = router::checked(path)?.into();
        let CheckedMount { service, standard, custom, exposed, slots, hooks, within, guard, schemas, described } =
            mount.checked(&path, &app.0.publishers)?;
        let inner = within.iter().map(|sub| &sub.hooks);
        let levels: Vec<&HookSet> = [&app.0.hooks].into_iter().chain(inner).chain([&hooks]).collect();
        let of_service = service.as_ref().map(|service| service.rules()).filter(|rules| !rules.is_empty());
        let rules = |method: &Method| {
            let of_service = of_service.clone().filter(|_| Method::STANDARD.contains(method));
            levels.iter().flat_map(|hooks| hooks.rules(method)).chain(of_service).collect()
        };
        let endpoint = |(method, target): (Method, Target)| Endpoint {
            rules: rules(&method),
            external: exposed.include(&method),
            chain: Chain::new(&levels, &method, target),
            event: method.event().and_then(|event| slots.automatic(event)),
            may_be_heard: slots.are_heard() && !matches!(method, Method::Find | Method::Get),
            meter: Meter::new(&path, &method),
            schemas: described
                .iter()
                .find(|(name, _)| **name == *method.as_str())
                .map(|(_, said)| said.clone())
                .unwrap_or_default(),
            method,
        };
        let standard = Method::STANDARD.into_iter().filter(|method| standard.contains(method));
        let standard = standard.filter_map(|method| Some((method, Target::Standard(service.clone()?))));
        let custom = custom.into_iter().map(|(name, run)| (Method::Custom(name), Target::Custom(run)));
        let endpoints = standard.chain(custom).map(endpoint).collect();
        let slots = Arc::new(slots);
        let scope = Arc::new(MountScope::new(app, path.clone(), slots.clone(), rules(&Method::Find)));
        let order = Arc::default();
        let error_map = ErrorMap::of(levels.iter().map(|hooks| &hooks.error_map));
        let life = Life::default();
        Ok(Entry { path, service, endpoints, schemas, slots, order, guard, scope, life, error_map })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What its methods can reach.
    pub(crate) fn scope(&self) -> &Arc<dyn ServiceScope> {
        &self.scope
    }

    /// An error of a call as its caller sees it.
    pub(in crate::app) fn mapped_error(&self, error: Error) -> Error {
        self.error_map.apply(error)
    }

    /// The same, where an outcome is too large to be moved for nothing.
    #[inline]
    pub(in crate::app) fn map_error<T>(&self, outcome: &mut Result<T>) {
        if let Err(error) = outcome {
            *error = self.mapped_error(error.clone());
        }
    }

    /// Asks the hooks whether they find what they need among what is mounted.
    pub(in crate::app) fn check_mounted(&self, services: &Services) -> Result<()> {
        self.endpoints.iter().try_for_each(|endpoint| endpoint.chain.check_mounted(services, &self.path))
    }

    /// The methods that clients may call.
    pub(in crate::app) fn exposed(&self) -> impl Iterator<Item = &Method> {
        self.endpoints.iter().filter(|endpoint| endpoint.external).map(|endpoint| &endpoint.method)
    }

    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What it takes and gives, as far as anybody has said so.
    pub(in crate::app) fn schemas(&self) -> Schemas {
        let of_service = self.service.as_ref().map(|service| service.schemas()).unwrap_or_default();
        self.schemas.as_deref().cloned().unwrap_or_default().or(of_service)
    }

    /// How the service takes and gives files, if it does.
    #[cfg(feature = "uploads")]
    pub(in crate::app) fn files(&self) -> Option<FileAccess> {
        self.service.as_ref()?.files()
    }

    pub(in crate::app) fn guard(&self) -> Option<&RegisteredGuard> {
        self.guard.as_ref()
    }

    pub(in crate::app) fn shared_path(&self) -> &Arc<str> {
        &self.path
    }

    /// Where a method is, by its name on the wire, if the service has it at all.
    pub(crate) fn index_of(&self, method: &str) -> Option<usize> {
        self.endpoints.iter().position(|endpoint| endpoint.method.as_str() == method)
    }

    /// Where a method is that clients may call.
    pub(in crate::app) fn external(&self, method: &str) -> Option<usize> {
        self.index_of(method).filter(|&index| self.at(index).external)
    }

    /// The method with this index.
    pub(in crate::app) fn at(&self, index: usize) -> &Endpoint {
        &self.endpoints[index]
    }

    /// Sets the service up, once: it may have been mounted before the application itself is set up.
    pub(in crate::app) async fn setup(&self, services: &Services) -> Result<()> {
        match &self.service {
            Some(service) => self.life.set_up(|| service.setup(services, &self.path)).await,
            None => Ok(()),
        }
    }

    /// Tears the service down, once.
    pub(in crate::app) async fn teardown(&self, services: &Services) -> Result<()> {
        match &self.service {
            Some(service) => self.life.tear_down(|| service.teardown(services, &self.path)).await,
            None => Ok(()),
        }
    }
}

impl Endpoint {
    /// The method.
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Refuses arguments that the method does not take, and what a client may not ask of it. The server's own calls may ask
    /// anything.
    ///
    /// Asked of the call as it came, before any hook: what hooks make of it is the server's will.
    pub(in crate::app) fn check(&self, arguments: &Arguments) -> Result<()> {
        let Arguments { id, data, params } = arguments;
        if *id != IdArg::Absent && !self.method.takes_id() {
            return Err(Error::bad_request(format!("Method '{}' takes no id", self.method)));
        }
        if data.is_some() && !self.method.takes_data() {
            return Err(Error::bad_request(format!("Method '{}' takes no data", self.method)));
        }
        if params.is_internal() {
            return Ok(());
        }
        self.rules.iter().try_for_each(|rules| rules.check(&self.method, &params.query, data.as_ref()))
    }

    /// The event that a successful call sets off, unless a hook says otherwise. Where the service lists it, it sends it by
    /// itself.
    pub(in crate::app) fn automatic_event(&self) -> Option<&'static str> {
        self.event.as_ref().and_then(|_| self.method.event())
    }

    /// The method alone, if there is nothing around it: no hooks, and nobody to hear of it.
    pub(in crate::app) fn plain(&self) -> Option<&Target> {
        self.chain.direct().filter(|_| self.event.as_ref().is_none_or(|event| !event.is_heard()))
    }
}

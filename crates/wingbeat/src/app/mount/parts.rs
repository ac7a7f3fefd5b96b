//! Whether what was said of a service makes sense together.

use super::exposed::{self, Exposed};
use super::{Mount, RegisteredGuard, SubApp};
use crate::app::events::{EventSlots, Publishers};
use crate::hooks::HookSet;
use crate::service::{Custom, DynService, MethodSchemas, Schemas};
use std::collections::BTreeSet;
use std::sync::Arc;
use wingbeat_core::{Error, Method, Result};

/// A mount that has been found to make sense.
pub(in crate::app) struct CheckedMount {
    pub(in crate::app) service: Option<Arc<dyn DynService>>,
    /// The standard methods that the service has.
    pub(in crate::app) standard: Vec<Method>,
    pub(in crate::app) custom: Vec<(Arc<str>, Custom)>,
    /// The methods that clients may call.
    pub(in crate::app) exposed: Exposed,
    pub(in crate::app) slots: EventSlots,
    pub(in crate::app) hooks: HookSet,
    pub(in crate::app) within: Vec<Arc<SubApp>>,
    pub(in crate::app) guard: Option<RegisteredGuard>,
    pub(in crate::app) schemas: Option<Box<Schemas>>,
    /// The schemas of custom methods, by name.
    pub(in crate::app) described: Vec<(Box<str>, MethodSchemas)>,
}

/// Names that Feathers gives a meaning of its own on services; a client could not tell such a method from it.
const RESERVED: &[&str] = &[
    "all",
    "around",
    "before",
    "after",
    "error",
    "hooks",
    "setup",
    "teardown",
    "publish",
    "on",
    "once",
    "off",
    "emit",
    "addListener",
    "removeListener",
    "removeAllListeners",
    "prependListener",
    "prependOnceListener",
    "listeners",
    "rawListeners",
    "listenerCount",
    "eventNames",
    "setMaxListeners",
    "getMaxListeners",
    "constructor",
    "toString",
    "toLocaleString",
    "valueOf",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "__proto__",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
];

impl Mount {
    pub(in crate::app) fn checked(self, path: &Arc<str>, app: &Publishers) -> Result<CheckedMount> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let wrong = |text: String| Err(Error::general(text));
        if let Some(service) = &self.service {
            exposed::check(&**service, path)?;
        }
        let standard = self.service.as_ref().map_or_else(Vec::new, |service| service.methods());
        if standard.is_empty() && self.custom.is_empty() && self.events.is_empty() {
            return wrong(format!("Invalid service object passed for path `{path}`: it has no methods and no events"));
        }
        let mut names = BTreeSet::new();
        for (name, _) in &self.custom {
            if RESERVED.contains(&&**name) || Method::standard(name).is_some() || name.is_empty() {
                return wrong(format!("'{name}' on service '{path}' is not allowed as a custom method name"));
            }
            if !names.insert(name.clone()) {
                return wrong(format!("Method '{name}' is defined twice on service '{path}'"));
            }
        }
        let has = |method: &Method| match method {
            Method::Custom(name) => names.contains(name),
            standard_method => standard.contains(standard_method),
        };
        if let Some(method) = self.exposed.named().iter().chain(self.hooks.named()).find(|method| !has(method)) {
            let has: Vec<&str> = standard.iter().map(Method::as_str).chain(names.iter().map(|name| &**name)).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            return wrong(format!("Service '{path}' has no method '{method}' to list or to hook: it has {has}"));
        }
        if let Some((name, _)) = self.described.iter().find(|(name, _)| !names.contains(&**name)) {
            return wrong(format!("Service '{path}' has no custom method '{name}' to describe"));
        }
        let exposes_update = self.exposed.named().contains(&Method::Update);
        if let Some(field) = self.lost_by_update.as_ref().filter(|_| exposes_update) {
            return wrong(format!(
                "Clients cannot update records of '{path}': they do not write '{field}', and an update replaces the whole \
                 record. Leave Update out of the methods; clients patch"
            ));
        }
        self.hooks.check()?;
        self.within.iter().try_for_each(|sub| sub.check())?;
        let within: Vec<_> = self.within.iter().map(|sub| &sub.publishers).collect();
        let slots = EventSlots::new(path, &self.events, self.publishers, &within, app, self.listeners)?;
        let exposed = match self.lost_by_update {
            Some(_) if self.exposed.are_all() => {
                Exposed::Standard(standard.iter().filter(|method| **method != Method::Update).cloned().collect())
            }
            _ => self.exposed,
        };
        Ok(CheckedMount {
            service: self.service,
            standard,
            custom: self.custom,
            exposed,
            slots,
            hooks: self.hooks,
            within: self.within,
            guard: self.guard,
            schemas: self.schemas,
            described: self.described,
        })
    }
}

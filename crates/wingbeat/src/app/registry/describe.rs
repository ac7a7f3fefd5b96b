//! The description of what the application offers.

use super::entry::{Endpoint, Entry};
use crate::app::App;
use crate::service::{Description, MethodDescription, Schemas, ServiceDescription};
use wingbeat_core::Method;

impl App {
    /// What the application offers at this moment: all services with their methods, events, the JSON Schemas of what they
    /// take and give, where somebody has said them, and whether a login is asked for.
    ///
    /// Schemas come from [`Service::schemas`](crate::Service::schemas), from validating hooks, and, with the feature
    /// `schema`, from a definition by `Mount::describe`.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// let app = App::builder().mount("notes", Mount::new(Memory::new()).expose([Find, Create])).build()?;
    /// let description = app.describe();
    /// let notes = description.service("notes").unwrap();
    /// assert!(notes.method("create").unwrap().exposed && !notes.method("remove").unwrap().exposed);
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn describe(&self) -> Description {
        let registry = self.0.registry.load();
        Description { services: registry.entries().map(|entry| entry.describe()).collect() }
    }
}

impl Entry {
    fn describe(&self) -> ServiceDescription {
        let schemas = self.schemas();
        let methods = self.endpoints().iter().map(|endpoint| endpoint.describe(&schemas)).collect();
        let sent = |event: &&str| self.endpoints().iter().any(|endpoint| endpoint.automatic_event() == Some(*event));
        let events = self.slots.names().filter(|(event, automatic)| !automatic || sent(event));
        ServiceDescription {
            path: self.path().to_owned(),
            methods,
            events: events.map(|(event, _)| event.to_owned()).collect(),
            item: schemas.item,
        }
    }
}

impl Endpoint {
    fn describe(&self, schemas: &Schemas) -> MethodDescription {
        let hooks = self.chain.describe();
        let data = match &self.method {
            Method::Create | Method::Update => schemas.data.clone(),
            Method::Patch => schemas.patch.clone(),
            Method::Custom(_) => self.schemas.data.clone(),
            Method::Find | Method::Get | Method::Remove => None,
        };
        let query = schemas.query.clone().filter(|_| Method::STANDARD.contains(&self.method));
        MethodDescription {
            name: self.method.as_str().to_owned(),
            exposed: self.external,
            login: hooks.login,
            event: self.automatic_event().map(str::to_owned),
            data: if self.method.takes_data() { hooks.data.or(data) } else { None },
            query: hooks.query.or(query),
            result: self.schemas.result.clone(),
        }
    }
}

//! Related records in the result.

use super::{Context, Hook};
use crate::BoxFuture;
use crate::service::{ServiceHandle, Services};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use wingbeat_core::{Error, Id, Result};

/// How many records one find asks for: stores accept 2,000 values by default.
const AT_ONCE: usize = 1000;

/// Adds related records to the result, be it a record, a list or a page: to each one, as `name`, the record of the
/// `service` whose id its `field` has. To be used as an after hook.
///
/// They are asked for with one `$in`, however many records there are, in the name of the caller: the hooks of that service
/// run as for him, and he sees of them what a client would. What he may not see, or is not there, is null; a record without
/// the field stays as it is. Should he be allowed nothing at all there, the call fails. Hooks that hide something, as
/// [`protect`](super::protect), come after it.
///
/// ```
/// use wingbeat::{hooks::populate, prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new()).after([Find, Get], populate("user", "users", "userId"));
/// ```
pub fn populate(name: &str, service: &str, field: &str) -> Populate {
    Populate { name: name.into(), service: service.into(), field: field.into(), id: "id".into() }
}

/// The hook that [`populate`] makes.
#[derive(Clone, Debug)]
pub struct Populate {
    name: Box<str>,
    service: Box<str>,
    field: Box<str>,
    id: Box<str>,
}

impl Populate {
    /// The field with the id in the related records (`"id"`).
    #[must_use]
    pub fn id(mut self, field: &str) -> Populate {
        self.id = field.into();
        self
    }

    async fn populate(&self, context: &mut Context) -> Result<()> {
        let mut wanted: HashSet<Id> = HashSet::new();
        for record in context.result_items_mut()? {
            wanted.extend(record.get(&*self.field).and_then(Id::from_value));
        }
        let service = context.service(&*self.service).dispatched();
        let mut found = HashMap::with_capacity(wanted.len());
        let wanted: Vec<Id> = wanted.into_iter().collect();
        for ids in wanted.chunks(AT_ONCE) {
            self.find(&service, context, ids, &mut found).await?;
        }
        for record in context.result_items_mut()? {
            // Whoever selects other fields wants no relation.
            let Some(value) = record.get(&*self.field) else { continue };
            let related = Id::from_value(value).and_then(|id| found.get(&id).cloned());
            record.insert(self.name.to_string(), related.unwrap_or_default());
        }
        Ok(())
    }

    async fn find(
        &self,
        service: &ServiceHandle,
        context: &Context,
        ids: &[Id],
        found: &mut HashMap<Id, Value>,
    ) -> Result<()> {
        let mut params = context.params.as_caller();
        params.query.set(&*self.id, json!({ "$in": ids }));
        params.set("paginate", false);
        let mut records = service.find(params).await?.into_value()?;
        if let Some(data) = records.get_mut("data").filter(|data| data.is_array()) {
            records = data.take();
        }
        let Value::Array(records) = records else {
            return Err(Error::general(format!("The service '{}' found no list to populate from", self.service)));
        };
        let by_id = |record: Value| Some((record.get(&*self.id).and_then(Id::from_value)?, record));
        found.extend(records.into_iter().filter_map(by_id));
        Ok(())
    }
}

impl Hook for Populate {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.populate(context))
    }

    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        match services.has(&self.service) {
            true => Ok(()),
            false => {
                Err(Error::general(format!("Missing service '{}', which populate at '{path}' asks", self.service)))
            }
        }
    }
}

//! What is known of a service besides how to call it.

use serde::Serialize;
use serde_json::Value;

/// The schemas of a method of a service's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct MethodSchemas {
    pub(crate) data: Option<Value>,
    pub(crate) result: Option<Value>,
}

/// What an application offers: [`App::describe`](crate::App::describe) answers it.
///
/// It can be written as JSON, to make documentation, or types for front ends, of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The services, in the order in which they were mounted.
    pub services: Vec<ServiceDescription>,
}

/// What a mounted service offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceDescription {
    /// Where it is mounted; placeholders begin with a colon.
    pub path: String,
    /// Its methods.
    pub methods: Vec<MethodDescription>,
    /// The events that it sends: those of its standard methods, then those of its own.
    pub events: Vec<String>,
    /// The schema of a record, as it goes out; absent where nobody has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<Value>,
}

/// What a method takes and gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MethodDescription {
    /// Its name.
    pub name: String,
    /// Whether clients may call it.
    pub exposed: bool,
    /// The strategies by one of which the caller must have logged in; absent where no login is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Vec<String>>,
    /// The event that success sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The schema of its data: what hooks hold it against, else what the service reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The schema of its query, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Value>,
    /// The schema of what a method of the service's own answers. The others answer records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

impl Description {
    /// The service at a path.
    pub fn service(&self, path: &str) -> Option<&ServiceDescription> {
        self.services.iter().find(|service| service.path == path)
    }
}

impl ServiceDescription {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&MethodDescription> {
        self.methods.iter().find(|method| method.name == name)
    }
}

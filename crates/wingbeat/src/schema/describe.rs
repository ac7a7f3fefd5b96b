//! Descriptions of services, from types.

use super::definition::{json_schema, partial, query_syntax, record_schema};
use crate::app::Mount;
use crate::service::{MethodSchemas, Schemas};
use schemars::JsonSchema;
use serde_json::Value;
use wingbeat_core::Definition;

/// The schemas of a service whose records are `Item`s, that takes `Data` and `Patch`, and whose queries may match the
/// fields of `Query`: for [`Service::schemas`](crate::Service::schemas). Of a type that is any JSON nothing is said.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat::schema::{JsonSchema, schemas};
/// use wingbeat::{prelude::*, service::Schemas};
///
/// #[derive(Serialize, JsonSchema)]
/// struct Todo { id: i64, text: String }
///
/// #[derive(Deserialize, JsonSchema)]
/// struct NewTodo { text: String }
///
/// struct Todos;
///
/// impl Service for Todos {
///     type Item = Todo;
///     type Data = NewTodo;
///     type Patch = NewTodo;
///     const METHODS: &'static [Method] = &[Get];
///
///     async fn get(&self, _id: Id, _params: &Params) -> Result<Todo> {
///         Ok(Todo { id: 1, text: "Read the docs".into() })
///     }
///     fn schemas(&self) -> Schemas {
///         schemas::<Todo, NewTodo, NewTodo, Todo>()
///     }
/// }
///
/// let app = App::builder().mount("todos", Mount::new(Todos)).build()?;
/// let item = app.describe().service("todos").unwrap().item.clone().unwrap();
/// assert_eq!(item["properties"]["text"]["type"], "string");
/// # Ok::<(), wingbeat::Error>(())
/// ```
pub fn schemas<Item: JsonSchema, Data: JsonSchema, Patch: JsonSchema, Query: JsonSchema>() -> Schemas {
    let fields = said(record_schema::<Query>()).filter(Value::is_object);
    let mut schemas = Schemas::default();
    schemas.item = said(record_schema::<Item>());
    schemas.data = said(json_schema::<Data>());
    schemas.patch = said(json_schema::<Patch>()).map(partial);
    schemas.query = fields.map(|fields| query_syntax(&fields));
    schemas
}

/// A schema that says something.
fn said(schema: Value) -> Option<Value> {
    let anything = match &schema {
        Value::Bool(anything) => *anything,
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    (!anything).then_some(schema)
}

impl Mount {
    /// Describes what the service takes and gives by the types of its definition, in [`App::describe`](crate::App::describe).
    /// What the service itself says of its types is passed over. Nothing is checked: that is the business of
    /// [hooks](super::validate_data).
    pub fn describe<D>(self) -> Mount
    where
        D: Definition,
        D::Item: JsonSchema,
        D::Data: JsonSchema,
        D::Patch: JsonSchema,
        D::Query: JsonSchema,
    {
        self.schemas(schemas::<D::Item, D::Data, D::Patch, D::Query>())
    }

    /// Describes a custom method: the data that it takes and what it answers.
    pub fn describe_method<Data: JsonSchema, Answer: JsonSchema>(self, name: &str) -> Mount {
        let schemas = MethodSchemas { data: said(json_schema::<Data>()), result: said(record_schema::<Answer>()) };
        self.method_schemas(name, schemas)
    }
}

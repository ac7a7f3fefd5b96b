//! Validation as hooks.

use super::definition::{allow_operator, json_schema, partial, query_syntax, record_schema, set_strict};
use super::validator::Schema;
use crate::BoxFuture;
use crate::hooks::{Context, Hook, HookDescription};
use crate::service::Query;
use schemars::JsonSchema;
use serde_json::Value;
use std::fmt;
use std::future::ready;
use std::sync::OnceLock;
use wingbeat_core::{Error, Result};

/// Checks that the data, or each element of a list of data, is what can be read as a `T`. A before hook for `create`
/// and `update`.
///
/// What does not fit is a BadRequest `validation failed` whose `data` lists what is wrong, as AJV words it for Feathers.
/// Members that `T` does not have are allowed unless `T` says `#[serde(deny_unknown_fields)]`, or
/// [`strict`](Validate::strict) is asked for.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{prelude::*, schema::{JsonSchema, validate_data, validate_patch}, store::Memory};
///
/// #[derive(JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct NewMessage {
///     #[schemars(length(min = 2))]
///     text: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let messages = Mount::new(Memory::new())
///     .before([Create, Update], validate_data::<NewMessage>())
///     .before(Patch, validate_patch::<NewMessage>());
/// let app = App::builder().mount("messages", messages).build()?;
///
/// let error = app.service("messages").create(json!({"text": "x"}), Params::new()).await.unwrap_err();
/// assert_eq!(error.message(), "validation failed");
/// assert_eq!(error.data().unwrap()[0], json!({
///     "instancePath": "/text",
///     "schemaPath": "#/properties/text/minLength",
///     "keyword": "minLength",
///     "params": {"limit": 2},
///     "message": "must NOT have fewer than 2 characters",
/// }));
/// # Ok(())
/// # }
/// ```
pub fn validate_data<T: JsonSchema>() -> Validate {
    Validate::data(json_schema::<T>())
}

/// As [`validate_data`], but nothing is required: a patch names only what changes.
pub fn validate_patch<T: JsonSchema>() -> Validate {
    Validate::data(partial(json_schema::<T>()))
}

/// Checks the query against the [syntax](super::query_syntax) for records of type `T`, and reads texts as the numbers
/// and booleans that they stand for. A before hook for all methods.
///
/// Nothing but the record's properties, the operators and the filters is allowed; `strict(false)` lets other members
/// through to the service. What the store allows and how much stays in force, whatever was validated: a validated query
/// has no larger pages and no operators that the store does not know (in Feathers it may have both).
///
/// ```
/// use serde::Serialize;
/// use serde_json::json;
/// use wingbeat::{prelude::*, schema::{JsonSchema, validate_query}, store::Memory};
///
/// #[derive(Serialize, JsonSchema)]
/// struct Message { id: i64, text: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let messages = Memory::new().records([json!({"id": 1, "text": "Hello"})]);
/// let app = App::builder().mount("messages", Mount::new(messages).before(All, validate_query::<Message>())).build()?;
///
/// let query = |query| Params::new().with_query(query);
/// let found = app.service("messages").find(query(json!({"id": {"$in": ["1"]}}))?).await?;
/// assert_eq!(found.to_value()?[0]["text"], "Hello");
/// assert_eq!(app.service("messages").find(query(json!({"colour": "red"}))?).await.unwrap_err().code(), 400);
/// # Ok(())
/// # }
/// ```
pub fn validate_query<T: JsonSchema>() -> Validate {
    Validate::query(query_syntax(&record_schema::<T>())).coerce(true)
}

/// A hook that holds data or queries against a JSON Schema (draft 7).
///
/// An invalid schema, or one that has a pattern that no regular expression without look-around can be, fails the
/// application's [`build`](crate::Builder::build).
#[must_use = "a hook does nothing until it is registered"]
pub struct Validate {
    part: Part,
    schema: Value,
    coerce: bool,
    every_error: bool,
    /// Why this cannot work.
    broken: Option<String>,
    compiled: OnceLock<Result<Schema, String>>,
}

enum Part {
    Data,
    Query,
}

impl Validate {
    /// Checks data against any schema. Lists are checked element by element, unless the schema is that of a list.
    pub fn data(schema: Value) -> Validate {
        let (part, compiled) = (Part::Data, OnceLock::new());
        Validate { part, schema, coerce: false, every_error: false, broken: None, compiled }
    }

    /// Checks queries against any schema.
    pub fn query(schema: Value) -> Validate {
        Validate { part: Part::Query, ..Validate::data(schema) }
    }

    /// Whether values of the wrong type are read as the right one where that is possible, by AJV's rules: `"5"` as 5,
    /// `"true"` as true.
    pub fn coerce(mut self, coerce: bool) -> Validate {
        self.coerce = coerce;
        self
    }

    /// Whether members that the schema does not list are refused, at every depth.
    pub fn strict(mut self, strict: bool) -> Validate {
        set_strict(&mut self.schema, strict);
        self
    }

    /// In a query's schema, allows one more operator on a field, whose operand must fit a schema of its own:
    /// `.operator("text", "$startsWith", json!({"type": "string"}))`. The service has to know the operator as well, see
    /// [`Table::operator`](crate::store::Table::operator). A field that the schema does not have fails the application's
    /// `build`.
    pub fn operator(mut self, field: &str, name: &str, operand: Value) -> Validate {
        if !allow_operator(&mut self.schema, field, name, &operand) {
            self.broken = Some(format!("The schema has no field '{field}' for the operator {name}"));
        }
        self
    }

    /// Lists every error, not the first only.
    pub fn every_error(mut self) -> Validate {
        self.every_error = true;
        self
    }

    fn compiled(&self) -> Result<&Schema> {
        let compiled = self.compiled.get_or_init(|| {
            if let Some(broken) = &self.broken {
                return Err(broken.clone());
            }
            let schema = Schema::new(self.schema.clone(), self.coerce, self.every_error);
            schema.map_err(|error| error.message().to_owned())
        });
        compiled.as_ref().map_err(|message| Error::general(message.clone()))
    }

    pub(super) fn validate(&self, context: &mut Context) -> Result<()> {
        let schema = self.compiled()?;
        match self.part {
            Part::Data => match context.data.as_mut().map(|data| data.value_mut()).transpose()? {
                Some(Value::Array(items)) if !schema.wants_list() => {
                    items.iter_mut().try_for_each(|item| schema.check(item))
                }
                Some(data) => schema.check(data),
                None => schema.check(&mut Value::Null),
            },
            Part::Query => {
                let mut query = context.params.query.to_value();
                schema.check(&mut query)?;
                if self.coerce {
                    context.params.query = Query::from_value(query)?;
                }
                Ok(())
            }
        }
    }
}

impl Hook for Validate {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.validate(context)))
    }

    fn check(&self) -> Result<()> {
        self.compiled().map(|_| ())
    }

    fn description(&self) -> HookDescription {
        let (mut description, schema) = (HookDescription::default(), Some(self.schema.clone()));
        match self.part {
            Part::Data => description.data = schema,
            Part::Query => description.query = schema,
        }
        description
    }
}

impl fmt::Debug for Validate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Validate({})", self.schema)
    }
}

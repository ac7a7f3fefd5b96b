//! What is wrong with a value, in AJV's words and AJV's order.

use super::order::{place, weight};
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};

/// For a value with more parts than this the first error is the one found first, not the one that AJV would find first: a large list of
/// wrong elements must not become a list of errors.
const SMALL: usize = 1000;

/// The errors of a value that does not fit, as `data` of Feathers' error: the first only, or every one.
pub(super) fn explain(validator: &Validator, schema: &Value, value: &Value, every: bool) -> Value {
    let mut errors: Vec<ValidationError<'_>> = match weight(value, SMALL) {
        Some(_) => validator.iter_errors(value).collect(),
        None => validator.validate(value).err().into_iter().collect(),
    };
    let explain = Explain { schema, every };
    let mut told = Vec::new();
    explain.tell(&mut errors, &mut told);
    Value::Array(told)
}

struct Explain<'a> {
    schema: &'a Value,
    every: bool,
}

impl Explain<'_> {
    fn tell(&self, errors: &mut [ValidationError<'_>], told: &mut Vec<Value>) {
        errors.sort_by_cached_key(|error| {
            place(self.schema, error.schema_path().as_str(), error.instance_path().as_str())
        });
        let count = if self.every { errors.len() } else { 1 };
        errors.iter().take(count).for_each(|error| self.one(error, told));
    }

    fn one(&self, error: &ValidationError<'_>, told: &mut Vec<Value>) {
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.branches(context, told),
            Kind::PropertyNames { error } => self.one(error, told),
            Kind::AdditionalProperties { unexpected } => {
                let count = if self.every { unexpected.len() } else { 1 };
                for name in unexpected.iter().take(count) {
                    told.push(entry(
                        error,
                        json!({ "additionalProperty": name }),
                        "must NOT have additional properties",
                    ));
                }
                return;
            }
            _ => {}
        }
        let asked = self.schema.pointer(error.schema_path().as_str()).unwrap_or(&Value::Null);
        let (params, message) = words(error, asked);
        told.push(entry(error, params, &message));
    }

    /// What each branch has against the value.
    fn branches(&self, context: &[Vec<ValidationError<'static>>], told: &mut Vec<Value>) {
        for branch in context {
            let mut order: Vec<&ValidationError<'_>> = branch.iter().collect();
            order.sort_by_cached_key(|error| {
                place(self.schema, error.schema_path().as_str(), error.instance_path().as_str())
            });
            let count = if self.every { order.len() } else { 1 };
            order.into_iter().take(count).for_each(|error| self.one(error, told));
        }
    }
}

fn entry(error: &ValidationError<'_>, params: Value, message: &str) -> Value {
    let (keyword, end) = match error.kind() {
        Kind::FalseSchema => ("false schema", "/false schema"),
        kind => (kind.keyword(), ""),
    };
    json!({
        "instancePath": error.instance_path().as_str(),
        "schemaPath": format!("#{}{end}", error.schema_path().as_str()),
        "keyword": keyword,
        "params": params,
        "message": message,
    })
}

/// `params` and `message`; `asked` is the keyword's value in the schema.
fn words(error: &ValidationError<'_>, asked: &Value) -> (Value, String) {
    let text = || asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
    let limit = || json!({ "limit": asked });
    let compared = |sign: &str| (json!({"comparison": sign, "limit": asked}), format!("must be {sign} {asked}"));
    match error.kind() {
        Kind::Type { .. } => {
            let names = asked.as_array().map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>());
            (json!({ "type": asked }), format!("must be {}", names.map_or_else(text, |names| names.join(","))))
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (json!({ "missingProperty": name }), format!("must have required property '{name}'"))
        }
        Kind::MinLength { .. } => (limit(), format!("must NOT have fewer than {asked} characters")),
        Kind::MaxLength { .. } => (limit(), format!("must NOT have more than {asked} characters")),
        Kind::MinItems { .. } => (limit(), format!("must NOT have fewer than {asked} items")),
        Kind::MaxItems { .. } => (limit(), format!("must NOT have more than {asked} items")),
        Kind::MinProperties { .. } => (limit(), format!("must NOT have fewer than {asked} properties")),
        Kind::MaxProperties { .. } => (limit(), format!("must NOT have more than {asked} properties")),
        Kind::Minimum { .. } => compared(">="),
        Kind::Maximum { .. } => compared("<="),
        Kind::ExclusiveMinimum { .. } => compared(">"),
        Kind::ExclusiveMaximum { .. } => compared("<"),
        Kind::MultipleOf { .. } => (json!({ "multipleOf": asked }), format!("must be multiple of {asked}")),
        Kind::Pattern { .. } => (json!({ "pattern": asked }), format!("must match pattern \"{}\"", text())),
        Kind::Format { .. } => (json!({ "format": asked }), format!("must match format \"{}\"", text())),
        Kind::Constant { .. } => (json!({ "allowedValue": asked }), "must be equal to constant".into()),
        Kind::Enum { .. } => (json!({ "allowedValues": asked }), "must be equal to one of the allowed values".into()),
        Kind::AnyOf { .. } => (json!({}), "must match a schema in anyOf".into()),
        Kind::OneOfNotValid { .. } => (json!({"passingSchemas": null}), ONE_OF.into()),
        Kind::OneOfMultipleValid { context } => {
            let passing = context.iter().enumerate().filter(|(_, errors)| errors.is_empty()).map(|(at, _)| at);
            (json!({"passingSchemas": passing.take(2).collect::<Vec<_>>()}), ONE_OF.into())
        }
        Kind::Not { .. } => (json!({}), "must NOT be valid".into()),
        Kind::FalseSchema => (json!({}), "boolean schema is false".into()),
        Kind::Contains => (json!({"minContains": 1}), "must contain at least 1 valid item(s)".into()),
        Kind::AdditionalItems { limit } => {
            (json!({ "limit": limit }), format!("must NOT have more than {limit} items"))
        }
        Kind::UniqueItems => {
            let (later, earlier) = duplicates(error.instance());
            let message = format!("must NOT have duplicate items (items ## {earlier} and {later} are identical)");
            (json!({"i": later, "j": earlier}), message)
        }
        Kind::PropertyNames { error } => {
            (json!({"propertyName": error.instance().as_ref()}), "property name must be valid".into())
        }
        // What AJV knows under no name of its own.
        _ => (json!({}), error.to_string()),
    }
}

const ONE_OF: &str = "must match exactly one schema in oneOf";

/// The last element that has been there before, and where.
fn duplicates(list: &Value) -> (usize, usize) {
    let items = list.as_array().map_or(&[][..], |items| items);
    let pair = |later: usize| (0..later).rev().find(|&earlier| items[earlier] == items[later]).map(|at| (later, at));
    // A long list is not searched: that would take time in proportion to its square.
    if items.len() > SMALL { (0, 0) } else { (0..items.len()).rev().find_map(pair).unwrap_or_default() }
}

//! A schema, compiled.

use super::coercion::Coercion;
use super::explain::explain;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use wingbeat_core::{Error, Result};

/// A schema, compiled: what it checks, how it reads, how it complains.
pub(super) struct Schema {
    json: Value,
    validator: Validator,
    coercion: Option<Coercion>,
    every_error: bool,
}

pub(super) fn compile(schema: &Value) -> Result<Validator> {
    let options = jsonschema::draft7::options()
        .should_validate_formats(true)
        // Patterns without look-around, which take time in proportion to the text.
        .with_pattern_options(PatternOptions::regex())
        .offline();
    options.build(schema).map_err(|error| Error::general(format!("Invalid schema: {error}")))
}

impl Schema {
    pub(super) fn new(json: Value, coerce: bool, every_error: bool) -> Result<Schema> {
        let validator = compile(&json)?;
        let coercion = if coerce { Some(Coercion::of(&json)?) } else { None };
        Ok(Schema { json, validator, coercion, every_error })
    }

    /// Whether values are lists, so that a list is one value and not several.
    pub(super) fn wants_list(&self) -> bool {
        self.json.get("type").is_some_and(|kind| kind == "array")
    }

    /// Coerces and checks.
    pub(super) fn check(&self, value: &mut Value) -> Result<()> {
        if let Some(coercion) = &self.coercion {
            coercion.apply(value);
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let errors = explain(&self.validator, &self.json, value, self.every_error);
        Err(Error::bad_request("validation failed").with_data(errors))
    }
}

//! Coercion: values that come as text, as from a query string, become what the schema asks for.
//!
//! The rules are AJV's (`coerceTypes: true`): a value is only changed if its type does not fit and another reading of
//! it does.

use super::validator::compile;
use jsonschema::Validator;
use serde_json::{Map, Number, Value};
use wingbeat_core::{Result, json};

/// What of a schema decides about coercion.
#[derive(Default)]
pub(super) struct Coercion {
    types: Vec<Box<str>>,
    properties: Vec<(Box<str>, Coercion)>,
    additional: Option<Box<Coercion>>,
    items: Option<Box<Coercion>>,
    /// `allOf`: each in turn.
    all: Vec<Coercion>,
    /// `anyOf` and `oneOf`: the first that accepts the value as it reads it.
    branches: Vec<(Coercion, Validator)>,
}

impl Coercion {
    pub(super) fn of(schema: &Value) -> Result<Coercion> {
        let Value::Object(members) = schema else { return Ok(Coercion::default()) };
        let list = |name: &str| members.get(name).and_then(Value::as_array).into_iter().flatten();
        let inner = |name: &str| members.get(name).filter(|schema| schema.is_object());
        let boxed = |schema: Option<&Value>| schema.map(|schema| Coercion::of(schema).map(Box::new)).transpose();
        let types = match members.get("type") {
            Some(Value::String(one)) => vec![one.as_str().into()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(Box::from).collect(),
            _ => Vec::new(),
        };
        let none = Map::new();
        let properties = members.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let properties = properties.iter().map(|(name, schema)| Ok((name.as_str().into(), Coercion::of(schema)?)));
        Ok(Coercion {
            types,
            properties: properties.collect::<Result<_>>()?,
            additional: boxed(inner("additionalProperties"))?,
            items: boxed(inner("items"))?,
            all: list("allOf").map(Coercion::of).collect::<Result<_>>()?,
            branches: list("anyOf")
                .chain(list("oneOf"))
                .map(|schema| Ok((Coercion::of(schema)?, compile(schema)?)))
                .collect::<Result<_>>()?,
        })
    }

    pub(super) fn apply(&self, value: &mut Value) {
        let fits = self.types.iter().any(|wanted| is(value, wanted));
        if let Some(read) = self.types.iter().find_map(|wanted| as_type(value, wanted)).filter(|_| !fits) {
            *value = read;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let own = self.properties.iter().find(|(property, _)| **property == **name);
                    if let Some(coercion) = own.map(|(_, coercion)| coercion).or(self.additional.as_deref()) {
                        coercion.apply(value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(coercion) = &self.items {
                    items.iter_mut().for_each(|item| coercion.apply(item));
                }
            }
            _ => {}
        }
        self.all.iter().for_each(|coercion| coercion.apply(value));
        let read = self.branches.iter().find_map(|(coercion, validator)| {
            let mut read = value.clone();
            coercion.apply(&mut read);
            validator.is_valid(&read).then_some(read)
        });
        if let Some(read) = read {
            *value = read;
        }
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn as_type(value: &Value, wanted: &str) -> Option<Value> {
    match (wanted, value) {
        ("number" | "integer", value) => number(value).map(Value::Number).filter(|number| is(number, wanted)),
        ("boolean", Value::Null) => Some(false.into()),
        ("boolean", Value::String(text)) => text.parse::<bool>().ok().map(Value::Bool),
        ("boolean", Value::Number(number)) => match number.as_f64()? {
            0.0 => Some(false.into()),
            1.0 => Some(true.into()),
            _ => None,
        },
        ("string", Value::Number(_)) => Some(json::text(value).into()),
        ("string", Value::Bool(bool)) => Some(bool.to_string().into()),
        ("string", Value::Null) => Some("".into()),
        ("null", Value::Bool(false)) => Some(Value::Null),
        ("null", Value::String(text)) if text.is_empty() => Some(Value::Null),
        ("null", Value::Number(number)) if number.as_f64() == Some(0.0) => Some(Value::Null),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Null => Some(0.into()),
        Value::Bool(bool) => Some(i64::from(*bool).into()),
        Value::String(text) => {
            let text = text.trim();
            // Not what Rust calls numbers besides: "inf", "nan".
            if !text.bytes().any(|byte| byte.is_ascii_digit()) {
                return None;
            }
            match text.parse::<i64>() {
                Ok(whole) => Some(whole.into()),
                Err(_) => json::number(text.parse().ok()?),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn coerced(schema: Value, mut value: Value) -> Value {
        Coercion::of(&schema).unwrap().apply(&mut value);
        value
    }

    #[test]
    fn texts_become_what_the_schema_asks_for() {
        for (wanted, value, read) in [
            ("number", json!("1.5"), json!(1.5)),
            ("number", json!("x"), json!("x")),
            ("number", json!(""), json!("")),
            ("number", json!("inf"), json!("inf")),
            ("number", json!(true), json!(1)),
            ("integer", json!("7"), json!(7)),
            ("integer", json!("7.0"), json!(7)),
            ("string", json!(7.0), json!("7")),
            ("integer", json!("7.5"), json!("7.5")),
            ("boolean", json!("true"), json!(true)),
            ("boolean", json!("yes"), json!("yes")),
            ("boolean", json!(0), json!(false)),
            ("string", json!(5), json!("5")),
            ("null", json!(""), json!(null)),
            ("object", json!("{}"), json!("{}")),
        ] {
            assert_eq!(coerced(json!({"type": wanted}), value.clone()), read, "{wanted} {value}");
        }
    }

    #[test]
    fn what_fits_already_stays() {
        let either = json!({"type": ["string", "number"]});
        assert_eq!(coerced(either.clone(), json!("5")), json!("5"));
        assert_eq!(coerced(either, json!(true)), json!("true"));
    }

    #[test]
    fn the_first_branch_that_accepts_decides() {
        let list = json!({"type": "array", "items": {"type": "number"}});
        let operators = json!({"type": "object", "properties": {"$in": list}});
        let schema = json!({"properties": {"n": {"anyOf": [{"type": "number"}, operators]}}});
        let value = json!({"n": {"$in": ["1", "2"]}});
        assert_eq!(coerced(schema.clone(), value), json!({"n": {"$in": [1, 2]}}));
        assert_eq!(coerced(schema, json!({"n": "3"})), json!({"n": 3}));
    }
}

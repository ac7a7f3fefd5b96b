//! JSON Schemas: from Rust types, and the ones that follow from them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value, json};

/// The schema of what can be read as a `T`: draft 7, without references where `T` is not recursive.
///
/// ```
/// use serde_json::json;
/// use wingbeat::schema::{JsonSchema, json_schema};
///
/// #[derive(JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct NewMessage {
///     #[schemars(length(min = 2))]
///     text: String,
/// }
///
/// let expected = json!({
///     "type": "object",
///     "properties": {"text": {"type": "string", "minLength": 2}},
///     "additionalProperties": false,
///     "required": ["text"],
/// });
/// assert_eq!(json_schema::<NewMessage>(), expected);
/// ```
pub fn json_schema<T: JsonSchema>() -> Value {
    generate::<T>(SchemaSettings::draft07())
}

/// The schema of what a `T` is written as: records, as queries ask for them.
pub(super) fn record_schema<T: JsonSchema>() -> Value {
    generate::<T>(SchemaSettings::draft07().for_serialize())
}

fn generate<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let inlined = settings.with(|settings| settings.inline_subschemas = true).with_transform(plain);
    let mut schema = inlined.into_generator().into_root_schema_for::<T>();
    for name in ["$schema", "title"] {
        schema.remove(name);
    }
    schema.to_value()
}

/// Takes out what only tells the width of a Rust number: clients would not know these formats.
fn plain(schema: &mut schemars::Schema) {
    const WIDTHS: [&str; 14] = [
        "int8", "int16", "int32", "int64", "int128", "int", "uint8", "uint16", "uint32", "uint64", "uint128", "uint",
        "float", "double",
    ];
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| WIDTHS.contains(&format)) {
        schema.remove("format");
    }
    transform_subschemas(&mut plain, schema);
}

/// The same schema for a patch: nothing is required.
pub fn partial(mut schema: Value) -> Value {
    if let Value::Object(members) = &mut schema {
        members.shift_remove("required");
    }
    schema
}

/// The schema of queries over records of a schema: for each property its value or the operators, and the filters
/// `$limit`, `$skip`, `$cursor`, `$sort`, `$select`, `$or`, `$and`. Nothing else is allowed.
pub fn query_syntax(record: &Value) -> Value {
    let none = Map::new();
    let properties = record.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let names: Vec<&String> = properties.keys().collect();
    let tests: Map<String, Value> = properties.iter().map(|(name, schema)| (name.clone(), tests_of(schema))).collect();
    let group = |members: &Map<String, Value>| {
        let item = json!({"type": "object", "additionalProperties": false, "properties": members});
        json!({"type": "array", "items": item})
    };
    let or = group(&tests);
    let mut within_and = tests.clone();
    within_and.insert("$or".into(), or.clone());
    let directions: Map<String, Value> =
        names.iter().map(|name| ((*name).clone(), json!({"type": "number", "enum": [1, -1]}))).collect();
    let mut members = Map::new();
    members.insert("$limit".into(), json!({"type": "number", "minimum": 0}));
    members.insert("$skip".into(), json!({"type": "number", "minimum": 0}));
    members.insert("$cursor".into(), json!({"type": "string"}));
    members.insert("$sort".into(), json!({"type": "object", "properties": directions}));
    let name = if names.is_empty() { json!({"type": "string"}) } else { json!({"type": "string", "enum": names}) };
    members.insert("$select".into(), json!({"type": "array", "maxItems": names.len(), "items": name}));
    members.insert("$or".into(), or);
    members.insert("$and".into(), group(&within_and));
    members.extend(tests);
    json!({"type": "object", "additionalProperties": false, "properties": members})
}

/// Allows one more operator on a field, wherever a [query's schema](query_syntax) has the field. False if it has none.
pub(super) fn allow_operator(schema: &mut Value, field: &str, operator: &str, operand: &Value) -> bool {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return false };
    let operators = properties.get_mut(field).and_then(|tests| tests.pointer_mut("/anyOf/1/properties"));
    let Some(Value::Object(operators)) = operators else { return false };
    operators.insert(operator.into(), operand.clone());
    for group in ["$or", "$and"] {
        if let Some(item) = properties.get_mut(group).and_then(|group| group.get_mut("items")) {
            allow_operator(item, field, operator, operand);
        }
    }
    true
}

/// A property's value, or the operators on it.
fn tests_of(property: &Value) -> Value {
    let mut value = property.clone();
    if let Value::Object(members) = &mut value {
        members.shift_remove("default");
    }
    let list = match value.get("type").and_then(Value::as_str) {
        Some("array") => value.clone(),
        _ => json!({"type": "array", "items": value}),
    };
    let mut operators = Map::new();
    for name in ["$gt", "$gte", "$lt", "$lte", "$ne"] {
        operators.insert(name.into(), value.clone());
    }
    for name in ["$in", "$nin"] {
        operators.insert(name.into(), list.clone());
    }
    json!({"anyOf": [value, {"type": "object", "additionalProperties": false, "properties": operators}]})
}

/// Forbids, or allows again, members that objects do not list, at every depth.
pub(super) fn set_strict(schema: &mut Value, strict: bool) {
    match schema {
        Value::Object(members) => {
            // `properties` itself may hold a property called `properties`.
            for (name, value) in members.iter_mut() {
                match (name.as_str(), value) {
                    ("properties" | "patternProperties" | "definitions" | "$defs", Value::Object(schemas)) => {
                        schemas.values_mut().for_each(|schema| set_strict(schema, strict));
                    }
                    ("const" | "enum" | "default" | "examples", _) => {}
                    (_, value) => set_strict(value, strict),
                }
            }
            let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
            if strict && members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), false.into());
            } else if !strict && closed {
                members.shift_remove("additionalProperties");
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| set_strict(schema, strict)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness_reaches_every_depth_and_can_be_taken_back() {
        let open = json!({"properties": {"properties": {"properties": {"a": {"const": {"properties": {}}}}}}});
        let mut schema = open.clone();
        set_strict(&mut schema, true);
        let inner = json!({"properties": {"a": {"const": {"properties": {}}}}, "additionalProperties": false});
        assert_eq!(schema, json!({"properties": {"properties": inner}, "additionalProperties": false}));
        set_strict(&mut schema, false);
        assert_eq!(schema, open);
    }

    #[test]
    fn without_properties_there_are_only_filters() {
        let query = query_syntax(&json!({"type": "object"}));
        let names: Vec<&String> = query["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["$limit", "$skip", "$cursor", "$sort", "$select", "$or", "$and"]);
    }

    #[test]
    fn the_query_syntax_follows_from_the_properties() {
        let record =
            json!({"type": "object", "properties": {"n": {"type": "number", "default": 1}}, "required": ["n"]});
        let query = query_syntax(&record);
        let operators = &query["properties"]["n"]["anyOf"][1]["properties"];
        assert_eq!(query["properties"]["n"]["anyOf"][0], json!({"type": "number"}));
        assert_eq!(operators["$in"], json!({"type": "array", "items": {"type": "number"}}));
        assert_eq!(query["properties"]["$select"]["items"]["enum"], json!(["n"]));
        assert!(query["properties"]["$and"]["items"]["properties"]["$or"].is_object());
        assert!(query.get("required").is_none());
    }
}

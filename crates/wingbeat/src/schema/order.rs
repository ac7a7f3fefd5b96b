//! In which order AJV would have found the errors.

use serde_json::Value;

/// AJV's keywords in the order it checks them.
const KEYWORDS: [&str; 32] = [
    "type",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "$ref",
    "const",
    "enum",
    "not",
    "anyOf",
    "oneOf",
    "allOf",
    "if",
    "then",
    "else",
    "maxItems",
    "minItems",
    "uniqueItems",
    "additionalItems",
    "items",
    "contains",
    "maxProperties",
    "minProperties",
    "required",
    "propertyNames",
    "additionalProperties",
    "properties",
];

/// Where an error stands among others: the places of its keywords, properties and elements, from the outside in.
pub(super) fn place(schema: &Value, schema_path: &str, instance_path: &str) -> Vec<usize> {
    let mut elements = instance_path.split('/').skip(1);
    let mut here = schema;
    // Whether the next step is a name that the schema gives, or one of JSON Schema's own.
    let mut named = false;
    let mut places = Vec::new();
    for step in schema_path.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let keyword = !named && here.is_object();
        let index = match here {
            Value::Object(members) if named => members.keys().position(|name| *name == step),
            Value::Array(_) => step.parse().ok(),
            _ => KEYWORDS.iter().position(|keyword| **keyword == *step),
        };
        places.push(index.unwrap_or(usize::MAX));
        if named {
            // A property: one step into the value.
            elements.next();
        }
        named = keyword && matches!(&*step, "properties" | "patternProperties" | "definitions" | "$defs");
        if keyword && matches!(&*step, "items" | "additionalProperties") {
            // The same keyword for many values: the first value counts.
            places.push(elements.next().and_then(|element| element.parse().ok()).unwrap_or_default());
        }
        here = match here {
            Value::Object(members) => members.get(&step).unwrap_or(&Value::Null),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)).unwrap_or(&Value::Null),
            _ => &Value::Null,
        };
    }
    places
}

/// How many parts a value has, if no more than `most`.
pub(super) fn weight(value: &Value, most: usize) -> Option<usize> {
    let inner = |count: usize, value: &Value| weight(value, most - count).map(|weight| count + weight);
    match value {
        _ if most == 0 => None,
        Value::Array(items) => items.iter().try_fold(1, inner),
        Value::Object(members) => members.values().try_fold(1, inner),
        _ => Some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outer_keywords_come_before_inner_ones_and_elements_in_turn() {
        let schema = json!({
            "required": ["b"],
            "properties": {
                "b": {"type": "string"},
                "a": {"items": {"properties": {"x": {"type": "number", "minimum": 1}}}},
            },
        });
        let errors = [
            ("/required", ""),
            ("/properties/b/type", "/b"),
            ("/properties/a/items/properties/x/minimum", "/a/0/x"),
            ("/properties/a/items/properties/x/type", "/a/1/x"),
        ];
        let places: Vec<_> = errors.iter().map(|(schema_path, path)| place(&schema, schema_path, path)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn large_values_are_not_counted_out() {
        assert_eq!(weight(&json!([1, {"a": 2}]), 4), Some(4));
        assert_eq!(weight(&json!([1, {"a": 2}]), 3), None);
        assert_eq!(weight(&json!(vec![1; 100_000]), 1000), None);
    }
}

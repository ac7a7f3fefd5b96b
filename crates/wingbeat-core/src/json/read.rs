//! From JSON to values.

use super::depth::within_depth;
use super::number::plain_value;
use super::plain::plain;
use crate::{Error, Result};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// Reads text that is known to be JSON, and not too deep, as a value of type `T`.
///
/// # Errors
/// BadRequest if it does not fit.
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    let json = plain(json);
    let reader = || {
        let mut reader = serde_json::Deserializer::from_str(&json);
        // The parser's own limit is lower than ours, which text from outside has passed by now.
        reader.disable_recursion_limit();
        reader
    };
    let mut reading = reader();
    let value = T::deserialize(&mut reading).map_err(|error| unfit::<T, _>(&mut reader(), &error))?;
    reading.end().map_err(|error| read_error(&error, ""))?;
    Ok(value)
}

/// Reads text from outside as a value of type `T`.
///
/// # Errors
/// BadRequest if it is not JSON, nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or does not fit.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    if !within_depth(json.as_bytes()) {
        return Err(Error::bad_request("Invalid data: it nests too deep"));
    }
    read(json)
}

/// Reads a tree as a value of type `T`.
///
/// # Errors
/// BadRequest if it does not fit.
pub fn read_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    // A hook or a store may have calculated what is in it.
    let plain = plain_value(value);
    let value = plain.as_ref().unwrap_or(value);
    T::deserialize(value).map_err(|error| unfit::<T, _>(value, &error))
}

/// What is wrong with data that could not be read as a `T`. It is read once more, to find out where.
fn unfit<'de, T, D>(again: D, error: &serde_json::Error) -> Error
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    match serde_path_to_error::deserialize::<_, T>(again).err().map(|error| error.path().to_string()) {
        // The root has no name.
        Some(path) if path != "." => read_error(error, &format!("{path}: ")),
        _ => read_error(error, ""),
    }
}

fn read_error(error: &serde_json::Error, place: &str) -> Error {
    // Where in the text helps nobody: clients have sent a value, and users read the message.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    Error::bad_request(format!("Invalid data: {place}{}", text.strip_suffix(&position).unwrap_or(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::{BTreeMap, HashMap};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
        Fraction(f64),
        Item { id: u8 },
        Rest(Value),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Sized { size: u16 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Order {
        amount: u32,
        price: f64,
        note: Option<i8>,
        wide: i128,
        either: Vec<Either>,
        tagged: Tagged,
        point: (i64, u64),
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }

    const ORDER: &str = r#"{"amount":2e0,"price":3,"note":-0,"wide":1.0,"either":[1.0,"\ud83d1.0",1.5,{"id":7.0},{"id":-1.0}],"tagged":{"size":1e2,"kind":"Sized"},"point":[-1.0,1.0],"more":5.0}"#;

    #[test]
    fn whole_numbers_fit_integers_wherever_they_are() {
        let either = [
            Either::Number(1),
            Either::Text("\u{fffd}1.0".into()),
            Either::Fraction(1.5),
            Either::Item { id: 7 },
            Either::Rest(json!({"id": -1})),
        ];
        let order = Order {
            amount: 2,
            price: 3.0,
            note: Some(0),
            wide: 1,
            either: either.into(),
            tagged: Tagged::Sized { size: 100 },
            point: (-1, 1),
            rest: BTreeMap::from([("more".into(), 5)]),
        };
        assert_eq!(read::<Order>(ORDER).unwrap(), order);
        let mut tree: Value = serde_json::from_str(&ORDER.replace(r"\ud83d", "\u{fffd}")).unwrap();
        tree["wide"] = json!(1);
        assert_eq!(read_value::<Order>(&tree).unwrap(), order);
    }

    #[test]
    fn a_value_has_integers_where_javascript_has_them() {
        assert_eq!(read::<Value>("[1.0,-0,1.5]").unwrap(), json!([1, 0, 1.5]));
        assert_eq!(read::<HashMap<String, u8>>(r#"{"\ud800":1.0,"\ud801":2.0}"#).unwrap()["\u{fffd}"], 2);
    }

    #[test]
    fn what_is_not_whole_or_too_large_is_said_with_its_place() {
        for (json, message) in [
            ("[1,1.5]", "[1]: invalid type: floating point `1.5`, expected i64"),
            ("[1.0,1e300]", "[1]: invalid type: floating point `1e+300`, expected i64"),
            ("[1e19]", "[0]: invalid value: integer `10000000000000000000`, expected i64"),
            ("[1e400]", "[0]: number out of range"),
        ] {
            assert_eq!(read::<Vec<i64>>(json).unwrap_err().message(), format!("Invalid data: {message}"));
        }
        assert_eq!(read::<i64>("9007199254740993").unwrap(), 9_007_199_254_740_993);
    }

    #[test]
    fn text_from_outside_may_be_anything() {
        for bad in ["", "{", "01.0", "[1.0] 2", &"[".repeat(100_000)] {
            assert_eq!(parse::<Value>(bad).unwrap_err().code(), 400, "{bad:.10}");
        }
        assert_eq!(parse::<Value>(r#"{"a":"\ud83d"}"#).unwrap(), json!({"a": "\u{fffd}"}));
    }
}

//! Numbers that are whole.

use serde_json::{Number, Value};

/// The number as JSON values have it: an integer, if it is whole. `None` if it is not finite.
pub fn number(float: f64) -> Option<Number> {
    // Every whole number from -2^63 up to 2^64 is an integer; casts saturate at the ends.
    match float {
        _ if !is_whole(float) => Number::from_f64(float),
        _ if (i64::MIN as f64..i64::MAX as f64).contains(&float) => Some((float as i64).into()),
        _ if (0.0..u64::MAX as f64).contains(&float) => Some((float as u64).into()),
        _ => Number::from_f64(float),
    }
}

/// Whether JavaScript prints the number like an integer.
pub(super) fn is_whole(float: f64) -> bool {
    // What is infinite or no number has no fraction of 0 either, or is too large.
    float.fract() == 0.0 && float.abs() < 1e21
}

/// The tree with integers for the numbers that are whole; `None` if nothing is to change.
pub(super) fn plain_value(value: &Value) -> Option<Value> {
    fn settle(value: &mut Value) {
        match value {
            Value::Number(whole) if is_odd(whole) => {
                if let Some(integer) = whole.as_f64().and_then(number) {
                    *whole = integer;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(settle),
            Value::Object(members) => members.values_mut().for_each(settle),
            _ => {}
        }
    }
    fn is_settled(value: &Value) -> bool {
        match value {
            Value::Number(number) => !is_odd(number),
            Value::Array(items) => items.iter().all(is_settled),
            Value::Object(members) => members.values().all(is_settled),
            _ => true,
        }
    }
    (!is_settled(value)).then(|| {
        let mut settled = value.clone();
        settle(&mut settled);
        settled
    })
}

fn is_odd(number: &Number) -> bool {
    number.is_f64() && number.as_f64().is_some_and(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_is_an_integer_as_long_as_there_are_some() {
        let integer = |float: f64| number(float).map(|number| (number.is_f64(), number.to_string()));
        assert_eq!(integer(-0.0), Some((false, "0".into())));
        assert_eq!(integer(-9223372036854775808.0), Some((false, "-9223372036854775808".into())));
        assert_eq!(integer(9223372036854775808.0), Some((false, "9223372036854775808".into())));
        assert_eq!(integer(18446744073709551616.0).map(|found| found.0), Some(true));
        assert_eq!(integer(1.5).map(|found| found.0), Some(true));
        assert_eq!((integer(f64::NAN), integer(f64::INFINITY)), (None, None));
    }

    #[test]
    fn a_tree_is_settled_as_its_text_is() {
        let tree = json!({"a": [1.0, 1.5, {"b": -0.0}], "c": "1.0", "d": 1e300});
        assert_eq!(plain_value(&tree), Some(json!({"a": [1, 1.5, {"b": 0}], "c": "1.0", "d": 1e300})));
        assert_eq!(plain_value(&json!([1, 1.5, "x", null])), None);
    }
}

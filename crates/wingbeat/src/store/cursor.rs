//! `$cursor`: text that says behind which record a page begins.

use super::SortKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;
use wingbeat_core::{Error, Result};

pub(super) const NAME: &str = "$cursor";

/// Behind which values of the keys a page begins; empty text is the beginning.
///
/// Nothing is signed: it says no more than conditions on the keys would.
///
/// # Errors
/// BadRequest if it is no cursor, or one of another order.
pub(super) fn read(cursor: &Value, keys: &[SortKey]) -> Result<Vec<Value>> {
    let Some(text) = cursor.as_str() else {
        return Err(Error::bad_request("Invalid $cursor: it must be text, empty for the first page"));
    };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let json = BASE64URL.decode(text).ok();
    let read = json.and_then(|json| serde_json::from_slice::<(Vec<String>, Vec<Value>)>(&json).ok());
    let Some((order, values)) = read.filter(|(order, values)| order.len() == values.len()) else {
        return Err(invalid());
    };
    if order != names(keys) {
        return Err(Error::bad_request("Invalid $cursor: it was made for another $sort"));
    }
    Ok(values)
}

/// The cursor of what is behind these values of the keys.
pub(super) fn write(keys: &[SortKey], values: &[Value]) -> Result<String> {
    Ok(BASE64URL.encode(serde_json::to_vec(&(names(keys), values))?))
}

pub(super) fn invalid() -> Error {
    Error::bad_request("Invalid $cursor: write what a page has as `next`, or \"\" for the first page")
}

/// That a query cannot be paged by a key of its order.
pub(super) fn unpaged(key: &SortKey) -> Error {
    let why = "it is not a field that holds plain values only";
    Error::bad_request(format!("Invalid $cursor: it can not be made of '{}': {why}", key.path))
}

fn names(keys: &[SortKey]) -> Vec<String> {
    keys.iter().map(|key| format!("{}{}", if key.descending { '-' } else { '+' }, key.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Path;
    use proptest::prelude::*;
    use serde_json::json;

    fn keys() -> [SortKey; 2] {
        [SortKey::descending(Path::new("at")), SortKey::ascending(Path::new("id"))]
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for values in [[json!("2026"), json!(7)], [json!(null), json!("\"é\\")], [json!(-0.1), json!(u64::MAX)]] {
            let text = write(&keys(), &values).unwrap();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert_eq!(read(&text.into(), &keys()).unwrap(), values);
        }
        assert!(read(&json!(""), &keys()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_cursor_of_this_order_is_refused() {
        let [at, id] = keys();
        for other in [vec![at.clone()], vec![id.clone(), at.clone()], vec![SortKey::ascending(Path::new("at")), id]] {
            let cursor = write(&other, &vec![json!(1); other.len()]).unwrap();
            let error = read(&cursor.into(), &keys()).unwrap_err();
            assert_eq!((error.code(), error.message()), (400, "Invalid $cursor: it was made for another $sort"));
        }
        let short = BASE64URL.encode(r#"[["-at","+id"],[1]]"#);
        let deep = BASE64URL.encode(format!(r#"[["-at","+id"],[1,{}]]"#, "[".repeat(100_000)));
        for cursor in [json!(null), json!(1), json!([]), json!("!"), json!("W10"), json!(short), json!(deep)] {
            assert_eq!(read(&cursor, &keys()).unwrap_err().code(), 400, "{cursor}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[A-Za-z0-9_-]{0,40}") {
            if let Err(error) = read(&text.into(), &keys()) {
                prop_assert_eq!(error.code(), 400);
            }
        }
    }
}

//! Bytes inside JSON values.
//!
//! On the wire bytes travel beside the JSON, which holds placeholders for them. In a [`Value`], which has no room for
//! anything beside it, they stand where they belong, as an object with one [member of its own](MARK): so they survive
//! whatever happens to the value, a store included, and are found again when it is written.

use crate::objects::{find, replace};
use crate::placeholder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use memchr::memmem::Finder;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

/// The member that holds the bytes, as base64.
const MARK: &str = "$wingbeat.bytes";

/// Bytes in data, results and events, wherever they are nested: a `Buffer` or `ArrayBuffer` to JavaScript.
///
/// Clients get them as Socket.IO attachments. In a [`Value`] and in other people's JSON they are an object that holds
/// base64, which Wingbeat recognises when it writes the value.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat_core::{Binary, RawJson};
///
/// #[derive(Debug, PartialEq, Deserialize, Serialize)]
/// struct Picture {
///     name: String,
///     content: Binary,
/// }
///
/// let picture = Picture { name: "dot".into(), content: Binary::from(vec![1, 2, 3]) };
/// let written = RawJson::new(&picture)?;
/// assert_eq!(written.as_bytes(), br#"{"name":"dot","content":{"_placeholder":true,"num":0}}"#);
/// assert_eq!(written.attachments(), [&[1, 2, 3][..]]);
/// assert_eq!(written.to::<Picture>()?, picture);
/// # Ok::<(), wingbeat_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is the bytes, under another name")]
pub struct Binary(pub Bytes);

impl Binary {
    /// The bytes that a value is, if it is bytes.
    pub fn from_value(value: &Value) -> Option<Binary> {
        match value {
            Value::Object(map) if map.len() == 1 => {
                STANDARD.decode(map.get(MARK)?.as_str()?).ok().map(|bytes| Binary(bytes.into()))
            }
            _ => None,
        }
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Binary {
        Binary(bytes.into())
    }
}

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Binary {
        Binary(bytes)
    }
}

impl From<&[u8]> for Binary {
    fn from(bytes: &[u8]) -> Binary {
        Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Binary> for Value {
    fn from(binary: Binary) -> Value {
        Value::Object(Map::from_iter([(MARK.to_owned(), Value::String(STANDARD.encode(&binary.0)))]))
    }
}

impl Deref for Binary {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&self.0);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(MARK, &STANDARD.encode(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Binary, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Binary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Binary, E> {
                Ok(bytes.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Binary, A::Error> {
                let other = || A::Error::custom("invalid type: map, expected bytes");
                let Some((name, text)) = map.next_entry::<String, String>()? else { return Err(other()) };
                if name != MARK || map.next_key::<String>()?.is_some() {
                    return Err(other());
                }
                STANDARD.decode(text).map(Binary::from).map_err(|_| A::Error::custom("invalid base64"))
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_map(Form)
        } else {
            deserializer.deserialize_bytes(Form)
        }
    }
}

/// Whether bytes may be among what was written: nearly never.
pub(crate) fn is_marked(text: &[u8]) -> bool {
    static MARKED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
    // Most results have no dollar in them, which is found out in a fifth of the time.
    memchr::memchr(b'$', text).is_some_and(|at| MARKED.find(&text[at..]).is_some())
}

/// Takes the bytes out of a JSON text and leaves placeholders.
pub(crate) fn extract(json: &[u8]) -> (Vec<u8>, Vec<Bytes>) {
    let found = find(json, [MARK, ""], |object| match object.values {
        [Some(base64), _] if object.members == 1 => {
            STANDARD.decode(serde_json::from_slice::<String>(base64).ok()?).ok().map(Bytes::from)
        }
        _ => None,
    });
    let mut attachments = Vec::new();
    let text = replace(json, found, |out, bytes| {
        placeholder::write(out, attachments.len());
        attachments.push(bytes);
    });
    (text, attachments)
}

/// Writes bytes as they stand in a value.
pub(crate) fn write_marked(out: &mut Vec<u8>, bytes: &Bytes) {
    out.extend_from_slice(br#"{""#);
    out.extend_from_slice(MARK.as_bytes());
    out.extend_from_slice(br#"":""#);
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.extend_from_slice(br#""}"#);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_stay_bytes_in_a_value() {
        let binary = Binary::from(vec![0, 255, 7]);
        let value = json!({"deep": [binary]});
        assert_eq!(value["deep"][0], Value::from(binary.clone()));
        assert_eq!(Binary::from_value(&value["deep"][0]), Some(binary.clone()));
        assert_eq!(Binary::deserialize(&value["deep"][0]).unwrap(), binary);
    }

    #[test]
    fn what_only_looks_like_bytes_is_left_alone() {
        for other in [json!({MARK: "no base64!"}), json!({MARK: "AA==", "more": 1}), json!({MARK: 7}), json!({})] {
            let text = other.to_string();
            assert_eq!(extract(text.as_bytes()), (text.into_bytes(), Vec::new()));
            assert!(Binary::deserialize(&other).is_err());
        }
        assert!(serde_json::from_value::<Binary>(json!("AA==")).is_err());
    }
}

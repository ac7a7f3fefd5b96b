//! Bytes inside JSON: they travel as attachments, and a placeholder says where they belong.

use bytes::Bytes;
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;

/// Bytes that a call sends or receives as a Socket.IO attachment, as JavaScript's buffers do.
///
/// ```
/// use wingbeat_client::Binary;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Picture {
///     name: String,
///     content: Binary,
/// }
/// ```
/// Outside of calls and events it has no form: serialising or deserialising it elsewhere is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Bytes);

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Binary {
        Binary(bytes.into())
    }
}

// Serde has no room for what goes beside the text, so it lies here while one value is written or read.
thread_local! {
    static WRITTEN: RefCell<Option<Vec<Bytes>>> = const { RefCell::new(None) };
    static RECEIVED: RefCell<Option<Vec<Bytes>>> = const { RefCell::new(None) };
}

/// Runs `write`, and collects the bytes that it meets behind those that are there already.
pub(crate) fn collect<R>(before: Vec<Bytes>, write: impl FnOnce() -> R) -> (R, Vec<Bytes>) {
    let outer = WRITTEN.replace(Some(before));
    let result = write();
    (result, WRITTEN.replace(outer).unwrap_or_default())
}

/// Runs `read`, which finds these attachments.
pub(crate) fn with_attachments<R>(attachments: &[Bytes], read: impl FnOnce() -> R) -> R {
    if attachments.is_empty() {
        return read();
    }
    let outer = RECEIVED.replace(Some(attachments.to_vec()));
    let result = read();
    RECEIVED.set(outer);
    result
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let num = WRITTEN.with_borrow_mut(|written| {
            let written = written.as_mut()?;
            written.push(self.0.clone());
            Some(written.len() - 1)
        });
        let num = num.ok_or_else(|| S::Error::custom("binary data travels only in calls and events"))?;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("_placeholder", &true)?;
        map.serialize_entry("num", &num)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Binary, D::Error> {
        #[derive(Deserialize)]
        struct Placeholder {
            #[serde(rename = "_placeholder")]
            placeholder: bool,
            num: usize,
        }
        let Placeholder { placeholder, num } = Placeholder::deserialize(deserializer)?;
        let found = RECEIVED.with_borrow(|received| received.as_ref()?.get(num).cloned());
        found.filter(|_| placeholder).map(Binary).ok_or_else(|| D::Error::custom("no such attachment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_a_placeholder_and_come_back() {
        let value = (1, Binary(Bytes::from_static(b"ab")), vec![Binary::default()]);
        let (json, attachments) = collect(vec![Bytes::from_static(b"first")], || serde_json::to_string(&value));
        let json = json.unwrap();
        assert_eq!(json, r#"[1,{"_placeholder":true,"num":1},[{"_placeholder":true,"num":2}]]"#);
        let back: (i32, Binary, Vec<Binary>) = with_attachments(&attachments, || serde_json::from_str(&json)).unwrap();
        assert_eq!(back, value);
    }

    #[test]
    fn outside_of_a_call_there_is_no_binary() {
        assert!(serde_json::to_string(&Binary::default()).is_err());
        assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
        let attachments = [Bytes::new()];
        let read = |json| with_attachments(&attachments, || serde_json::from_str::<Binary>(json));
        assert!(
            read(r#"{"_placeholder":true,"num":1}"#).is_err() && read(r#"{"_placeholder":false,"num":0}"#).is_err()
        );
    }
}

//! One record, several shapes: what clients read and what they write.

use crate::Schemas;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record of which clients read and write only parts, said once.
///
/// Derive it for the struct of a record as it is stored, which has serde's derives as well. That makes two structs beside
/// it, or three:
///
/// | | |
/// |---|---|
/// | `MessageData` | what clients write to make one |
/// | `MessagePatch` | what they change: every field is an `Option`, and what is absent stays |
/// | `MessageItem` | what they see, if they do not see all of it |
///
/// Fields say who may do what with them. Without an attribute clients read and write them.
///
/// | | |
/// |---|---|
/// | `#[record(id)]` | made by the server, like `read_only` |
/// | `#[record(read_only)]` | clients never write it: `createdAt`, `userId` |
/// | `#[record(write_only)]` | clients never read it: `password` |
/// | `#[record(immutable)]` | clients write it when they create a record, and not afterwards |
///
/// Data and patches refuse fields that they do not have. Serde's attributes count for all shapes (`flatten`, `skip` and
/// the like are errors), documentation is carried over. The shapes are `Clone` and `Debug`, which shows no `write_only`
/// fields; patches are `Default`.
///
/// On the struct, `#[record(derive(PartialEq))]` lets the shapes derive more, `#[record(schema)]` lets them derive
/// `JsonSchema` (by `wingbeat` with its feature `schema`), and `#[record(crate = wingbeat_core)]` says where Wingbeat is,
/// if not at `::wingbeat`: a crate that server and client share needs only `wingbeat-core` with the feature `derive`.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use serde::{Deserialize, Serialize};
/// use wingbeat_core::{Definition, Record};
///
/// /// Something that was said.
/// #[derive(Serialize, Deserialize, Record)]
/// #[serde(rename_all = "camelCase")]
/// #[record(crate = wingbeat_core)]
/// struct Message {
///     #[record(id)]
///     id: i64,
///     text: String,
///     #[record(read_only)]
///     user_id: i64,
/// }
///
/// struct Messages;
///
/// impl Definition for Messages {
///     type Item = Message;
///     type Data = MessageData;
///     type Patch = MessagePatch;
///     type Query = Message;
///     const PATH: &'static str = "messages";
/// }
///
/// let hello = MessageData { text: "Hello".into() };
/// assert_eq!(serde_json::to_string(&hello)?, r#"{"text":"Hello"}"#);
/// let error = serde_json::from_str::<MessageData>(r#"{"text":"Hello","userId":1}"#).unwrap_err();
/// assert!(error.to_string().starts_with("unknown field `userId`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub trait Record {
    /// The record as clients see it; itself where they see all of it.
    type Item: Serialize + DeserializeOwned + Send;
    /// What clients write to make one; it refuses fields that it does not have.
    type Data: Serialize + DeserializeOwned + Send;
    /// What clients change in one; it refuses fields that it does not have.
    type Patch: Serialize + DeserializeOwned + Send;
    /// The name of the field that identifies it, if the server makes that.
    const ID: Option<&'static str> = None;
    /// The fields that clients never write, the id included.
    const READ_ONLY: &'static [&'static str];
    /// The fields that clients write when they create a record, and not afterwards.
    const IMMUTABLE: &'static [&'static str];
    /// The fields that clients write and never read.
    const WRITE_ONLY: &'static [&'static str];

    /// The JSON Schemas of its shapes, if they have any.
    fn schemas() -> Schemas {
        Schemas::default()
    }
}

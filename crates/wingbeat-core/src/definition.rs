//! What a server and its clients agree on about one service.

/// A service as both ends know it: where it is, what it can do, and what travels.
///
/// It lives in a crate that server and client share. The server mounts by it (`Mount::defined`), a client calls by it
/// (`client.defined::<Messages>()`).
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat_core::Definition;
///
/// #[derive(Serialize, Deserialize)]
/// struct Message {
///     id: i64,
///     text: String,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct NewMessage {
///     text: String,
/// }
///
/// struct Messages;
///
/// impl Definition for Messages {
///     type Item = Message;
///     type Data = NewMessage;
///     type Patch = NewMessage;
///     type Query = Message;
///     const PATH: &'static str = "messages";
///     const METHODS: &'static [&'static str] = &["find", "create", "archive"];
///     const EVENTS: &'static [&'static str] = &["typing"];
/// }
/// ```
pub trait Definition {
    /// A record, as it goes out.
    type Item;
    /// What create and update take.
    type Data;
    /// What patch takes.
    type Patch;
    /// The fields that queries may match; often those of [`Item`](Definition::Item).
    type Query;
    /// The path under which the service is mounted.
    const PATH: &'static str;
    /// The methods that clients may call, those of the service's own included; all standard ones unless it says otherwise.
    const METHODS: &'static [&'static str] = &["find", "get", "create", "update", "patch", "remove"];
    /// The events that the service sends by itself, beside those of its methods.
    const EVENTS: &'static [&'static str] = &[];
}

//! What a server and its clients agree on about one service.

/// A service as both ends know it: where it is, and what its records are.
///
/// It lives in a crate that server and client share.
///
/// ```
/// use wingbeat_core::Definition;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Message {
///     text: String,
/// }
///
/// struct Messages;
///
/// impl Definition for Messages {
///     type Item = Message;
///     const PATH: &'static str = "messages";
/// }
/// ```
pub trait Definition {
    /// A record, as it goes out.
    type Item;
    /// The path under which the service is mounted.
    const PATH: &'static str;
}

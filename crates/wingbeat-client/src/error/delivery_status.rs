//! What became of a call that failed.

use super::Error;

/// What became of a failed call: whether the server may have executed it. [`Error::delivery_status`] tells.
///
/// ```no_run
/// # async fn example(orders: wingbeat_client::Service) {
/// use wingbeat_client::DeliveryStatus;
///
/// if let Err(error) = orders.create(&serde_json::json!({"article": 7})).await {
///     match error.delivery_status() {
///         DeliveryStatus::Answered => println!("the server says no: {error}"),
///         DeliveryStatus::NotSent => println!("nothing happened; try again"),
///         DeliveryStatus::Unknown => println!("look whether the order is there before you repeat it"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "programs decide by it, and are to look at each")]
pub enum DeliveryStatus {
    /// The server answered: with an error, or with something that could not be read.
    Answered,
    /// The call never left this process.
    NotSent,
    /// The call left, and no answer came: it may or may not have been executed.
    Unknown,
}

impl DeliveryStatus {
    /// That of the call which has failed so: [`Error::delivery_status`].
    pub fn of(error: &Error) -> DeliveryStatus {
        error.delivery_status()
    }
}

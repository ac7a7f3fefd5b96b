//! What became of a call that failed.

use crate::Error;

/// What became of a failed call: whether the server may have executed it. [`Error::fate`] tells.
///
/// ```no_run
/// # async fn example(orders: wingbeat_client::Service) {
/// use wingbeat_client::Fate;
///
/// if let Err(error) = orders.create(&serde_json::json!({"article": 7})).await {
///     match error.fate() {
///         Fate::Answered => println!("the server says no: {error}"),
///         Fate::NotSent => println!("nothing happened; try again"),
///         Fate::Unknown => println!("look whether the order is there before you repeat it"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The server answered: with an error, or with something that could not be read.
    Answered,
    /// The call never left this process.
    NotSent,
    /// The call left, and no answer came: it may or may not have been executed.
    Unknown,
}

impl Fate {
    /// That of the call which has failed so: [`Error::fate`].
    pub fn of(error: &Error) -> Fate {
        error.fate()
    }
}

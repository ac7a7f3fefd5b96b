//! What became of a call that failed.

use crate::transport::TooLarge;
use std::fmt;
use std::time::Duration;
use wingbeat_core::Error;

/// What became of a failed call: whether the server may have executed it.
///
/// ```no_run
/// # async fn example(orders: wingbeat_client::Service) {
/// use wingbeat_client::Fate;
///
/// if let Err(error) = orders.create(&serde_json::json!({"article": 7})).await {
///     match Fate::of(&error) {
///         Fate::Answered => println!("the server says no: {error}"),
///         Fate::NotSent => println!("nothing happened; try again"),
///         Fate::Unknown => println!("look whether the order is there before you repeat it"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The server answered: the error is its own.
    Answered,
    /// The call never left this process.
    NotSent,
    /// The call left, and no answer came: it may or may not have been executed.
    Unknown,
}

impl Fate {
    /// The fate of a call that failed with this error.
    pub fn of(error: &Error) -> Fate {
        Cause::of(error).map_or(Fate::Answered, |cause| cause.fate)
    }
}

/// The source of every error that arises in the client.
#[derive(Debug)]
struct Cause {
    fate: Fate,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fate {
            Fate::Answered => "the server answered",
            Fate::NotSent => "the call was not sent",
            Fate::Unknown => "the call was sent; whether it was executed is unknown",
        })
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Cause {
    fn of(error: &Error) -> Option<&Cause> {
        error.source()?.downcast_ref()
    }
}

/// Notes what became of a call whose hooks have failed with this error. It may be another one's, which a hook has made
/// besides or instead: what is less safe to repeat counts.
pub(crate) fn hooked(error: Error, call: Fate) -> Error {
    let own = Cause::of(&error).map_or(call, |cause| cause.fate);
    let fate = match (call, own) {
        (Fate::Unknown, _) | (_, Fate::Unknown) => Fate::Unknown,
        (Fate::Answered, _) | (_, Fate::Answered) => Fate::Answered,
        (Fate::NotSent, Fate::NotSent) => Fate::NotSent,
    };
    if fate == Fate::of(&error) { error } else { fated(error, fate) }
}

/// Notes what became of the call.
pub(crate) fn fated(error: Error, fate: Fate) -> Error {
    error.with_source(Cause { fate, source: None })
}

/// A copy, for another call that shares the fate of the first.
pub(crate) fn copy(error: &Error, fate: Fate) -> Error {
    let mut copy = Error::new(error.kind(), error.message().to_owned());
    if let Some(data) = error.data() {
        copy = copy.with_data(data.clone());
    }
    if let Some(errors) = error.errors() {
        copy = copy.with_errors(errors.clone());
    }
    if fate == Fate::Answered { copy } else { fated(copy, fate) }
}

/// The connection could not be made, or was lost, for this reason.
pub(crate) fn unavailable(
    message: impl Into<std::borrow::Cow<'static, str>>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::unavailable(message).with_source(Cause { fate: Fate::NotSent, source: Some(source.into()) })
}

/// There is no task any more that could do anything.
pub(crate) fn closed() -> Error {
    fated(Error::unavailable("The client is closed"), Fate::NotSent)
}

/// What the caller gave has no JSON form.
pub(crate) fn unwritable(error: impl Into<Error>) -> Error {
    let error = error.into();
    // The caller's own program reads it: the cause is no secret here.
    let why = error.source().map_or_else(|| error.message().to_owned(), ToString::to_string);
    fated(Error::bad_request(format!("It has no JSON form: {why}")), Fate::NotSent)
}

/// The server would not accept it, and close the connection.
pub(crate) fn too_large(TooLarge { size, limit }: TooLarge) -> Error {
    let message = format!("Too large: the message has {size} bytes, and the server accepts {limit} (maxPayload)");
    let data = serde_json::json!({ "size": size, "limit": limit });
    fated(Error::bad_request(message).with_data(data), Fate::NotSent)
}

/// No answer came in time.
pub(crate) fn timed_out(timeout: Duration, fate: Fate) -> Error {
    let what = if fate == Fate::Unknown { "No answer within" } else { "Not sent within" };
    fated(Error::timeout(format!("{what} {timeout:?}")), fate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_knows_its_fate() {
        assert_eq!(Fate::of(&Error::bad_request("no")), Fate::Answered);
        assert_eq!(Fate::of(&fated(Error::unavailable("lost"), Fate::Unknown)), Fate::Unknown);
        assert_eq!(Fate::of(&unavailable("refused", "os error")), Fate::NotSent);
    }

    #[test]
    fn a_copy_says_the_same() {
        let error = Error::not_authenticated("Invalid login").with_data(serde_json::json!({"a": 1}));
        let copy = copy(&error, Fate::NotSent);
        assert_eq!((copy.kind(), copy.message(), copy.data()), (error.kind(), error.message(), error.data()));
        assert_eq!(Fate::of(&copy), Fate::NotSent);
    }
}

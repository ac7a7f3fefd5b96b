//! What can go wrong for a client.

mod delivery_status;
mod foreign;
mod problem;

pub use delivery_status::DeliveryStatus;
pub(crate) use foreign::Foreign;
pub use problem::Problem;

use serde_json::Value;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{ErrorKind, Escaped};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what has to be done about it.
///
/// ```no_run
/// # async fn example(orders: wingbeat_client::Service) {
/// use wingbeat_client::Error;
///
/// match orders.create(&serde_json::json!({"article": 7})).await {
///     Ok(order) => println!("ordered: {order}"),
///     Err(Error::Answered(error)) => println!("the server says no: {}", error.message()),
///     Err(Error::Unanswered(_)) => println!("look whether the order is there before you repeat it"),
///     Err(error) => println!("nothing was ordered: {error}"),
/// }
/// # }
/// ```
///
/// [`delivery_status`](Error::delivery_status) tells of every one of them whether the server may have executed the call.
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// The server answered the call with this error.
    Answered(wingbeat_core::Error),
    /// The server does not let this client in, or not into this namespace, and said so.
    Refused(wingbeat_core::Error),
    /// The client is not connected, and is not trying to connect. Calls fail with it as well: they were not sent.
    NotConnected(Problem),
    /// The call was not sent: it did not get its turn in time, too many calls wait already, a login that it waited for
    /// has failed, or, over REST, there is no connection to be had.
    NotSent(Problem),
    /// The message is larger than the server accepts, so it was not sent.
    #[non_exhaustive]
    TooLarge {
        /// How many bytes the message has.
        size: usize,
        /// How many the server accepts ([`announced_max_payload`](crate::Client::announced_max_payload)).
        limit: usize,
    },
    /// The call was sent and no answer came. Nobody knows whether it was executed.
    Unanswered(Problem),
    /// The server has answered, or sent an event, and what it sent cannot be read as the type that was asked for.
    Unreadable(Problem),
    /// This listener was slow: so many events before the next one are lost to it.
    Missed(u64),
    /// What the program asks for cannot be: an option, an address, or an argument is wrong.
    Invalid(Problem),
    /// The [`Storage`](crate::Storage) has no token to log in with.
    NotLoggedIn,
    /// A hook or the [`Storage`](crate::Storage) has failed.
    #[non_exhaustive]
    Other {
        /// What became of the call.
        delivery_status: DeliveryStatus,
        /// What failed.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The client is closed.
    Closed,
}

impl Error {
    /// An error of a hook or of a [`Storage`](crate::Storage).
    pub fn other(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::Other { delivery_status: DeliveryStatus::NotSent, source: source.into().into() }
    }

    /// Whether the server may have executed the call.
    pub fn delivery_status(&self) -> DeliveryStatus {
        match self {
            Error::Answered(_) | Error::Unreadable(_) | Error::Missed(_) => DeliveryStatus::Answered,
            Error::Unanswered(_) => DeliveryStatus::Unknown,
            Error::Other { delivery_status, .. } => *delivery_status,
            Error::Refused(_)
            | Error::NotConnected(_)
            | Error::NotSent(_)
            | Error::TooLarge { .. }
            | Error::Invalid(_)
            | Error::NotLoggedIn
            | Error::Closed => DeliveryStatus::NotSent,
        }
    }

    /// The error that the server sent, if it sent one.
    pub fn answer(&self) -> Option<&wingbeat_core::Error> {
        if let Error::Answered(error) | Error::Refused(error) = self { Some(error) } else { None }
    }

    /// The class of the error that the server sent.
    pub fn kind(&self) -> Option<ErrorKind> {
        self.answer().map(wingbeat_core::Error::kind)
    }

    /// The code of the error that the server sent, for example 404.
    pub fn code(&self) -> Option<u16> {
        self.answer().map(wingbeat_core::Error::code)
    }

    /// The `data` of the error that the server sent.
    pub fn data(&self) -> Option<&Value> {
        self.answer()?.data()
    }

    /// What is wrong: the server's own message, if it sent one.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Error::Answered(error) | Error::Refused(error) => error.message().into(),
            Error::NotConnected(problem)
            | Error::NotSent(problem)
            | Error::Unanswered(problem)
            | Error::Unreadable(problem)
            | Error::Invalid(problem) => problem.message().into(),
            Error::TooLarge { size, limit } => {
                format!("Too large: the message has {size} bytes, and the server accepts {limit} (maxPayload)").into()
            }
            Error::Missed(missed) => format!("{missed} events were missed").into(),
            Error::Other { source, .. } => source.to_string().into(),
            Error::NotLoggedIn => "No accessToken found in storage".into(),
            Error::Closed => "The client is closed".into(),
        }
    }

    #[doc(hidden)]
    #[deprecated = "it is called delivery_status"]
    pub fn fate(&self) -> DeliveryStatus {
        self.delivery_status()
    }

    /// Notes what became of a call around which something else has failed.
    pub(crate) fn with_delivery_status(self, delivery_status: DeliveryStatus) -> Error {
        match self {
            same if same.delivery_status() == delivery_status => same,
            Error::Other { source, .. } => Error::Other { delivery_status, source },
            other => Error::Other { delivery_status, source: Arc::new(other) },
        }
    }

    /// Notes what became of a call whose hooks have failed with this error. It may be another one's, which a hook has
    /// made besides or instead: what is less safe to repeat counts.
    pub(crate) fn of_hooks(self, call: DeliveryStatus) -> Error {
        let delivery_status = match (call, self.delivery_status()) {
            (DeliveryStatus::Unknown, _) | (_, DeliveryStatus::Unknown) => DeliveryStatus::Unknown,
            (DeliveryStatus::Answered, _) | (_, DeliveryStatus::Answered) => DeliveryStatus::Answered,
            (DeliveryStatus::NotSent, DeliveryStatus::NotSent) => DeliveryStatus::NotSent,
        };
        self.with_delivery_status(delivery_status)
    }

    /// An invalid option or argument.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
        Error::Invalid(Problem::new(message))
    }

    /// The value that the caller gave cannot be written as JSON.
    pub(crate) fn unwritable(error: impl Into<wingbeat_core::Error>) -> Error {
        let error = error.into();
        // Only the caller's own program reads this, so it may show the cause.
        let why = error.source().map_or_else(|| error.message().to_owned(), ToString::to_string);
        Error::invalid(format!("The value cannot be written as JSON: {why}"))
    }

    /// The answer of the server does not fit the type.
    pub(crate) fn unreadable(error: wingbeat_core::Error) -> Error {
        // Without its source: a service that passes this on does not answer what another server has sent.
        Error::Unreadable(Problem::new(error.message().to_owned()))
    }

    /// What becomes of the calls that have waited for a login which failed so: as Feathers' client has it, with its words.
    pub(crate) fn of_login(&self) -> Error {
        Error::NotSent(Problem::new(self.message().into_owned()).with_source(self.clone()))
    }

    /// No answer came in time.
    pub(crate) fn timed_out(timeout: Duration, delivery_status: DeliveryStatus) -> Error {
        match delivery_status {
            DeliveryStatus::Unknown => Error::Unanswered(Problem::new(format!("No answer within {timeout:?}"))),
            _ => Error::NotSent(Problem::new(format!("Not sent within {timeout:?}"))),
        }
    }
}

/// A packet is larger than the server accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) size: usize,
    pub(crate) limit: usize,
}

impl From<TooLarge> for Error {
    fn from(TooLarge { size, limit }: TooLarge) -> Error {
        Error::TooLarge { size, limit }
    }
}

/// An error of this program's own, as hooks make them. (What a server says is [`Answered`](Error::Answered).)
impl From<wingbeat_core::Error> for Error {
    fn from(error: wingbeat_core::Error) -> Error {
        Error::other(error)
    }
}

/// What a server has said is not a source: it is the error itself. So a service that calls another server, and does not look
/// at its errors, does not answer with them.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::NotConnected(problem)
            | Error::NotSent(problem)
            | Error::Unanswered(problem)
            | Error::Unreadable(problem)
            | Error::Invalid(problem) => problem.source().map(|source| source as _),
            Error::Other { source, .. } => source.source(),
            Error::Answered(_)
            | Error::Refused(_)
            | Error::TooLarge { .. }
            | Error::Missed(_)
            | Error::NotLoggedIn
            | Error::Closed => None,
        }
    }
}

/// For people: [escaped](Escaped), because servers have a say in messages.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer() {
            Some(error) => fmt::Display::fmt(error, f),
            None => fmt::Display::fmt(&Escaped(self.message()), f),
        }
    }
}

/// For the log: in one line, with the server's data and the causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.answer() {
            return fmt::Debug::fmt(error, f);
        }
        write!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(source) = cause {
            write!(f, ", caused by: {}", Escaped(source))?;
            cause = source.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_knows_what_became_of_its_call() {
        assert_eq!(
            Error::Answered(wingbeat_core::Error::bad_request("no")).delivery_status(),
            DeliveryStatus::Answered
        );
        assert_eq!(
            Error::timed_out(Duration::from_secs(1), DeliveryStatus::Unknown).delivery_status(),
            DeliveryStatus::Unknown
        );
        assert_eq!(
            Error::timed_out(Duration::from_secs(1), DeliveryStatus::NotSent).delivery_status(),
            DeliveryStatus::NotSent
        );
        assert_eq!(
            Error::other("a hook's").with_delivery_status(DeliveryStatus::Unknown).delivery_status(),
            DeliveryStatus::Unknown
        );
        let another = Error::Closed.of_hooks(DeliveryStatus::Answered);
        assert_eq!(
            (another.delivery_status(), &*another.message()),
            (DeliveryStatus::Answered, "The client is closed")
        );
    }

    #[test]
    fn whatever_a_server_says_is_shown_in_one_line() {
        let text = "a\n\u{1b}[31m\u{202e}b";
        for error in [Error::Answered(wingbeat_core::Error::gone(text)), Error::other(text), Error::invalid(text)] {
            assert!(!format!("{error} {error:?}").contains(Escaped::escapes), "{error:?}");
            assert_eq!(error.message(), text);
        }
    }

    #[test]
    fn a_service_does_not_answer_what_another_server_has_sent_and_it_cannot_read() {
        let sent = wingbeat_core::RawJson::new(&"a secret").unwrap();
        let error = Error::unreadable(sent.to::<u8>().unwrap_err());
        assert!(error.message().contains("a secret"), "{error}");
        let answered = wingbeat_core::Error::from(error);
        assert_eq!((answered.code(), answered.message()), (500, "An internal error occurred"));
    }
}

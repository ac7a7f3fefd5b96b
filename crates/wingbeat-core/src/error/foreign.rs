//! How errors travel between Wingbeat and everybody else.

use super::{Error, Inner, Source};
use crate::Escaped;
use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

impl Error {
    /// The same as a `std::error::Error`, for what asks for one. `?` makes it an [`Error`] again.
    pub fn into_std(self) -> impl StdError + Send + Sync + 'static {
        *self.0
    }

    /// The cause of this type, however deep it is.
    ///
    /// ```
    /// use wingbeat_core::Error;
    ///
    /// let error = Error::from(std::io::Error::other("the disk is full"));
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        causes(self.0.source()).find_map(|cause| cause.downcast_ref())
    }

    /// Whether an error of this type is its cause, however deep.
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// Words an error for clients that `?` or [`Error::internal`] has taken: if an `E` is its cause, it becomes what `word`
    /// says of that, and keeps its causes for the log. An error that the program has worded itself stays as it is.
    ///
    /// ```
    /// use wingbeat_core::{Error, ErrorKind};
    ///
    /// let error = Error::from("seven".parse::<u8>().unwrap_err());
    /// let worded = error.map_source(|error: &std::num::ParseIntError| Error::bad_request(error.to_string()));
    /// assert_eq!((worded.kind(), worded.message()), (ErrorKind::BadRequest, "invalid digit found in string"));
    /// ```
    pub fn map_source<E: StdError + 'static>(self, word: impl FnOnce(&E) -> Error) -> Error {
        let is_worded = |cause: &Cause<'_>| cause.downcast_ref::<Inner>().is_some_and(|own| !own.is_foreign);
        let first = self.0.source().filter(|_| self.0.is_foreign);
        let worded =
            causes(first).take_while(|cause| !is_worded(cause)).find_map(|cause| cause.downcast_ref()).map(word);
        let Some(mut worded) = worded else { return self };
        if worded.0.source.is_none() {
            worded.0.source = self.0.source;
        }
        worded
    }

    fn of(error: Source) -> Error {
        let error = match error.downcast::<Inner>() {
            Ok(own) => return Error(own),
            Err(error) => error,
        };
        let own = causes(error.source()).find_map(|cause| cause.downcast_ref::<Inner>()).cloned();
        match own {
            Some(own) => Error(Box::new(Inner { is_foreign: true, ..own })).with_source(error),
            None => Error::internal(error),
        }
    }
}

type Cause<'a> = &'a (dyn StdError + 'static);

fn causes<'a>(first: Option<Cause<'a>>) -> impl Iterator<Item = Cause<'a>> {
    let mut next = first;
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// From every error, and from `anyhow::Error`.
// Whatever `anyhow` can give a context is a `std::error::Error` or its own, and not `Error`, which is neither. This one
// bound has both: beside an implementation for every `std::error::Error` there could be none for `anyhow::Error`, which
// may become one. It leaves room for conversions from types that are no `std::error::Error`.
impl<E> From<E> for Error
where
    E: Into<Source> + 'static,
    Result<(), E>: anyhow::Context<(), E>,
{
    fn from(error: E) -> Error {
        let mut error = Some(error);
        // The box that `anyhow` makes of its errors by itself hides their types.
        if let Some(anyhow) =
            (&mut error as &mut dyn Any).downcast_mut::<Option<anyhow::Error>>().and_then(Option::take)
        {
            return Error::of(anyhow.reallocate_into_boxed_dyn_error_without_backtrace());
        }
        error.map_or_else(|| Error::general(super::NEUTRAL), |error| Error::of(error.into()))
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        anyhow::Error::new(error.into_std())
    }
}

/// As `anyhow::Error` has it: what takes errors by reference, such as the `#[source]` of `thiserror`, finds one here.
impl Deref for Error {
    type Target = dyn StdError + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl AsRef<dyn StdError + Send + Sync> for Error {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl AsRef<dyn StdError> for Error {
    fn as_ref(&self) -> &(dyn StdError + 'static) {
        &*self.0
    }
}

impl StdError for Inner {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), Escaped(&self.message))
    }
}

/// For the log: in one line, with data and causes.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if let Some(data) = &self.data {
            write!(f, " {}", Escaped(data))?;
        }
        causes(self.source()).try_for_each(|cause| write!(f, ", caused by: {}", Escaped(cause)))
    }
}

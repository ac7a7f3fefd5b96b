//! What errors of the program's own become for clients.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::Error;

type MapError = Arc<dyn Fn(Error) -> Error + Send + Sync>;

/// What [`map_error`](crate::Builder::map_error) was given: of one application or mount, or of all around a service.
#[derive(Clone, Default)]
pub(crate) struct ErrorMap(Vec<MapError>);

impl ErrorMap {
    pub(crate) fn add<E: StdError + 'static>(&mut self, map: impl Fn(&E) -> Error + Send + Sync + 'static) {
        self.0.push(Arc::new(move |error| error.map_source(&map)));
    }

    /// Those of several levels, of which the outermost comes first: the innermost is asked first.
    pub(crate) fn of<'a>(levels: impl DoubleEndedIterator<Item = &'a ErrorMap>) -> ErrorMap {
        ErrorMap(levels.rev().flat_map(|maps| maps.0.iter().cloned()).collect())
    }

    /// The error as callers and error hooks see it. An error that was mapped already stays as it is; a panic is an error as well.
    pub(crate) fn apply(&self, error: Error) -> Error {
        if self.0.is_empty() {
            return error;
        }
        let mapped = catch_unwind(AssertUnwindSafe(|| self.0.iter().fold(error, |error, map| map(error))));
        mapped.unwrap_or_else(|_| Error::internal("A function given to `map_error` panicked"))
    }
}

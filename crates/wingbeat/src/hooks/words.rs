//! How errors of the program's own are worded for clients.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::Error;

type Word = Arc<dyn Fn(Error) -> Error + Send + Sync>;

/// What [`map_error`](crate::Builder::map_error) was given: of one application or mount, or of all around a service.
#[derive(Clone, Default)]
pub(crate) struct ErrorWords(Vec<Word>);

impl ErrorWords {
    pub(crate) fn add<E: StdError + 'static>(&mut self, word: impl Fn(&E) -> Error + Send + Sync + 'static) {
        self.0.push(Arc::new(move |error| error.map_source(&word)));
    }

    /// Those of several levels, of which the outermost comes first: the innermost has the first word.
    pub(crate) fn of<'a>(levels: impl DoubleEndedIterator<Item = &'a ErrorWords>) -> ErrorWords {
        ErrorWords(levels.rev().flat_map(|words| words.0.iter().cloned()).collect())
    }

    /// The error as callers and error hooks see it. What was worded already stays as it is; a panic is an error as well.
    pub(crate) fn apply(&self, error: Error) -> Error {
        if self.0.is_empty() {
            return error;
        }
        let worded = catch_unwind(AssertUnwindSafe(|| self.0.iter().fold(error, |error, word| word(error))));
        worded.unwrap_or_else(|_| Error::internal("what `map_error` was given has panicked"))
    }
}

//! How much clients learn of errors that the program did not write for them.

use std::error::Error as StdError;
use wingbeat_core::Error;

/// How much clients learn of errors that the program did not write for them: those of a database, of a file, of a panic.
/// [`Builder::mode`](super::Builder::mode) sets it.
///
/// An [`Error`] that the program makes itself (`Error::conflict("That name is taken")`) looks the same in
/// both modes, and the log has all of it in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// Nothing but a neutral message.
    #[default]
    Production,
    /// The causes, one after another, behind the message. Never for strangers: they may hold paths, statements, data.
    Development,
}

impl Mode {
    /// The error as a client sees it.
    pub(crate) fn shown(self, error: Error) -> Error {
        let Some(source) = error.source().filter(|_| self == Mode::Development) else { return error };
        let mut message = error.message().to_owned();
        let mut cause: Option<&dyn StdError> = Some(source);
        while let Some(source) = cause {
            message.push_str(": ");
            message.push_str(&source.to_string());
            cause = source.source();
        }
        let mut shown = Error::new(error.kind(), message);
        if let Some(data) = error.data() {
            shown = shown.with_data(data.clone());
        }
        if let Some(errors) = error.errors() {
            shown = shown.with_errors(errors.clone());
        }
        shown
    }
}

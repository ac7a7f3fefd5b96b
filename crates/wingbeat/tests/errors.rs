//! Errors travel: `?` between Wingbeat and programs with `anyhow`, `thiserror` or their own enum.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use anyhow::Context as _;
use std::error::Error as StdError;
use wingbeat::{Error, ErrorKind, Result};

type Boxed = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
enum BoardError {
    #[error("not a member of the team")]
    NotMember,
    #[error("the service said: {0}")]
    Service(#[from] Error),
    #[error("the file cannot be read")]
    File(#[from] std::io::Error),
    #[error("team {team}")]
    Team { team: u32, source: Error },
}

/// A program's own error that is no `std::error::Error`.
#[derive(Debug)]
struct Refused;

impl From<Refused> for Error {
    fn from(Refused: Refused) -> Error {
        Error::forbidden("Refused")
    }
}

impl From<Error> for Refused {
    fn from(_: Error) -> Refused {
        Refused
    }
}

fn missing() -> Result<()> {
    Err(Error::not_found("No such team").with_data(serde_json::json!({"team": 7})))
}

fn with_thiserror() -> Result<(), BoardError> {
    Ok(missing()?)
}

fn with_anyhow() -> anyhow::Result<()> {
    Ok(missing()?)
}

fn boxed() -> Result<(), Boxed> {
    Ok(missing()?)
}

fn boxed_for_this_thread() -> Result<(), Box<dyn StdError>> {
    Ok(missing()?)
}

fn own() -> Result<(), Refused> {
    Ok(missing()?)
}

/// Everything that is no Wingbeat error goes into one.
fn back<E>(outcome: Result<(), E>) -> Error
where
    Error: From<E>,
{
    fn question_mark<E>(outcome: Result<(), E>) -> Result<()>
    where
        Error: From<E>,
    {
        Ok(outcome?)
    }
    question_mark(outcome).unwrap_err()
}

fn same_as_missing(error: &Error) -> bool {
    let expected = missing().unwrap_err();
    (error.kind(), error.message(), error.data()) == (expected.kind(), expected.message(), expected.data())
}

#[test]
fn an_error_goes_into_the_errors_of_other_crates_and_keeps_its_text() {
    let text = "NotFound: No such team";
    assert_eq!(with_anyhow().unwrap_err().to_string(), text);
    assert_eq!(boxed().unwrap_err().to_string(), text);
    assert_eq!(boxed_for_this_thread().unwrap_err().to_string(), text);
    assert_eq!(missing().unwrap_err().into_std().to_string(), text);
    assert_eq!(with_thiserror().unwrap_err().to_string(), format!("the service said: {text}"));
    assert_eq!(with_thiserror().unwrap_err().source().unwrap().to_string(), text);
    let team = BoardError::Team { team: 7, source: missing().unwrap_err() };
    assert_eq!(team.source().unwrap().to_string(), text);
    assert!(own().is_err());
}

#[test]
fn an_error_that_comes_back_is_what_it_was() {
    assert!(same_as_missing(&back(with_anyhow())));
    assert!(same_as_missing(&back(missing().map_err(Error::into_std))));
    // A context is for the log, an own enum around it too.
    let context = back(with_anyhow().context("while reading the board"));
    assert!(same_as_missing(&context));
    assert!(format!("{context:?}").contains("while reading the board"), "{context:?}");
    let team = back(Err(BoardError::Team { team: 7, source: missing().unwrap_err() }));
    assert!(same_as_missing(&team));
    assert!(format!("{team:?}").contains("caused by: team 7"), "{team:?}");
    assert!(same_as_missing(&back(with_thiserror())));
}

#[test]
fn what_nobody_has_worded_stays_on_the_server() {
    let foreign = [
        back(Err(anyhow::anyhow!("the secret"))),
        back(Err(anyhow::anyhow!("deep").context("the secret"))),
        back(Err(BoardError::NotMember)),
        back(Err(BoardError::File(std::io::Error::other("the secret")))),
        back("x".parse::<u8>().map(drop)),
        Error::internal(Boxed::from("the secret")),
    ];
    for error in foreign {
        assert_eq!((error.kind(), error.message()), (ErrorKind::GeneralError, "An internal error occurred"));
        assert!(error.source().is_some(), "{error:?}");
    }
}

#[test]
fn the_cause_is_found_by_its_type_however_deep_it_is() {
    let direct = back(Err(BoardError::NotMember));
    let by_anyhow = back(Err(anyhow::Error::new(BoardError::NotMember)));
    let in_context = back(Err(anyhow::Error::new(BoardError::NotMember).context("one").context("two")));
    for error in [direct, by_anyhow, in_context] {
        assert!(matches!(error.downcast_ref(), Some(BoardError::NotMember)), "{error:?}");
        assert!(!error.is::<std::fmt::Error>());
    }
}

#[test]
fn an_own_type_that_is_no_std_error_says_itself_what_it_becomes() {
    assert_eq!(back(Err(Refused)).kind(), ErrorKind::Forbidden);
}

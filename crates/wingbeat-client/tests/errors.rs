//! The client's error goes wherever a `std::error::Error` goes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use anyhow::Context as _;
use wingbeat_client::{Client, DeliveryStatus, Error, Result};

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the shop cannot be asked")]
    Shop(#[from] Error),
    #[error("order {number}")]
    Order { number: u32, source: Error },
    #[error(transparent)]
    Transparent(Box<OrderError>),
}

fn invalid() -> Result<Client> {
    Client::builder("nowhere").build()
}

#[test]
fn a_question_mark_takes_it_into_the_errors_of_other_crates() {
    fn with_anyhow() -> anyhow::Result<Client> {
        invalid().context("while connecting")
    }
    fn with_thiserror() -> Result<Client, OrderError> {
        Ok(invalid()?)
    }
    fn boxed() -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
        Ok(invalid()?)
    }
    let error = with_anyhow().err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(Error::Invalid(_))));
    let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
    assert!(chain[0] == "while connecting" && chain[1].starts_with("Invalid server address 'nowhere'"), "{chain:?}");
    assert!(matches!(with_thiserror(), Err(OrderError::Shop(Error::Invalid(_)))));
    assert!(boxed().err().unwrap().is::<Error>());
    let order = OrderError::Order { number: 7, source: Error::Closed };
    assert!(std::error::Error::source(&OrderError::Transparent(Box::new(order))).unwrap().is::<Error>());
}

#[test]
fn what_another_server_says_is_not_what_a_service_answers() {
    fn service() -> wingbeat_core::Result<()> {
        Ok(Err(Error::Answered(wingbeat_core::Error::not_authenticated("Invalid token")))?)
    }
    let error = service().unwrap_err();
    assert_eq!((error.code(), error.message()), (500, "An internal error occurred"));
    let mapped = error.map_source(|error: &Error| wingbeat_core::Error::bad_gateway(error.message().into_owned()));
    assert_eq!((mapped.code(), mapped.message()), (502, "Invalid token"));
}

#[test]
fn an_error_of_a_hook_keeps_its_cause() {
    let error = Error::other(std::io::Error::other("the disk is full"));
    assert_eq!((&*error.message(), error.delivery_status()), ("the disk is full", DeliveryStatus::NotSent));
    assert_eq!(DeliveryStatus::of(&error), error.delivery_status());
    let Error::Other { source, .. } = error else { panic!("{error:?}") };
    assert!(source.is::<std::io::Error>());
}

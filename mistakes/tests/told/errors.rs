use wingbeat::prelude::*;

struct NotAnError;

fn checked() -> Result<(), NotAnError> {
    Err(NotAnError)
}

fn named() -> Result<(), String> {
    Err("nobody".into())
}

async fn hook(_: &mut Context) -> Result<()> {
    checked()?;
    //~ E0277
    //~ `NotAnError` needs to implement `std::error::Error`
    named()?;
    //~ E0277
    //~ the trait `std::error::Error` is not implemented for `String`
    Ok(())
}

async fn client_hook(_: &mut wingbeat_client::Context) -> wingbeat_client::Result<()> {
    checked()?;
    //~ E0277
    //~ `NotAnError` needs to implement `Into<wingbeat_client::Error>`
    Ok(())
}

//! What clients are told of errors, in both modes.

use crate::prelude::*;
use crate::test::Client;
use crate::{ErrorKind, Mode};
use serde_json::{Value, json};

/// One error of each origin that `?` can take.
async fn fail(origin: &str) -> Result<Value> {
    match origin {
        "io" => std::fs::read("/nobody/has/this/swordfish").map(drop)?,
        "parse" => "swordfish".parse::<u8>().map(drop)?,
        "utf8" => String::from_utf8(b"swordfish \xff".to_vec()).map(drop)?,
        "json" => serde_json::from_str::<u8>("\"swordfish\"").map(drop)?,
        "text" => Err(Error::internal("the password is swordfish"))?,
        #[cfg(feature = "sqlite")]
        "database" => {
            let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
            sqlx::query("SELECT swordfish").execute(&pool).await.map(drop)?;
        }
        "panic" => panic!("swordfish"),
        class => {
            let kind = ErrorKind::from_name(class).expect("a class");
            return Err(Error::new(kind, "worded").with_data(json!({"a": 1})).with_errors(json!({"b": 2})));
        }
    }
    Ok(Value::Null)
}

async fn told(mode: Option<Mode>, origin: &str) -> Error {
    let mount = Mount::empty().method("fail", |origin: String, _| async move { fail(&origin).await });
    let builder = App::builder().mount("errors", mount);
    let app = mode.into_iter().fold(builder, |builder, mode| builder.mode(mode)).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    client.service("errors").call("fail", origin).await.unwrap_err()
}

fn origins() -> Vec<&'static str> {
    let mut origins = vec!["io", "parse", "utf8", "json", "text"];
    if cfg!(feature = "sqlite") {
        origins.push("database");
    }
    origins
}

#[tokio::test]
async fn what_nobody_has_worded_is_neutral_unless_in_development() {
    for origin in origins() {
        for mode in [None, Some(Mode::Production)] {
            let error = told(mode, origin).await;
            assert_eq!((error.code(), error.message()), (500, "An internal error occurred"), "{origin}");
            assert!(error.data().is_none() && error.errors().is_none());
        }
        let error = told(Some(Mode::Development), origin).await;
        assert_eq!(error.kind(), ErrorKind::GeneralError, "{origin}");
        let message = error.message().strip_prefix("An internal error occurred: ").unwrap_or_default();
        assert!(!message.is_empty(), "{origin}: {error}");
    }
    assert!(told(Some(Mode::Development), "text").await.message().ends_with(": the password is swordfish"));
}

#[tokio::test]
async fn a_panic_is_told_of_in_development_only() {
    assert_eq!(told(None, "panic").await.message(), "The call failed");
    assert_eq!(told(Some(Mode::Development), "panic").await.message(), "The call failed: panicked: swordfish");
}

#[tokio::test]
async fn every_class_is_told_as_it_is_in_both_modes() {
    for kind in ErrorKind::ALL {
        for mode in [Mode::Production, Mode::Development] {
            let error = told(Some(mode), kind.name()).await;
            let seen = (error.kind(), error.code(), error.message());
            assert_eq!(seen, (*kind, kind.code(), "worded"));
            assert_eq!((error.data(), error.errors()), (Some(&json!({"a": 1})), Some(&json!({"b": 2}))));
        }
    }
}

#[tokio::test]
async fn a_worded_error_keeps_its_cause_to_itself_in_production() {
    let caused = || Error::conflict("Taken").with_data(json!([1])).with_source("UNIQUE constraint failed");
    let (hidden, shown) = (Mode::Production.shown(caused()), Mode::Development.shown(caused()));
    assert_eq!((hidden.code(), hidden.message()), (409, "Taken"));
    assert_eq!((shown.code(), shown.message()), (409, "Taken: UNIQUE constraint failed"));
    assert_eq!(shown.data(), Some(&json!([1])));
}

#[test]
fn the_mode_is_a_setting() {
    assert_eq!(serde_json::from_value::<Mode>(json!("development")).unwrap(), Mode::Development);
    assert!(serde_json::from_value::<Mode>(json!("Dev")).is_err());
    assert_eq!(Mode::default(), Mode::Production);
}

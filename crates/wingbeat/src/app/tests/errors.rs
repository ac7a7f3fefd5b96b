//! What clients are told of errors, in both modes.

use crate::app::Mode;
use crate::hooks::sync;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};
use wingbeat_core::ErrorKind;

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
            let db = crate::store::Sqlite::memory().await?;
            db.read(|connection| Ok(connection.execute("SELECT swordfish", [])?)).await?;
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
    let mount = Mount::empty().method("fail", async |origin: String, _: &Params| fail(&origin).await);
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

#[derive(Debug, thiserror::Error)]
enum BoardError {
    #[error("not a member")]
    NotMember,
    #[error("the tasks failed")]
    Tasks(#[from] Error),
}

async fn board(what: &str) -> Result<Value> {
    match what {
        "own" => Err(BoardError::NotMember)?,
        "anyhow" => Err(anyhow::Error::new(BoardError::NotMember).context("while reading"))?,
        "nested" => Err(BoardError::Tasks(Error::not_found("No task")))?,
        "own words" => return Err(Error::conflict("Taken").with_source(BoardError::NotMember)),
        _ => Err(std::io::Error::other("the disk"))?,
    }
    Ok(Value::Null)
}

async fn mapped(mount: Mount, what: &str) -> Error {
    let map = |error: &BoardError| match error {
        BoardError::NotMember => Error::forbidden("Only for members"),
        BoardError::Tasks(error) => error.clone(),
    };
    let app = App::builder().mount("board", mount).map_error(map).build().unwrap();
    let inside = app.service("board").call("fail", json!(what), Params::new()).await.unwrap_err();
    let error = Client::connect(&app).await.unwrap().service("board").call("fail", what).await.unwrap_err();
    assert_eq!((inside.kind(), inside.message()), (error.kind(), error.message()));
    assert!(!format!("{inside:?}").contains("Forbidden") || inside.is::<BoardError>());
    error
}

fn failing() -> Mount {
    Mount::empty().method("fail", async |what: String, _: &Params| {
        // Also what is not ready at its first poll.
        tokio::task::yield_now().await;
        board(&what).await
    })
}

#[tokio::test]
async fn an_own_error_is_what_the_application_maps_it_to() {
    let ready = || Mount::empty().method("fail", async |what: String, _: &Params| board(&what).await);
    for mount in [ready, failing] {
        for what in ["own", "anyhow"] {
            let error = mapped(mount(), what).await;
            assert_eq!((error.code(), error.message()), (403, "Only for members"), "{what}");
        }
        assert_eq!(mapped(mount(), "nested").await.message(), "No task");
        assert_eq!(mapped(mount(), "own words").await.message(), "Taken");
        assert_eq!(mapped(mount(), "foreign").await.code(), 500);
    }
}

#[tokio::test]
async fn a_panic_where_errors_are_mapped_is_an_error() {
    let ready = Mount::empty().method("fail", async |what: String, _: &Params| board(&what).await);
    for mount in [ready, failing()] {
        let mount = mount.map_error(|_: &BoardError| panic!("on purpose"));
        assert_eq!(mapped(mount, "own").await.code(), 500);
    }
}

#[tokio::test]
async fn error_hooks_see_an_own_error_as_it_is_mapped() {
    let hook = sync(|context| {
        assert_eq!(context.error_kind(), Some(ErrorKind::Forbidden));
        Ok(())
    });
    assert_eq!(mapped(failing().error(All, hook), "own").await.code(), 403);
}

#[tokio::test]
async fn errors_of_hooks_are_mapped_too() {
    let mount = failing().before("fail", sync(|_| Err(BoardError::NotMember)?));
    assert_eq!(mapped(mount, "foreign").await.code(), 403);
}

#[tokio::test]
async fn a_mount_maps_before_the_application() {
    let mount = failing().map_error(|_: &BoardError| Error::not_found("No such board"));
    assert_eq!(mapped(mount, "own").await.code(), 404);
}

#[test]
fn the_mode_is_a_setting() {
    assert_eq!(serde_json::from_value::<Mode>(json!("development")).unwrap(), Mode::Development);
    assert!(serde_json::from_value::<Mode>(json!("Dev")).is_err());
    assert_eq!(Mode::default(), Mode::Production);
}

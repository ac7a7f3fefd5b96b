//! Configurations as Feathers writes them.

use super::*;
use crate::locked;
use std::sync::{Arc, Mutex};

fn with(change: Value) -> Result<App> {
    let mut settings = json!({
        "secret": "s".repeat(32), "entity": "user", "service": "users", "authStrategies": ["jwt", "local"],
        "local": {"usernameField": "email", "passwordField": "password"}
    });
    let Value::Object(change) = change else { panic!("the change is an object") };
    for (key, value) in change {
        match value {
            Value::String(gone) if gone == "absent" => drop(settings.as_object_mut().unwrap().shift_remove(&key)),
            value => settings[key] = value,
        }
    }
    let users = Mount::new(Memory::new());
    App::builder().mount("authentication", Auth::from_settings(&settings)?).mount("users", users).build()
}

#[test]
fn a_configuration_of_feathers_is_understood() {
    with(json!({})).unwrap();
    with(json!({"jwtOptions": {"header": {"typ": "access"}, "audience": "https://a", "issuer": "me",
        "algorithm": "HS256", "expiresIn": "2h"}, "jwt": {"header": "X-Token", "schemes": ["Token"]}}))
    .unwrap();
    with(json!({"entity": null, "service": "absent", "jwtOptions": {"expiresIn": 60}})).unwrap();
}

/// What is warned of while something runs, by the names of the keys.
fn warned(run: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Keys(Arc<Mutex<Vec<String>>>);
    impl tracing::field::Visit for Keys {
        fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
            if field.name() == "key" {
                locked(&self.0).push(value.to_owned());
            }
        }
        fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
    }
    impl tracing::Subscriber for Keys {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    let keys = Keys::default();
    tracing::subscriber::with_default(keys.clone(), run);
    let mut keys = locked(&keys.0).clone();
    keys.sort();
    keys
}

#[test]
fn the_configuration_of_feathers_chat_is_understood_and_what_is_not_done_is_named() {
    // As it stands in its `config/default.json`, but for the secret.
    let settings = json!({
        "entity": "user", "service": "users", "secret": "s".repeat(32), "authStrategies": ["jwt", "local"],
        "jwtOptions": {"header": {"typ": "access"}, "audience": "https://yourdomain.com", "algorithm": "HS256",
            "expiresIn": "1d"},
        "local": {"usernameField": "email", "passwordField": "password"},
        "oauth": {"github": {"key": "<Client ID>", "secret": "<Client secret>"}}
    });
    let warned = warned(|| {
        let auth = Auth::from_settings(&settings).unwrap();
        let users = Mount::new(Memory::new());
        App::builder().mount("authentication", auth).mount("users", users).build().unwrap();
    });
    assert_eq!(warned, ["authentication.oauth"]);
}

#[test]
fn all_that_feathers_knows_is_accepted() {
    let warned = warned(|| {
        with(json!({
            "entityId": "_id",
            "parseStrategies": ["jwt"],
            "jwt": {"header": "Authorization", "schemes": ["Bearer"], "service": "users"},
            "jwtOptions": {"header": {"cty": "x"}, "keyid": "2026", "subject": "x", "notBefore": "1s", "jwtid": "x"},
            "local": {"usernameField": "u", "passwordField": "p", "hashSize": 10, "errorMessage": "No",
                "entityUsernameField": "a", "entityPasswordField": "b", "entity": "user", "entityId": "_id"},
            "oauth": {"redirect": "/", "origins": ["https://a"], "defaults": {"key": "a", "secret": "b"}}
        }))
        .unwrap();
    });
    let named = ["jwtOptions.header.cty", "jwtOptions.jwtid", "jwtOptions.notBefore", "jwtOptions.subject"];
    let mut expected: Vec<_> = named.into_iter().chain(["local.hashSize", "oauth"]).collect();
    expected.sort_unstable();
    assert_eq!(warned, expected.iter().map(|key| format!("authentication.{key}")).collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_is_said_when_the_application_is_built() {
    for (change, text) in [
        (json!({"secret": "absent"}), "A 'secret' must be provided"),
        (json!({"secret": "short"}), "too short"),
        (json!({"service": "absent"}), "The 'service' option is not set"),
        (json!({"service": "nope"}), "Can not find service 'nope'"),
        (json!({"authStrategies": ["jwt", "oauth"]}), "Unknown authentication strategy 'oauth'"),
        (json!({"parseStrategies": ["cookie"]}), "Unknown authentication strategy 'cookie'"),
        (json!({"secrets": "x"}), "unknown field `secrets`"),
        (json!({"local": {"passwordField": "p"}}), "requires a 'usernameField' setting"),
        (
            json!({"local": {"usernameField": "u", "passwordField": "p", "hashsize": 10}}),
            "unknown field `local.hashsize`",
        ),
        (json!({"local": {"usernameField": "u", "passwordField": "p", "service": "admins"}}), "Mount another `Auth`"),
        (json!({"jwt": {"entity": "admin"}}), "'authentication.jwt.entity' is not 'authentication.entity'"),
        (json!({"jwtOptions": {"ignoreExpiration": true}}), "unknown field `jwtOptions.ignoreExpiration`"),
        (json!({"jwt": {"expiresIn": "1d"}}), "Did you mean to set it in 'authentication.jwtOptions'?"),
        (json!({"jwtOptions": {"algorithm": "none"}}), "Unknown algorithm 'none'"),
        (json!({"jwtOptions": {"expiresIn": "soon"}}), "Invalid time span 'soon'"),
        (json!({"jwtOptions": {"algorithm": "HS512"}}), "needs 64 bytes"),
    ] {
        let error = with(change.clone()).unwrap_err();
        assert!(error.message().contains(text), "{change}: {}", error.message());
    }
}

//! Secrets stay where they are.

use super::*;
use crate::locked;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span;

/// Writes down everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(locked(&self.0), "{field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn no_secret_is_in_results_events_errors_values_or_logs() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let app = app(auth());
    let listener = Client::connect(&app).await.unwrap();
    let (client, token) = ann(&app).await;
    let mut told = vec![login(&client, "ann@example.com", "secret1").await.unwrap()];
    told.push(client.service("users").get(1).await.unwrap());
    told.push(client.service("users").find().await.unwrap());
    told.push(client.service("users").patch(2, json!({"password": "swordfish"})).await.unwrap());
    told.extend(client.connection().names().iter().filter_map(|name| client.connection().get(name)));
    for (name, password) in [("ann@example.com", "swordfish"), ("zoe@example.com", "swordfish")] {
        told.push(serde_json::to_value(login(&client, name, password).await.unwrap_err()).unwrap());
    }
    told.push(serde_json::to_value(present(&client, format!("{token}x")).await.unwrap_err()).unwrap());
    told.push(client.service("authentication").remove(json!(null)).await.unwrap());
    told.push(listener.hears("users patched").await);
    let everything = format!("{told:?}");
    for secret in ["secret1", "swordfish", "$2a$", "$argon2", SECRET] {
        assert!(!everything.contains(secret), "{secret} was told: {everything}");
    }
    let log = locked(&log.0).clone();
    assert!(log.contains("Invalid login"), "nothing was logged, so nothing is proven: {log}");
    for secret in ["secret1", "swordfish", "$2a$", "$argon2", SECRET, &token] {
        assert!(!log.contains(secret), "{secret} was logged: {log}");
    }
}

#[tokio::test]
async fn listeners_and_middleware_see_no_password_of_whoever_logs_in() {
    let (client, _) = ann(&app(auth())).await;
    let user = client.connection().get("user").unwrap();
    assert_eq!(user, json!({"id": 1, "email": "ann@example.com", "name": "Ann"}));
}

#[test]
fn configurations_do_not_show_their_keys() {
    let shown = format!("{:?} {:?}", auth(), ApiKey::new().anonymous("key-of-a-machine"));
    assert!(!shown.contains(SECRET) && !shown.contains("key-of"), "{shown}");
}

//! What is traced: a span for each call, and why nobody hears an event.

use super::{Echo, Heard};
use crate::hooks::sync;
use crate::locked;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps spans and events with their fields, each with the span that it happened in.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    spans: Vec<Map<String, Value>>,
    events: Vec<Map<String, Value>>,
    /// The spans that are entered; tests run in one thread.
    entered: Vec<u64>,
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl tracing::Subscriber for Traces {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let mut kept = locked(&self.0);
        fields.0.insert("span".into(), span.metadata().name().into());
        fields.0.insert("within".into(), kept.entered.last().copied().into());
        kept.spans.push(fields.0);
        span::Id::from_u64(kept.spans.len() as u64)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut kept = locked(&self.0);
        fields.0.insert("level".into(), event.metadata().level().as_str().into());
        fields.0.insert("within".into(), kept.entered.last().copied().into());
        kept.events.push(fields.0);
    }
    fn enter(&self, id: &span::Id) {
        locked(&self.0).entered.push(id.into_u64());
    }
    fn exit(&self, _: &span::Id) {
        locked(&self.0).entered.pop();
    }
}

impl Traces {
    fn spans(&self) -> Vec<Map<String, Value>> {
        locked(&self.0).spans.clone()
    }

    fn said(&self, message: &str) -> Vec<Map<String, Value>> {
        let kept = locked(&self.0);
        kept.events.iter().filter(|event| event["message"] == message).cloned().collect()
    }
}

#[tokio::test]
async fn each_call_has_a_span_that_says_what_and_whose_it_is() {
    let traces = Traces::default();
    let _tracing = tracing::subscriber::set_default(traces.clone());
    let call = async |context: &mut Context| {
        tokio::task::yield_now().await;
        context.service("inner").get("7", Params::new()).await.map(drop)
    };
    let app = App::builder()
        .mount("outer/:room", Mount::new(Echo).before(Get, call))
        .mount("inner", Mount::new(Echo))
        .build()
        .unwrap();
    let client = Client::connect(&app).await.unwrap();
    client.service("outer/1").get("secret").await.unwrap();
    client.service("inner").get("boom").await.unwrap_err();
    let spans = traces.spans();
    let known = |span: &Map<String, Value>, name: &str| span.get(name).cloned().unwrap_or_default();
    let fields = |span| ["service", "method", "provider", "connection", "within"].map(|name| known(span, name));
    let connection = json!(client.connection().id());
    assert_eq!(
        fields(&spans[0]),
        [json!("outer/:room"), json!("get"), json!("socketio"), connection.clone(), json!(null)]
    );
    assert_eq!(fields(&spans[1]), [json!("inner"), json!("get"), json!("internal"), json!(null), json!(1)]);
    assert_eq!(fields(&spans[2])[..4], [json!("inner"), json!("get"), json!("socketio"), connection]);
    let mut ids: Vec<u64> = spans.iter().map(|span| span["id"].as_u64().unwrap()).collect();
    assert_eq!((spans.len(), ids.is_sorted()), (3, true));
    ids.dedup();
    assert_eq!(ids.len(), 3);
    // What was asked for is nobody's business who reads the traces.
    assert!(!format!("{spans:?}").contains("secret"));
    assert_eq!(traces.said("a call failed").len(), 1);
}

#[tokio::test]
async fn calls_that_are_too_many_do_not_fill_the_log() {
    let traces = Traces::default();
    let _tracing = tracing::subscriber::set_default(traces.clone());
    let busy = sync(|_: &mut Context| Err(Error::unavailable("Too much to do")));
    let app = App::builder().mount("busy", Mount::new(Echo).before(Get, busy)).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    for _ in 0..100 {
        assert_eq!(client.service("busy").get("1").await.unwrap_err().code(), 503);
    }
    let told = traces.said("a call failed, and others like it may have").len();
    assert!(told < 10, "{told} lines for 100 calls");
    assert!(traces.said("a call failed").is_empty());
}

#[tokio::test]
async fn the_log_says_why_nobody_hears_an_event() {
    let traces = Traces::default();
    let _tracing = tracing::subscriber::set_default(traces.clone());
    let by_data = |publication: &Publication| match publication.data().as_str() {
        Some("nobody") => nobody(),
        Some("filtered") => channel("all").filter(|_| false),
        Some(name) => channel(name),
        None => channel("all"),
    };
    let app = App::builder()
        .mount("own", Mount::new(Echo).publish(by_data).publish_event("updated", |_| nobody()))
        .mount("silent", Mount::new(Echo).on("created", |_| {}))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap();
    let shared = App::builder()
        .mount("echo", Mount::new(Echo))
        .publish_event("created", |_| nobody())
        .publish_async(|_| async { channel("nowhere") })
        .build()
        .unwrap();
    let (_, heard) = Heard::connect(&app);
    for data in [json!("nobody"), json!("filtered"), json!("nowhere"), json!(1)] {
        app.service("own").create(data, Params::new()).await.unwrap();
    }
    app.service("own").emit("updated", &1).await.unwrap();
    app.service("silent").create(json!(1), Params::new()).await.unwrap();
    shared.service("echo").create(json!(1), Params::new()).await.unwrap();
    shared.service("echo").emit("patched", &1).await.unwrap();
    shared.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(heard.data(), [json!(1)]);
    let told: Vec<_> = traces
        .said("nobody hears an event")
        .into_iter()
        .map(|event| {
            assert_eq!(event["level"], "DEBUG");
            let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            [text("event"), text("publisher"), text("audience"), text("reason")].join(" | ")
        })
        .collect();
    let empty = "nobody is in the audience, or its filters let nobody pass";
    assert_eq!(
        told,
        [
            "own created | the service's | [] | the publisher names nobody".to_owned(),
            format!("own created | the service's | [channel all filtered] | {empty}"),
            format!("own created | the service's | [channel nowhere] | {empty}"),
            "own updated | the service's for this event | [] | the publisher names nobody".to_owned(),
            "silent created | - | - | it has no publisher".to_owned(),
            "echo created | the application's for this event | [] | the publisher names nobody".to_owned(),
            format!("echo patched | the application's | [channel nowhere] | {empty}"),
        ]
    );
}

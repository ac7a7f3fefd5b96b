use super::Echo;
use crate::hooks::sync;
use crate::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

async fn found(app: &App, path: &str) -> Result<serde_json::Value> {
    app.service(path).get(1, Params::new()).await?.into_value()
}

#[tokio::test]
async fn outer_slashes_of_a_path_do_not_matter() {
    let app = App::builder().mount("/my/messages/", Mount::new(Echo)).build().unwrap();
    for path in ["my/messages", "/my/messages", "//my/messages//"] {
        found(&app, path).await.unwrap();
    }
    for path in ["my//messages", "my", "my/messages/1", "", "My/messages"] {
        assert_eq!(found(&app, path).await.unwrap_err().message(), format!("Service '{path}' not found"));
    }
}

#[tokio::test]
async fn placeholders_become_the_route() {
    let app = App::builder()
        .mount("users/:userId/messages", Mount::new(Echo))
        .mount("users/me/messages", Mount::new(Echo))
        .mount("users/:name/:thing", Mount::new(Echo))
        .build()
        .unwrap();
    assert_eq!(found(&app, "users/2/messages").await.unwrap()["route"], json!({"userId": "2"}));
    assert_eq!(found(&app, "users/me/messages").await.unwrap()["route"], json!({}));
    assert_eq!(found(&app, "users/me/photos").await.unwrap()["route"], json!({"name": "me", "thing": "photos"}));
    assert_eq!(found(&app, "users//messages").await.unwrap_err().code(), 404);
}

#[tokio::test]
async fn names_that_javascript_gives_a_meaning_are_ordinary_here() {
    let app = App::builder().mount("x", Mount::new(Echo)).build().unwrap();
    for path in ["__proto__", "constructor", "x/__proto__", "toString"] {
        assert_eq!(found(&app, path).await.unwrap_err().code(), 404);
    }
}

#[tokio::test]
async fn services_come_and_go_while_the_application_runs() {
    let app = App::builder().build().unwrap();
    assert_eq!(found(&app, "late").await.unwrap_err().code(), 404);
    app.mount("late", Mount::new(Echo)).await.unwrap();
    assert_eq!(app.mount("/late", Mount::new(Echo)).await.unwrap_err().message(), "Path late already exists");
    found(&app, "late").await.unwrap();
    app.unmount("late").await.unwrap();
    assert_eq!(found(&app, "late").await.unwrap_err().code(), 404);
    assert_eq!(app.unmount("late").await.unwrap_err().code(), 404);
}

#[tokio::test]
async fn a_service_can_stand_at_the_root_and_one_below_another() {
    let app = App::builder().mount("/", Mount::new(Echo)).mount("a", Mount::new(Echo)).mount("a/b", Mount::new(Echo));
    let app = app.mount(":x/c", Mount::new(Echo)).mount(":y/d", Mount::new(Echo)).build().unwrap();
    found(&app, "/").await.unwrap();
    assert_eq!(found(&app, "1/c").await.unwrap()["route"], json!({"x": "1"}));
    assert_eq!(found(&app, "1/d").await.unwrap()["route"], json!({"y": "1"}));
    app.unmount("a").await.unwrap();
    assert_eq!(found(&app, "a").await.unwrap_err().code(), 404);
    found(&app, "a/b").await.unwrap();
    app.mount("a", Mount::new(Echo)).await.unwrap();
    found(&app, "a").await.unwrap();
}

#[tokio::test]
async fn a_mount_that_makes_no_sense_is_refused() {
    let twice = || Mount::new(Echo).method("a", async |(): (), _: &Params| Ok(()));
    let cases = [
        ("a//b", Mount::new(Echo), "not a valid service path"),
        ("", Mount::new(Echo), "not a valid service path"),
        ("x", Mount::empty(), "no methods and no events"),
        ("x", twice().method("a", async |(): (), _: &Params| Ok(())), "twice"),
        (
            "x",
            Mount::new(Echo).method("emit", async |(): (), _: &Params| Ok(())),
            "not allowed as a custom method name",
        ),
        (
            "x",
            Mount::new(Echo).method("find", async |(): (), _: &Params| Ok(())),
            "not allowed as a custom method name",
        ),
        ("x", Mount::new(Echo).methods([Method::named("zap")]), "no method 'zap'"),
    ];
    for (path, mount, text) in cases {
        let error = App::builder().mount(path, mount).build().unwrap_err();
        assert!(error.message().contains(text), "{error} should contain {text}");
    }
}

#[tokio::test]
async fn a_mount_may_have_events_and_no_method() {
    let news = Mount::empty().events(["flash"]).publish(|_| channel("everybody"));
    let app = App::builder()
        .mount("news", news)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    app.service("news").emit("flash", &"rain").await.unwrap();
    assert_eq!(client.hears("news flash").await, "rain");
    assert_eq!(client.service("news").find().await.unwrap_err().code(), 405);
}

#[test]
fn who_names_an_event_that_does_not_exist_is_told_where_it_belongs() {
    let of_app = App::builder().mount("x", Mount::new(Echo).events(["typing"])).publish_event("typing", |_| nobody());
    let of_service = App::builder().mount("x", Mount::new(Echo).publish_event("typing", |_| nobody()));
    for (builder, cure) in [
        (of_app, "Put `publish_event(\"typing\", …)` on the mount of the service that sends it"),
        (of_service, "list it among the mount's `events`"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.message().contains(cure), "{error}");
    }
}

#[tokio::test]
async fn a_custom_method_reads_its_data_and_writes_its_answer() {
    let mount = Mount::empty().method("double", async |n: i64, _: &Params| Ok(n * 2));
    let app = App::builder().mount("math", mount).build().unwrap();
    let call = |data: serde_json::Value| {
        let app = app.clone();
        async move { app.service("math").call("double", data, Params::new()).await }
    };
    assert_eq!(call(json!(21)).await.unwrap().into_value().unwrap(), 42);
    assert_eq!(call(json!("x")).await.unwrap_err().code(), 400);
    assert_eq!(app.service("math").find(Params::new()).await.unwrap_err().code(), 405);
}

/// Counts how often it was asked, beyond the standard methods.
struct Counter(AtomicU32);

#[derive(Deserialize)]
struct Step {
    by: u32,
}

impl Counter {
    async fn step(&self, step: Step, params: &Params) -> Result<u32> {
        tokio::task::yield_now().await;
        params.emit("stepped", &step.by).await?;
        Ok(self.0.fetch_add(step.by, Ordering::Relaxed) + step.by)
    }

    async fn reset(&self, _: (), _: &Params) -> Result<()> {
        self.0.store(0, Ordering::Relaxed);
        Ok(())
    }
}

impl Service for Counter {
    type Item = u32;
    type Data = ();
    type Patch = ();
    const METHODS: &'static [Method] = &[Get];
    async fn get(&self, _: Id, _: &Params) -> Result<u32> {
        Ok(self.0.load(Ordering::Relaxed))
    }
    fn custom(methods: CustomMethods<Counter>) -> CustomMethods<Counter> {
        methods.add("step", Counter::step).add("reset", Counter::reset)
    }
}

struct Bell;

impl RawService for Bell {
    fn methods(&self) -> Vec<Method> {
        Vec::new()
    }
    fn custom(methods: CustomMethods<Bell>) -> CustomMethods<Bell> {
        methods.add("ring", Bell::ring)
    }
}

impl Bell {
    async fn ring(&self, times: usize, _: &Params) -> Result<String> {
        Ok("ding".repeat(times))
    }
}

#[tokio::test]
async fn a_service_has_methods_of_its_own() {
    let counter = Mount::new(Counter(AtomicU32::new(5))).events(["stepped"]).before("step", sync(|_| Ok(())));
    let app = App::builder().mount("counter", counter).mount("bell", Mount::new(Bell)).build().unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    let counter = client.service("counter");
    assert_eq!(counter.call("step", json!({"by": 2})).await.unwrap(), 7);
    assert_eq!(counter.get(1).await.unwrap(), 7);
    assert_eq!(counter.call("step", json!({"by": "x"})).await.unwrap_err().code(), 400);
    assert_eq!(counter.call("reset", json!(null)).await.unwrap(), json!(null));
    assert_eq!(counter.get(1).await.unwrap(), 0);
    assert_eq!(client.service("bell").call("ring", 2).await.unwrap(), "dingding");
    let twice = Mount::new(Bell).method("ring", async |(): (), _: &Params| Ok(()));
    assert!(App::builder().mount("bell", twice).build().unwrap_err().message().contains("twice"));
}

/// Whose setup fails the first time, and never ends the second.
#[derive(Clone, Default)]
struct Late(Arc<AtomicU32>);

impl RawService for Late {
    fn methods(&self) -> Vec<Method> {
        vec![Get]
    }

    async fn get(&self, _: IdArg, _: &Params) -> Result<Payload> {
        Ok(json!("here").into())
    }

    async fn setup(&self, _: &crate::service::Services, _: &str) -> Result<()> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::unavailable("not yet")),
            1 => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_service_whose_setup_fails_is_not_mounted() {
    let (app, late) = (App::builder().build().unwrap(), Late::default());
    assert_eq!(app.mount("late", Mount::new(late.clone())).await.unwrap_err().message(), "not yet");
    assert_eq!(found(&app, "late").await.unwrap_err().code(), 404);
    late.0.store(2, Ordering::Relaxed);
    app.mount("late", Mount::new(late)).await.unwrap();
    assert_eq!(found(&app, "late").await.unwrap(), "here");
}

#[tokio::test]
async fn a_setup_that_is_given_up_can_be_done_again() {
    let late = Late(Arc::new(AtomicU32::new(1)));
    let app = App::builder().mount("late", Mount::new(late.clone())).build().unwrap();
    assert!(futures_util::FutureExt::now_or_never(app.setup()).is_none());
    app.setup().await.unwrap();
    assert_eq!(late.0.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_told_with_the_path_as_it_was_asked() {
    let app = App::builder().mount("users/:userId/messages", Mount::new(Echo).methods([Find])).build().unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    for path in ["users/2/messages", "/users/2/messages/"] {
        let refused = client.service(path).remove(1).await.unwrap_err();
        assert_eq!(refused.message(), format!("Method 'remove' not allowed on service '{path}'"));
    }
}

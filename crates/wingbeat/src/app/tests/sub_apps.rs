use super::{Echo, Heard};
use crate::app::{Builder, Phase};
use crate::hooks::sync;
use crate::prelude::*;
use crate::store::Memory;
use crate::test::Client;
use serde_json::json;

/// Notes on the way what has run.
fn mark(name: &'static str) -> impl crate::hooks::Hook {
    sync(move |context: &mut Context| {
        let before = context.params.get("ran").and_then(|ran| ran.as_str().map(str::to_owned)).unwrap_or_default();
        context.params.set("ran", format!("{before}{name} "));
        Ok(())
    })
}

fn ran(context: &mut Context) -> Result<()> {
    context.result = Some(context.params.get("ran").unwrap_or_default().into());
    Ok(())
}

fn inner() -> Builder {
    let echo = Mount::new(Echo).before(All, mark("service")).before(Get, sync(ran));
    App::builder().mount("echo", echo).mount("/", Mount::new(Echo)).before(All, mark("inner"))
}

async fn got(app: &App, path: &str) -> String {
    app.service(path).get(1, Params::new()).await.unwrap().to().unwrap()
}

#[tokio::test]
async fn services_stand_below_the_path_and_keep_their_hooks() {
    let app = App::builder()
        .sub_app("/v1/", inner())
        .mount("echo", Mount::new(Echo).before(Get, sync(ran)))
        .before(All, mark("outer"))
        .build()
        .unwrap();
    assert_eq!(app.paths(), ["v1/echo", "v1", "echo"]);
    assert_eq!(got(&app, "v1/echo").await, "outer inner service ");
    assert_eq!(got(&app, "echo").await, "outer ", "hooks of the one below run for its own services alone");
}

#[tokio::test]
async fn applications_nest_and_a_path_may_have_placeholders() {
    let middle = App::builder().sub_app("deep", inner()).before(All, mark("middle"));
    let app = App::builder().sub_app("tenants/:tenant", middle).build().unwrap();
    assert_eq!(got(&app, "tenants/acme/deep/echo").await, "middle inner service ");
    assert_eq!(App::builder().sub_app("", inner()).build().unwrap().paths(), ["echo", "/"]);
}

#[tokio::test]
async fn the_nearest_publisher_names_the_audience() {
    let to = |name: &'static str| move |_: &Publication| channel(name);
    let inner = App::builder()
        .mount("plain", Mount::new(Echo))
        .mount("own", Mount::new(Echo).publish(to("own")))
        .publish_event("created", to("inner"))
        .on_connection(|app, connection| app.channels(["own", "inner", "outer"]).join(connection));
    let app = App::builder().sub_app("v1", inner).mount("plain", Mount::new(Echo)).publish(|publication| {
        assert_eq!(publication.path(), "plain");
        channel("outer")
    });
    let app = app.build().unwrap();
    let (_client, heard) = Heard::connect(&app);
    for path in ["v1/own", "v1/plain", "plain"] {
        app.service(path).create(json!(path), Params::new()).await.unwrap();
    }
    let events: Vec<_> = heard.all().into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["v1/own created", "v1/plain created", "plain created"]);
}

#[tokio::test]
async fn clients_call_them_by_their_whole_paths() {
    let notes = App::builder().mount("notes", Mount::new(Memory::new()));
    let app = App::builder().sub_app("v1", notes).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("v1/notes").create(json!({"a": 1})).await.unwrap(), json!({"a": 1, "id": 0}));
    assert_eq!(client.service("notes").find().await.unwrap_err().code(), 404);
}

#[test]
fn what_only_the_outer_application_has_is_an_error() {
    let with = |inner: Builder| App::builder().sub_app("v1", inner).build().unwrap_err().message().to_owned();
    for inner in [
        inner().configure(SocketIo::new()),
        inner().mode(crate::app::Mode::Development),
        inner().around_setup(async |_: &App, services: Phase<'_>| services.run().await),
        App::builder().sub_app("v2", inner().configure(SocketIo::new())),
    ] {
        assert!(with(inner).contains("set these on the outer application"));
    }
    let unknown = with(inner().publish_event("typing", |_| nobody()));
    assert!(unknown.starts_with("'typing' is not a valid service event"), "{unknown}");
    assert_eq!(
        with(App::builder().sub_app("v2", inner()).mount("v2/echo", Mount::new(Echo))),
        "Path v1/v2/echo already exists"
    );
}

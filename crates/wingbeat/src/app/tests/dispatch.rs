//! Calls through the dispatcher, as transports make them.

use super::Echo;
use crate::app::{BoundTransport, Dispatcher, Outcome, Phase, Transport};
use crate::hooks::{sync, with};
use crate::locked;
use crate::prelude::*;
use crate::realtime::Headers;
use crate::service::invocation::{Arguments, Caller, Invocation};
use serde_json::{Value, json};
use std::future::ready;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn request() -> Caller<'static> {
    static HEADERS: LazyLock<Headers> = LazyLock::new(|| [("x-from", "here")].into_iter().collect());
    Caller::Request { provider: "rest", headers: &HEADERS, address: Some(IpAddr::from([1, 2, 3, 4])) }
}

async fn call(dispatcher: &Dispatcher, method: &str, caller: Caller<'_>, arguments: Arguments) -> Result<Outcome> {
    dispatcher.call(Invocation::new("echo", method, caller, Ok(arguments))).await
}

#[tokio::test]
async fn a_request_without_connection_says_who_calls() {
    let seen: Arc<Mutex<Value>> = Arc::default();
    let see = {
        let seen = seen.clone();
        sync(move |context: &mut Context| {
            let Context { params, .. } = context;
            let from = params.headers().and_then(|headers| headers.get("x-from").map(str::to_owned));
            *locked(&seen) = json!([params.provider, from, params.address(), params.is_internal()]);
            Ok(())
        })
    };
    let app = App::builder().mount("echo", Mount::new(Echo).before(All, see)).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    call(&dispatcher, "find", request(), Arguments::default()).await.unwrap();
    assert_eq!(*locked(&seen), json!(["rest", "here", "1.2.3.4", false]));
    call(&dispatcher, "find", Caller::Internal, Arguments::default()).await.unwrap();
    assert_eq!(*locked(&seen), json!([null, null, null, true]));
}

#[tokio::test]
async fn only_the_server_itself_reaches_what_is_hidden() {
    let app = App::builder().mount("echo", Mount::new(Echo).methods([Find])).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    assert_eq!(call(&dispatcher, "create", request(), Arguments::default()).await.unwrap_err().code(), 405);
    assert!(call(&dispatcher, "create", Caller::Internal, Arguments::default()).await.is_ok());
}

#[tokio::test]
async fn what_could_not_be_read_is_told_once_service_and_method_are_found() {
    let app = App::builder().mount("echo", Mount::new(Echo)).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    for (path, method, code) in [("nothing", "find", 404), ("echo", "fly", 405), ("echo", "find", 400)] {
        let call = Invocation::new(path, method, request(), Err(Error::bad_request("Invalid query")));
        assert_eq!(dispatcher.call(call).await.unwrap_err().code(), code, "{path} {method}");
    }
}

#[tokio::test]
async fn what_a_method_does_not_take_is_a_bad_request() {
    let app = App::builder().mount("echo", Mount::new(Echo)).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    let with_id = || Arguments { id: 1.into(), ..Arguments::default() };
    let with_data = || Arguments { data: Some(json!({}).into()), ..with_id() };
    for (method, arguments) in [("find", with_id()), ("create", with_id()), ("get", with_data())] {
        assert_eq!(call(&dispatcher, method, request(), arguments).await.unwrap_err().code(), 400, "{method}");
    }
    assert!(call(&dispatcher, "get", request(), with_id()).await.is_ok());
}

#[tokio::test]
async fn the_status_is_that_of_feathers() {
    let location = sync(|context: &mut Context| {
        context.http().headers.push(("Location".into(), "/there".into()));
        Ok(())
    });
    let nothing = sync(|context: &mut Context| {
        context.set_result(Value::Null);
        Ok(())
    });
    let app = App::builder()
        .mount("echo", Mount::new(Echo))
        .mount("moved", Mount::new(Echo).after(Find, location).after(Get, nothing))
        .build()
        .unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    let data = || Arguments { data: Some(json!({"a": 1}).into()), ..Arguments::default() };
    let id = || Arguments { id: 1.into(), ..Arguments::default() };
    for (path, method, arguments, status, event) in [
        ("echo", "find", Arguments::default(), 200, None),
        ("echo", "create", data(), 201, Some("created")),
        ("echo", "create", Arguments::default(), 204, Some("created")),
        ("moved", "find", Arguments::default(), 303, None),
        ("moved", "get", id(), 204, None),
        ("moved", "create", data(), 201, Some("created")),
    ] {
        let outcome = dispatcher.call(Invocation::new(path, method, request(), Ok(arguments))).await.unwrap();
        assert_eq!((outcome.status(), outcome.event()), (status, event), "{path} {method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_done_or_ends_at_the_deadline() {
    let mount = Mount::new(Echo).method("hang", |_: Value, _: Params| std::future::pending::<Result<()>>());
    let app = App::builder().mount("echo", mount).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    let wait = Arguments { id: "wait".into(), ..Arguments::default() };
    assert_eq!(call(&dispatcher, "get", request(), wait).await.unwrap().result().to::<Value>().unwrap()["id"], "wait");
    assert_eq!(call(&dispatcher, "hang", request(), Arguments::default()).await.unwrap_err().code(), 408);
}

#[tokio::test]
async fn a_dispatcher_does_not_keep_the_application() {
    let app = App::builder().mount("echo", Mount::new(Echo)).build().unwrap();
    let dispatcher = app.dispatcher(LIMIT);
    drop(app);
    assert!(dispatcher.app().is_none());
    assert_eq!(call(&dispatcher, "find", request(), Arguments::default()).await.unwrap_err().code(), 404);
}

struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Transport for Steps {
    fn bind(self: Box<Self>, _: &App) -> Result<BoundTransport> {
        let (start, close) = (self.0.clone(), self.0);
        Ok(BoundTransport::new()
            .on_start(move || {
                locked(&start).push("start");
                ready(Ok(()))
            })
            .on_close(move |_| {
                locked(&close).push("close");
                ready(())
            }))
    }
}

#[tokio::test]
async fn transports_start_once_behind_the_setup_and_close_before_the_teardown() {
    let steps: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let note = |step| {
        let steps = steps.clone();
        move || locked(&steps).push(step)
    };
    async fn step(note: impl Fn(), _: &App, services: Phase<'_>) -> Result<()> {
        note();
        services.run().await
    }
    let app = App::builder()
        .around_setup(with(note("setup"), step))
        .around_teardown(with(note("teardown"), step))
        .configure(Steps(steps.clone()))
        .build()
        .unwrap();
    app.setup().await.unwrap();
    app.setup().await.unwrap();
    app.shutdown(LIMIT).await;
    assert_eq!(*locked(&steps), ["setup", "start", "setup", "close", "teardown"]);
}

#[tokio::test]
async fn a_transport_that_closes_before_its_start_lets_go_of_everything() {
    let steps: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let app = App::builder().configure(Steps(steps.clone())).build().unwrap();
    assert_eq!(Arc::strong_count(&steps), 3);
    app.shutdown(LIMIT).await;
    assert_eq!((Arc::strong_count(&steps), &**locked(&steps)), (2, &["close"][..]));
}

/// What happens when a transport is told to close.
struct Closing(fn() -> Result<()>);

impl Transport for Closing {
    fn bind(self: Box<Self>, _: &App) -> Result<BoundTransport> {
        let close = self.0;
        Ok(BoundTransport::new().on_close(move |_| async move {
            if close().is_err() {
                std::future::pending::<()>().await;
            }
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_cannot_be_closed_keeps_nothing_else_from_it() {
    let app = App::builder()
        .mount("echo", Mount::new(Echo))
        .configure(Closing(|| panic!("on purpose")))
        .configure(Closing(|| Err(Error::general("never"))))
        .build()
        .unwrap();
    app.setup().await.unwrap();
    app.shutdown(Duration::from_secs(1)).await;
    assert!(app.mount("late", Mount::new(Echo)).await.is_err(), "it has ended");
}

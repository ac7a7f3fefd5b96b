use crate::app::{Phase, PhaseHook};
use crate::hooks::with;
use crate::locked;
use crate::prelude::*;
use crate::service::Services;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Trace = Arc<Mutex<Vec<String>>>;

struct Traced(Trace, bool);

impl RawService for Traced {
    fn methods(&self) -> Vec<Method> {
        vec![Find]
    }
    async fn find(&self, _: &Params) -> Result<Payload> {
        Ok(Payload::NULL)
    }
    async fn setup(&self, _: &Services, path: &str) -> Result<()> {
        locked(&self.0).push(format!("setup {path}"));
        if self.1 { Err(Error::general("no")) } else { Ok(()) }
    }
    async fn teardown(&self, _: &Services, path: &str) -> Result<()> {
        locked(&self.0).push(format!("teardown {path}"));
        if self.1 { Err(Error::general("no")) } else { Ok(()) }
    }
}

fn nest(trace: &Trace, label: &'static str) -> impl PhaseHook {
    with((trace.clone(), label), async |(trace, label): (Trace, &'static str), app: &App, rest: Phase<'_>| {
        locked(&trace).push(format!("{label}> {}", app.paths().len()));
        let outcome = rest.run().await;
        locked(&trace).push(format!("<{label}"));
        outcome
    })
}

#[tokio::test]
async fn hooks_run_around_the_setup_and_the_teardown_of_all_services() {
    let trace = Trace::default();
    let app = App::builder()
        .around_setup(nest(&trace, "a"))
        .around_setup(nest(&trace, "b"))
        .around_teardown(nest(&trace, "c"))
        .mount("one", Mount::new(Traced(trace.clone(), false)))
        .mount("two", Mount::new(Traced(trace.clone(), false)))
        .build()
        .unwrap();
    app.setup().await.unwrap();
    app.shutdown(Duration::from_secs(1)).await;
    let expected = ["a> 2", "b> 2", "setup one", "setup two", "<b", "<a", "c> 2", "teardown two", "teardown one", "<c"];
    assert_eq!(*locked(&trace), expected);
}

#[tokio::test]
async fn a_shutdown_may_be_given_all_the_time_there_is() {
    let trace = Trace::default();
    let app = App::builder().mount("one", Mount::new(Traced(trace.clone(), false))).build().unwrap();
    app.shutdown(Duration::MAX).await;
    assert_eq!(*locked(&trace), ["teardown one"]);
}

#[tokio::test]
async fn a_setup_that_fails_ends_the_setup_and_a_teardown_does_not_end_the_teardown() {
    let trace = Trace::default();
    let app = App::builder()
        .around_setup(nest(&trace, "a"))
        .mount("one", Mount::new(Traced(trace.clone(), true)))
        .mount("two", Mount::new(Traced(trace.clone(), true)))
        .build()
        .unwrap();
    assert_eq!(app.setup().await.unwrap_err().message(), "no");
    app.shutdown(Duration::from_secs(1)).await;
    assert_eq!(*locked(&trace), ["a> 2", "setup one", "<a", "teardown two", "teardown one"]);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_hook_that_never_ends_is_cut_off() {
    let app =
        App::builder().around_teardown(async |_: &App, _: Phase<'_>| std::future::pending().await).build().unwrap();
    app.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_listener_that_waits_is_told_of_who_has_gone_and_a_shutdown_waits_for_it() {
    let trace = Trace::default();
    let (noting, failing) = (trace.clone(), trace.clone());
    let app = App::builder()
        .mount("one", Mount::new(Traced(trace.clone(), false)))
        .on_disconnect_async(move |app, connection| {
            let trace = noting.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert!(!connection.is_connected() && connection.channels().is_empty());
                locked(&trace).push(format!("gone {}", app.paths().len()));
                Ok(())
            }
        })
        .on_disconnect_async(move |_, _| {
            let trace = failing.clone();
            async move {
                locked(&trace).push("failed".to_owned());
                Err(Error::general("an error of a listener is logged"))
            }
        })
        .on_disconnect_async(|_, _| async { panic!("on purpose") })
        .build()
        .unwrap();
    drop(crate::test::Client::connect(&app).await.unwrap());
    app.shutdown(Duration::from_secs(5)).await;
    assert_eq!(*locked(&trace), ["failed", "gone 1", "teardown one"]);
}

#[tokio::test]
async fn when_all_go_at_once_few_listeners_run_at_a_time_and_all_do_before_the_shutdown_is_over() {
    let (running, most, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Trace::default());
    let (counted, noted, told) = (running.clone(), most.clone(), ended.clone());
    let app = App::builder()
        .on_disconnect_async(move |_, connection| {
            let (running, most, ended) = (counted.clone(), noted.clone(), told.clone());
            async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, SeqCst);
                locked(&ended).push(connection.id().to_string());
                // Those that panic give their places back as well.
                assert_ne!(connection.id() % 10, 0, "on purpose");
                Ok(())
            }
        })
        .build()
        .unwrap();
    let mut clients = Vec::new();
    for _ in 0..3000 {
        clients.push(crate::test::Client::connect(&app).await.unwrap());
    }
    let ids: Vec<_> = clients.iter().map(|client| client.connection().id().to_string()).collect();
    drop(clients);
    app.shutdown(Duration::from_secs(60)).await;
    locked(&ended).sort();
    assert_eq!(*locked(&ended), ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
    assert!((2..=256).contains(&most.load(SeqCst)), "{most:?} at a time");
}

#[tokio::test(start_paused = true)]
async fn listeners_and_publishers_that_never_end_are_ended() {
    let app = App::builder()
        .mount("echo", Mount::new(super::Echo).publish_async(|_| std::future::pending::<Audience>()))
        .on_disconnect_async(|_, _| std::future::pending())
        .build()
        .unwrap();
    let client = crate::test::Client::connect(&app).await.unwrap();
    client.service("echo").create(serde_json::json!(1)).await.unwrap();
    drop(client);
    let begun = tokio::time::Instant::now();
    app.shutdown(Duration::from_secs(3600)).await;
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn a_service_is_set_up_and_torn_down_once_whenever_it_comes() {
    let trace = Trace::default();
    let service = |fails| Mount::new(Traced(trace.clone(), fails));
    let app = App::builder().mount("first", service(false)).build().unwrap();
    app.mount("early", service(false)).await.unwrap();
    app.setup().await.unwrap();
    app.mount("late", service(false)).await.unwrap();
    assert_eq!(app.mount("broken", service(true)).await.unwrap_err().message(), "no");
    app.setup().await.unwrap();
    app.unmount("late").await.unwrap();
    app.shutdown(Duration::from_secs(1)).await;
    app.shutdown(Duration::from_secs(1)).await;
    let expected = [
        "setup early",
        "setup first",
        "setup late",
        "setup broken",
        "teardown late",
        "teardown early",
        "teardown first",
    ];
    assert_eq!(*locked(&trace), expected);
}

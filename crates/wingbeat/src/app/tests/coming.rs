//! Services whose setup or teardown takes its time.

use crate::app::Phase;
use crate::prelude::*;
use crate::service::Services;
use futures_util::FutureExt as _;
use futures_util::poll;
use serde_json::json;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;

/// Waits in its setup and in its teardown until it is told to go on, or to panic.
#[derive(Clone, Default)]
struct Slow(Arc<Inner>);

#[derive(Default)]
struct Inner {
    setups: AtomicU32,
    teardowns: AtomicU32,
    panics: AtomicU32,
    go_on: Notify,
}

impl Slow {
    fn quick() -> Slow {
        let slow = Slow::default();
        slow.0.go_on.notify_one();
        slow
    }

    async fn wait(&self) {
        self.0.go_on.notified().await;
        assert!(self.0.panics.fetch_sub(self.0.panics.load(Relaxed).min(1), Relaxed) == 0, "on purpose");
    }

    fn done(&self) -> (u32, u32) {
        (self.0.setups.load(Relaxed), self.0.teardowns.load(Relaxed))
    }
}

impl RawService for Slow {
    fn methods(&self) -> Vec<Method> {
        vec![Get]
    }
    async fn get(&self, _: IdArg, _: &Params) -> Result<Payload> {
        assert_eq!(self.0.setups.load(Relaxed), 1, "called before its setup was over");
        Ok(json!("here").into())
    }
    async fn setup(&self, _: &Services, _: &str) -> Result<()> {
        self.wait().await;
        self.0.setups.fetch_add(1, Relaxed);
        Ok(())
    }
    async fn teardown(&self, _: &Services, _: &str) -> Result<()> {
        self.wait().await;
        self.0.teardowns.fetch_add(1, Relaxed);
        Ok(())
    }
}

async fn code(app: &App, path: &str) -> u16 {
    app.service(path).get(1, Params::new()).await.map_or_else(|error| error.code(), |_| 200)
}

#[tokio::test]
async fn nobody_finds_a_service_before_its_setup_is_over() {
    let (app, slow) = (App::builder().build().unwrap(), Slow::default());
    let client = crate::test::Client::connect(&app).await.unwrap();
    let mut mounting = pin!(app.mount("slow", Mount::new(slow.clone())));
    assert!(poll!(&mut mounting).is_pending());
    assert_eq!((code(&app, "slow").await, client.service("slow").get(1).await.unwrap_err().code()), (404, 404));
    assert!(app.paths().is_empty());
    let taken = app.mount("/slow/", Mount::new(slow.clone())).await.unwrap_err();
    assert_eq!(taken.message(), "Path slow already exists");
    slow.0.go_on.notify_one();
    mounting.await.unwrap();
    assert_eq!((code(&app, "slow").await, client.service("slow").get(1).await.unwrap()), (200, json!("here")));
}

#[tokio::test]
async fn a_mount_that_is_given_up_leaves_nothing() {
    let (app, slow) = (App::builder().build().unwrap(), Slow::default());
    assert!(app.mount("slow", Mount::new(slow)).now_or_never().is_none());
    app.mount("slow", Mount::new(Slow::quick())).await.unwrap();
    assert_eq!(code(&app, "slow").await, 200);
}

#[tokio::test]
async fn who_sets_up_meanwhile_waits_for_it() {
    let slow = Slow::default();
    let app = App::builder().mount("slow", Mount::new(slow.clone())).build().unwrap();
    let (mut first, mut second) = (Box::pin(app.setup()), Box::pin(app.setup()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    slow.0.go_on.notify_one();
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(slow.done(), (1, 0));
}

#[tokio::test]
async fn who_waits_for_a_setup_that_is_given_up_does_it() {
    let slow = Slow::default();
    let app = App::builder().mount("slow", Mount::new(slow.clone())).build().unwrap();
    let (mut first, mut second) = (Box::pin(app.setup()), Box::pin(app.setup()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(first);
    slow.0.go_on.notify_one();
    second.await.unwrap();
    assert_eq!(slow.done(), (1, 0));
}

#[tokio::test]
async fn a_service_that_is_unmounted_during_its_setup_is_torn_down_after_it() {
    let slow = Slow::default();
    let app = App::builder().mount("slow", Mount::new(slow.clone())).build().unwrap();
    let (mut setup, mut unmount) = (Box::pin(app.setup()), Box::pin(app.unmount("slow")));
    assert!(poll!(&mut setup).is_pending() && poll!(&mut unmount).is_pending());
    slow.0.go_on.notify_one();
    setup.await.unwrap();
    assert!(poll!(&mut unmount).is_pending());
    slow.0.go_on.notify_one();
    unmount.await.unwrap();
    assert_eq!(slow.done(), (1, 1));
}

#[tokio::test]
async fn an_unmount_that_is_given_up_is_done_at_the_shutdown() {
    let slow = Slow::quick();
    let app = App::builder().build().unwrap();
    app.mount("slow", Mount::new(slow.clone())).await.unwrap();
    assert!(app.unmount("slow").now_or_never().is_none());
    assert_eq!(code(&app, "slow").await, 404);
    slow.0.go_on.notify_one();
    app.shutdown(Duration::from_secs(5)).await;
    assert_eq!(slow.done(), (1, 1));
}

#[tokio::test]
async fn a_shutdown_during_the_setup_ends_the_setup() {
    let (one, two) = (Slow::default(), Slow::default());
    let builder = App::builder().mount("one", Mount::new(one.clone())).mount("two", Mount::new(two.clone()));
    let app = builder.build().unwrap();
    let (mut setup, mut shutdown) = (Box::pin(app.setup()), Box::pin(app.shutdown(Duration::from_secs(60))));
    assert!(poll!(&mut setup).is_pending() && poll!(&mut shutdown).is_pending());
    two.0.go_on.notify_one();
    assert!(poll!(&mut shutdown).is_pending());
    assert_eq!(two.done(), (0, 1));
    one.0.go_on.notify_one();
    assert_eq!(setup.await.unwrap_err().message(), "The application has ended");
    one.0.go_on.notify_one();
    shutdown.await;
    assert_eq!((one.done(), two.done()), ((1, 1), (0, 1)));
}

#[tokio::test]
async fn what_is_mounted_while_the_application_ends_is_torn_down() {
    let (app, slow) = (App::builder().build().unwrap(), Slow::default());
    let mut mounting = Box::pin(app.mount("slow", Mount::new(slow.clone())));
    assert!(poll!(&mut mounting).is_pending());
    app.shutdown(Duration::from_secs(5)).await;
    slow.0.go_on.notify_one();
    assert!(poll!(&mut mounting).is_pending());
    slow.0.go_on.notify_one();
    assert_eq!(mounting.await.unwrap_err().code(), 503);
    assert_eq!(slow.done(), (1, 1));
    assert_eq!(app.mount("later", Mount::new(Slow::quick())).await.unwrap_err().code(), 503);
}

#[tokio::test]
async fn a_setup_that_panics_is_an_error_and_can_be_done_again() {
    let slow = Slow::quick();
    slow.0.panics.store(1, Relaxed);
    let app = App::builder().build().unwrap();
    let error = app.mount("slow", Mount::new(slow.clone())).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (500, "A setup panicked"));
    slow.0.go_on.notify_one();
    app.mount("slow", Mount::new(slow.clone())).await.unwrap();
    assert_eq!(code(&app, "slow").await, 200);
}

#[tokio::test]
async fn a_teardown_that_panics_keeps_no_other_from_its_own() {
    let (one, two) = (Slow::quick(), Slow::quick());
    two.0.panics.store(1, Relaxed);
    let builder = App::builder().mount("one", Mount::new(one.clone())).mount("two", Mount::new(two.clone()));
    let app = builder.around_teardown(async |_: &App, services: Phase<'_>| {
        services.run().await?;
        panic!("on purpose")
    });
    app.build().unwrap().shutdown(Duration::from_secs(5)).await;
    assert_eq!((one.done(), two.done()), ((0, 1), (0, 0)));
}

#[tokio::test]
async fn a_server_that_is_told_to_end_during_the_setup_tears_down_and_ends() {
    let (slow, end) = (Slow::default(), Arc::new(Notify::new()));
    let app = App::builder().mount("slow", Mount::new(slow.clone())).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let told = end.clone();
    let serving = crate::serve(listener, app).until(async move { told.notified().await });
    let mut serving = serving.into_future();
    assert!(poll!(&mut serving).is_pending());
    end.notify_one();
    assert!(poll!(&mut serving).is_pending());
    slow.0.go_on.notify_one();
    serving.await.unwrap();
    assert_eq!(slow.done(), (0, 1));
}

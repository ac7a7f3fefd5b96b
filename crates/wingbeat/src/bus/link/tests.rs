//! How often a broker is bothered.

use super::*;
use crate::BoxFuture;
use crate::bus::{Inbox, Incoming};
use crate::locked;
use std::future::pending;
use std::sync::Mutex;
use tokio::time::{Instant, sleep};
use wingbeat_core::Error;

/// Each session lasts for the next of these spans, and the last one for ever; one of none cannot be begun.
struct Fake(Mutex<Vec<Option<Duration>>>);
struct FakeSession(Option<Duration>);

impl Broker for Fake {
    type Session = FakeSession;
    const NAME: &'static str = "A fake";

    fn silence(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn open(&self, _: Arc<Arrivals>) -> Result<FakeSession> {
        match locked(&self.0).pop() {
            Some(None) => Err(Error::unavailable("nobody is there")),
            Some(span) => Ok(FakeSession(span)),
            None => Ok(FakeSession(None)),
        }
    }
}

impl Session for FakeSession {
    fn largest(&self) -> usize {
        1
    }
    async fn subscribe(&self, _: &[Topic]) -> Result<()> {
        Ok(())
    }
    async fn unsubscribe(&self, _: &[Topic]) -> Result<()> {
        Ok(())
    }
    async fn publish(&self, _: Vec<(Topic, Bytes)>) -> Result<()> {
        Ok(())
    }
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
    async fn ended(&self) -> Error {
        match self.0 {
            Some(span) => sleep(span).await,
            None => pending().await,
        }
        Error::unavailable("it has ended")
    }
}

/// When something was told.
#[derive(Default)]
struct Told(Mutex<Vec<(Instant, bool)>>);

impl Inbox for Told {
    fn arrived(&self, what: Incoming) -> BoxFuture<'_, ()> {
        locked(&self.0).push((Instant::now(), matches!(what, Incoming::Restored)));
        Box::pin(std::future::ready(()))
    }
}

/// How long it was away after each loss.
async fn pauses(mut sessions: Vec<Option<Duration>>) -> Vec<Duration> {
    sessions.reverse();
    let told = Arc::<Told>::default();
    let connection = connect(Fake(Mutex::new(sessions)), told.clone()).await.unwrap();
    sleep(Duration::from_secs(600)).await;
    drop(connection);
    let told = locked(&told.0);
    assert!(told.iter().enumerate().all(|(n, (_, is_restored))| *is_restored == (n % 2 == 1)), "{told:?}");
    told.chunks(2).map(|told| told[1].0 - told[0].0).collect()
}

fn about(pause: Duration, millis: u64) -> bool {
    // Timers count milliseconds.
    (Duration::from_millis(millis / 2)..=Duration::from_millis(millis + 2)).contains(&pause)
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_away_is_asked_less_and_less_often() {
    let moment = Some(Duration::from_secs(60));
    let away = pauses([vec![moment], vec![None; 20]].concat()).await;
    let [away] = away[..] else { panic!("{away:?}") };
    let seconds = away.as_secs();
    // 50, 100, 200 ms and so on to 5 s, or half of that.
    assert!((35..=85).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn after_a_long_session_the_next_one_begins_at_once() {
    let long = Some(Duration::from_secs(60));
    let pauses = pauses(vec![long; 4]).await;
    assert!(pauses.len() == 4 && pauses.iter().all(|pause| about(*pause, 50)), "{pauses:?}");
}

/// All clients of a node may come again after a loss.
#[tokio::test(start_paused = true)]
async fn sessions_that_end_at_once_are_begun_less_and_less_often() {
    let short = Some(Duration::from_millis(1));
    let pauses = pauses(vec![short; 5]).await;
    let expected = [50, 100, 200, 400, 800];
    assert!(pauses.iter().zip(expected).all(|(pause, expected)| about(*pause, expected)), "{pauses:?}");
    assert_eq!(pauses.len(), expected.len());
}

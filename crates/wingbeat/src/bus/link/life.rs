//! One session after the other.

use super::arrivals::Arrivals;
use super::shared::{Link, Shared};
use super::{Broker, Session};
use crate::bus::{BusConnection, Inbox, Incoming, Topic};
use futures_util::future::select;
use futures_util::try_join;
use rustc_hash::FxHashSet;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::LogThrottle;

/// How long it waits before it connects again: first and last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a session lasts at least, if the next one is to be begun as soon after it as after the first: clients may come
/// again after each of them.
const LASTING: Duration = Duration::from_secs(10);
/// How many topics are asked for at once.
const ASKED_AT_ONCE: usize = 512;

/// Why nothing more comes of a session.
enum End {
    /// Nobody needs it any more.
    Closed,
    Lost(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        End::Lost(error)
    }
}

/// Connects to a broker, for as long as the answer lives.
///
/// # Errors
/// If it cannot be reached, or refuses this program.
pub(in crate::bus) async fn connect<B: Broker>(broker: B, inbox: Arc<dyn Inbox>) -> Result<Arc<dyn BusConnection>> {
    let arrivals = Arc::<Arrivals>::default();
    let session = open(&broker, &arrivals).await?;
    let shared = Arc::new(Shared::new(session.largest()));
    tokio::spawn(arrivals.clone().hand_over(shared.clone(), inbox));
    let link = Link(shared.clone());
    tokio::spawn(async move {
        {
            let (living, ended) = (pin!(live_on(&broker, session, &shared, &arrivals)), pin!(shared.ended()));
            select(living, ended).await;
        }
        shared.end();
        arrivals.end();
    });
    Ok(Arc::new(link))
}

async fn open<B: Broker>(broker: &B, arrivals: &Arc<Arrivals>) -> Result<B::Session> {
    let silence = broker.silence();
    let late = |_| Error::unavailable(format!("{} does not answer within {silence:?}", B::NAME));
    timeout(silence, broker.open(arrivals.clone())).await.map_err(late)?
}

/// Begins a new session after each loss, until the connection is closed.
async fn live_on<B: Broker>(broker: &B, first: B::Session, shared: &Shared, arrivals: &Arc<Arrivals>) {
    static FAILED: LogThrottle = LogThrottle::new();
    let (mut session, mut pause) = (Ok(first), FIRST_PAUSE);
    loop {
        let begin = Instant::now();
        let error = match session {
            Ok(session) => match live(broker, session, shared, arrivals).await {
                End::Closed => return,
                End::Lost(error) => error,
            },
            Err(error) => error,
        };
        if shared.lost(&error) {
            tracing::warn!(%error, "{} is lost; it is connected to again as soon as that is possible", B::NAME);
            arrivals.push(Incoming::Lost);
        } else if let Some(times) = FAILED.happened() {
            tracing::warn!(%error, times, "{} cannot be connected to", B::NAME);
        }
        if shared.is_closing() {
            return;
        }
        if begin.elapsed() >= LASTING {
            pause = FIRST_PAUSE;
        }
        sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        session = open(broker, arrivals).await;
    }
}

/// Does what is asked for in one session, until that ends.
async fn live<B: Broker>(broker: &B, session: B::Session, shared: &Shared, arrivals: &Arrivals) -> End {
    let session = &session;
    let mut asked = FxHashSet::default();
    let working = async {
        shared.ask_for_all();
        ask(session, shared, &mut asked).await?;
        if shared.up(session.largest()) {
            arrivals.push(Incoming::Restored);
        }
        try_join!(send_all(session, shared), ask_always(session, shared, &mut asked)).map(|(never, _)| never)
    };
    let ended = async { Err::<Infallible, _>(End::Lost(session.ended().await)) };
    match try_join!(working, watch(broker, session, arrivals), ended) {
        Ok((never, ..)) => match never {},
        Err(end) => end,
    }
}

async fn send_all(session: &impl Session, shared: &Shared) -> Result<Infallible, End> {
    loop {
        let batch = shared.batch();
        if !batch.is_empty() {
            session.publish(batch).await?;
        } else if shared.is_closing() {
            // Then it has read all of it.
            session.ping().await?;
            return Err(End::Closed);
        } else {
            shared.sending.notified().await;
        }
    }
}

async fn ask_always(session: &impl Session, shared: &Shared, asked: &mut FxHashSet<Topic>) -> Result<Infallible, End> {
    loop {
        if !ask(session, shared, asked).await? {
            shared.asking.notified().await;
        }
    }
}

/// Asks for what has changed, if something has.
async fn ask(session: &impl Session, shared: &Shared, asked: &mut FxHashSet<Topic>) -> Result<bool, End> {
    let Some(changes) = shared.changes(asked) else { return Ok(false) };
    for topics in changes.end.chunks(ASKED_AT_ONCE) {
        session.unsubscribe(topics).await?;
    }
    for topics in changes.begin.chunks(ASKED_AT_ONCE) {
        session.subscribe(topics).await?;
    }
    shared.in_force(changes.upto);
    Ok(true)
}

/// Looks whether the broker still answers. While nothing is read from it, because too much waits here, it cannot.
async fn watch<B: Broker>(broker: &B, session: &B::Session, arrivals: &Arrivals) -> Result<Infallible, End> {
    let silence = broker.silence();
    loop {
        sleep(silence / 2).await;
        let before = arrivals.fullness();
        match timeout(silence, session.ping()).await {
            Ok(answer) => answer?,
            Err(_) if before.0 || arrivals.fullness() != before => {}
            Err(_) => {
                return Err(Error::unavailable(format!("{} has not answered for {silence:?}", B::NAME)).into());
            }
        }
    }
}

/// Between half and all of it, so that nodes do not come all at once.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

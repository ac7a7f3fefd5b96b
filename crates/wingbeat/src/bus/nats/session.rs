//! A connection to a server, as long as it lasts.

use super::address::Servers;
use super::subject::subject;
use crate::bus::link::{Arrivals, Session};
use crate::bus::{Incoming, Topic};
use crate::locked;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use rustc_hash::FxHashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::sync::{Mutex as AsyncMutex, Notify, oneshot};
use tokio::task::JoinHandle;
use wingbeat_core::{Error, Result};

/// How many messages of one subject may wait here. What is more the driver throws away, and says so.
const WAITING: usize = 16 * 1024;

pub(in crate::bus) struct NatsSession {
    client: Client,
    prefix: Arc<str>,
    arrivals: Arc<Arrivals>,
    pumps: Mutex<FxHashMap<Topic, Pump>>,
    /// Hears what this session says to itself.
    echo: AsyncMutex<Echo>,
    end: Arc<End>,
}

/// A task that hands on what arrives for one subject. It ends with this.
struct Pump {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

struct Echo {
    subject: String,
    subscriber: Subscriber,
    said: u64,
}

/// Why it has ended, once it has.
#[derive(Default)]
struct End {
    why: Mutex<Option<String>>,
    told: Notify,
}

impl End {
    fn with(&self, why: String) {
        locked(&self.why).get_or_insert(why);
        self.told.notify_waiters();
    }

    async fn reached(&self) -> Error {
        loop {
            let told = self.told.notified();
            if let Some(why) = &*locked(&self.why) {
                return Error::unavailable(format!("NATS: {why}"));
            }
            told.await;
        }
    }
}

impl NatsSession {
    /// # Errors
    /// If no server can be reached, or lets this program do what it needs.
    pub(super) async fn open(
        servers: &Servers,
        options: ConnectOptions,
        prefix: &Arc<str>,
        arrivals: Arc<Arrivals>,
    ) -> Result<NatsSession> {
        let end = Arc::<End>::default();
        let (at_end, at_gap) = (end.clone(), arrivals.clone());
        let told = move |event| {
            match event {
                Event::Disconnected | Event::Closed => at_end.with("the connection has ended".to_owned()),
                // Permissions, for instance: then something would be missing for ever.
                Event::ServerError(error) => at_end.with(error.to_string()),
                Event::SlowConsumer(_) => at_gap.push_gap(),
                _ => {}
            }
            std::future::ready(())
        };
        // A new session is begun instead of this one, which tries each server once more at most and gives up.
        let options = options.event_callback(told).max_reconnects(servers.addresses.len());
        let client = options.subscription_capacity(WAITING).connect(servers.addresses.clone()).await;
        let client = client.map_err(|error| match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Error::unavailable(format!("{servers} refuses this program's login: {error}"))
            }
            _ => Error::unavailable(format!("{servers} cannot be reached: {error}")),
        })?;
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| Error::general("The system has no random numbers").with_source(error))?;
        let own = format!("{prefix}.e.{:032x}", u128::from_be_bytes(random));
        let subscriber = client.subscribe(own.clone()).await.map_err(lost)?;
        let echo = AsyncMutex::new(Echo { subject: own, subscriber, said: 0 });
        let session = NatsSession { client, prefix: prefix.clone(), arrivals, pumps: Mutex::default(), echo, end };
        match select(pin!(session.ping()), pin!(session.ended())).await {
            Either::Left((answer, _)) => answer?,
            Either::Right((error, _)) => return Err(error),
        }
        Ok(session)
    }
}

impl Session for NatsSession {
    fn largest(&self) -> usize {
        self.client.max_payload()
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<()> {
        for topic in topics {
            let subscriber = self.client.subscribe(subject(&self.prefix, topic)).await.map_err(lost)?;
            let (stop, stopped) = oneshot::channel();
            let task = tokio::spawn(pump(subscriber, topic.clone(), self.arrivals.clone(), stopped));
            locked(&self.pumps).insert(topic.clone(), Pump { stop, task });
        }
        self.ping().await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<()> {
        let pumps = {
            let mut pumps = locked(&self.pumps);
            topics.iter().filter_map(|topic| pumps.remove(topic)).collect::<Vec<_>>()
        };
        for Pump { stop, task } in pumps {
            // One that has ended needs no word.
            let _ = stop.send(());
            task.await.map_err(lost)?;
        }
        self.ping().await
    }

    async fn publish(&self, messages: Vec<(Topic, Bytes)>) -> Result<()> {
        for (topic, message) in messages {
            self.client.publish(subject(&self.prefix, &topic), message).await.map_err(lost)?;
        }
        self.client.flush().await.map_err(lost)
    }

    /// The protocol has no answer to single commands, but a server does what it reads one after the other.
    async fn ping(&self) -> Result<()> {
        let mut echo = self.echo.lock().await;
        echo.said += 1;
        let said = echo.said;
        let message = Bytes::copy_from_slice(&said.to_be_bytes());
        self.client.publish(echo.subject.clone(), message).await.map_err(lost)?;
        // Those for which nobody has waited long enough come before it.
        while let Some(heard) = echo.subscriber.next().await {
            if *heard.payload == said.to_be_bytes() {
                return Ok(());
            }
        }
        Err(Error::unavailable("NATS: the connection has ended"))
    }

    async fn ended(&self) -> Error {
        self.end.reached().await
    }
}

async fn pump(mut subscriber: Subscriber, topic: Topic, arrivals: Arc<Arrivals>, stopped: oneshot::Receiver<()>) {
    let mut stopped = pin!(stopped);
    loop {
        let message = match select(pin!(subscriber.next()), stopped.as_mut()).await {
            Either::Left((Some(message), _)) => message,
            Either::Left((None, _)) => return,
            Either::Right((asked, _)) => {
                if asked.is_ok() {
                    // An error means that there is no connection any more.
                    subscriber.unsubscribe().await.ok();
                }
                return;
            }
        };
        arrivals.room().await;
        arrivals.push(Incoming::Message { topic: topic.clone(), message: message.payload });
    }
}

fn lost(error: impl std::error::Error) -> Error {
    Error::unavailable(format!("NATS: {error}"))
}

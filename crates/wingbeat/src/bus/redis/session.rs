//! Two connections to a server, as long as both last.

use super::address::Address;
use super::gate::Gate;
use crate::bus::link::{Arrivals, Session};
use crate::bus::{Incoming, Topic};
use bytes::Bytes;
use futures_util::future::select;
use futures_util::try_join;
use redis::aio::{AsyncPushSender, MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisError, Value, cmd};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wingbeat_core::{Error, Result};

/// What Redis takes (`proto-max-bulk-len`), unless it is told otherwise.
const LARGEST: usize = 512 * 1024 * 1024;

pub(in crate::bus) struct RedisSession {
    prefix: Arc<str>,
    sending: Driven,
    hearing: Driven,
}

/// A connection and the task that drives it.
pub(super) struct Driven {
    pub(super) connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    ended: Arc<Notify>,
}

impl RedisSession {
    /// # Errors
    /// If the server cannot be reached, or does not let this program do what it needs.
    pub(super) async fn open(address: &Address, prefix: Arc<str>, arrivals: Arc<Arrivals>) -> Result<RedisSession> {
        let refused = |error: RedisError| Error::unavailable(format!("{address} refuses this program: {error}"));
        let heard = Heard { prefix: prefix.clone(), arrivals: arrivals.clone() };
        let (sending, hearing) =
            try_join!(async { Driven::new(address, address.connect().await?, None).await }, async {
                let stream = Gate { stream: address.connect().await?, arrivals };
                Driven::new(address, stream, Some(heard)).await
            })?;
        must_not_be_a_replica(&sending, address).await?;
        let session = RedisSession { prefix, sending, hearing };
        // Better here than when the first event does not leave.
        let mut probe = cmd("PUBLISH");
        probe.arg(format!("{}:probe", session.prefix)).arg("");
        probe.exec_async(&mut session.sending.connection.clone()).await.map_err(refused)?;
        session.ping().await?;
        Ok(session)
    }

    fn name(&self, topic: &Topic) -> String {
        let (kind, name) = topic.parts();
        format!("{}:{kind}:{name}", self.prefix)
    }

    fn publishing(&self, topic: &Topic, message: &[u8]) -> Cmd {
        let mut publishing = cmd("PUBLISH");
        publishing.arg(self.name(topic)).arg(message);
        publishing
    }

    async fn send(&self, commands: &Pipeline) -> redis::RedisResult<()> {
        commands.exec_async(&mut self.sending.connection.clone()).await
    }

    fn names(&self, topics: &[Topic]) -> Vec<String> {
        topics.iter().map(|topic| self.name(topic)).collect()
    }
}

impl Driven {
    pub(super) async fn new(
        address: &Address,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        heard: Option<Heard>,
    ) -> Result<Driven> {
        // Who waits for how long is said elsewhere.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let config = if let Some(heard) = heard { config.set_push_sender(heard) } else { config };
        let failed = |error: RedisError| {
            Error::unavailable(format!(
                "{address} refuses this program, or speaks no RESP3 (Redis 6 or later does): {error}"
            ))
        };
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&address.login, stream, config).await.map_err(failed)?;
        let ended = Arc::new(Notify::new());
        let at_end = ended.clone();
        let driver = tokio::spawn(async move {
            driver.await;
            at_end.notify_one();
        });
        Ok(Driven { connection, driver, ended })
    }

    async fn ping(&self) -> Result<()> {
        let ping = cmd("PING");
        ping.exec_async(&mut self.connection.clone()).await.map_err(|error| lost(&error))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session for RedisSession {
    fn largest(&self) -> usize {
        LARGEST
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<()> {
        let refused = |error: RedisError| {
            Error::unavailable(format!(
                "Redis does not let this program subscribe to names like '{}:c:…': {error}",
                self.prefix
            ))
        };
        self.hearing.connection.clone().subscribe(self.names(topics)).await.map_err(refused)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<()> {
        self.hearing.connection.clone().unsubscribe(self.names(topics)).await.map_err(|error| lost(&error))
    }

    async fn publish(&self, messages: Vec<(Topic, Bytes)>) -> Result<()> {
        let mut commands = Pipeline::with_capacity(messages.len());
        for (topic, message) in &messages {
            commands.add_command(self.publishing(topic, message)).ignore();
        }
        self.send(&commands).await.map_err(|error| lost(&error))
    }

    async fn ping(&self) -> Result<()> {
        try_join!(self.sending.ping(), self.hearing.ping()).map(drop)
    }

    async fn ended(&self) -> Error {
        let (sending, hearing) =
            (std::pin::pin!(self.sending.ended.notified()), std::pin::pin!(self.hearing.ended.notified()));
        select(sending, hearing).await;
        Error::unavailable("Redis has closed the connection")
    }
}

/// What is published on a replica does not reach those who are subscribed elsewhere.
async fn must_not_be_a_replica(sending: &Driven, address: &Address) -> Result<()> {
    let mut connection = sending.connection.clone();
    let asked = ["server", "replication"].map(|section| {
        let mut info = cmd("INFO");
        info.arg(section);
        info
    });
    let mut told = String::new();
    for info in asked {
        // What stands before some servers does not know it, and some users may not ask.
        let Ok(text) = info.query_async::<Value>(&mut connection).await else { return Ok(()) };
        told.push_str(&redis::from_redis_value::<String>(text).unwrap_or_default());
    }
    let says = |line: &str| told.lines().any(|other| other.trim_end() == line);
    if says("role:slave") && !says("redis_mode:cluster") {
        return Err(Error::unavailable(format!(
            "{address} is a replica, so what is published there does not reach all nodes: give the address of its master"
        )));
    }
    Ok(())
}

fn lost(error: &RedisError) -> Error {
    Error::unavailable(format!("Redis: {error}"))
}

/// Takes what the server pushes.
pub(super) struct Heard {
    prefix: Arc<str>,
    arrivals: Arc<Arrivals>,
}

impl AsyncPushSender for Heard {
    fn send(&self, info: PushInfo) -> std::result::Result<(), SendError> {
        if info.kind == PushKind::Message
            && let Ok([Value::BulkString(name), Value::BulkString(message)]) = <[Value; 2]>::try_from(info.data)
            && let Some(topic) = self.topic(&name)
        {
            self.arrivals.push(Incoming::Message { topic, message: message.into() });
        }
        Ok(())
    }
}

impl Heard {
    fn topic(&self, name: &[u8]) -> Option<Topic> {
        let rest = std::str::from_utf8(name).ok()?.strip_prefix(&*self.prefix)?.strip_prefix(':')?;
        let (kind, name) = rest.split_once(':')?;
        let mut kinds = kind.chars();
        let kind = kinds.next()?;
        kinds.next().is_none().then(|| Topic::from_parts(kind, name)).flatten()
    }
}

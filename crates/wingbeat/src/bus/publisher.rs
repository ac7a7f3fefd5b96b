//! Publishing from programs that are no node.

use super::{Bus, BusConnection, Inbox, Incoming};
use crate::BoxFuture;
use crate::realtime::bus::Outgoing;
use crate::realtime::{Audience, IntoAudience};
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::{Error, Payload, Result};

/// How long an event waits until there is room for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends events to the clients of an application's nodes, from a program that is none of them: a job, a script, another
/// service.
///
/// The nodes deliver them as they do events of their own; their publishers and listeners are not asked, because the audience
/// is said here.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{bus, realtime::channel};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wingbeat::Result<()> {
/// let publisher = bus::Publisher::connect(&bus::Memory::new()).await?;
/// publisher.publish("invoices", "created", json!({"id": 7}), channel(("teams", 3))).await?;
/// publisher.close().await;
/// # Ok(())
/// # }
/// ```
pub struct Publisher {
    connection: Arc<dyn BusConnection>,
    is_lost: Arc<Lost>,
    number: u64,
    events: AtomicU64,
}

/// Whether the connection is lost at this moment.
#[derive(Default)]
struct Lost(AtomicBool);

impl Inbox for Lost {
    fn arrived(&self, what: Incoming) -> BoxFuture<'_, ()> {
        match what {
            Incoming::Lost => self.0.store(true, Ordering::Release),
            Incoming::Restored => self.0.store(false, Ordering::Release),
            Incoming::Message { .. } => {}
        }
        Box::pin(ready(()))
    }
}

impl Publisher {
    /// Connects to the bus of the nodes: the same broker, and the same prefix.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub async fn connect(bus: &dyn Bus) -> Result<Publisher> {
        let mut number = [0; 8];
        getrandom::fill(&mut number)
            .map_err(|error| Error::general("The system has no random numbers").with_source(error))?;
        let is_lost = Arc::<Lost>::default();
        let connection = bus.connect(is_lost.clone()).await?;
        Ok(Publisher { connection, is_lost, number: u64::from_be_bytes(number), events: AtomicU64::new(0) })
    }

    /// Sends an event of a service to an audience: `path` is the service's, `event` the name without it.
    ///
    /// # Errors
    /// If the audience is one that only a node knows (single connections, filters), or nobody. Unavailable if it could not
    /// leave within five seconds.
    pub async fn publish(
        &self,
        path: &str,
        event: &str,
        data: impl Into<Payload>,
        audience: impl IntoAudience,
    ) -> Result<()> {
        let (data, audience): (_, Audience) = (data.into().to_raw()?, audience.into_audience());
        let number = || self.events.fetch_add(1, Ordering::Relaxed);
        let (topics, message) = match Outgoing::new(&audience, (path, event), &data, number, || false)? {
            Outgoing::To(topics, message) => (topics, message.encode(self.number)),
            Outgoing::Nowhere => {
                return Err(Error::bad_request("The audience names no channel, so no node knows of it"));
            }
            Outgoing::Stays => {
                return Err(Error::bad_request("The audience has a filter, which no node can ask: use `having`"));
            }
        };
        let largest = self.connection.largest();
        if message.len() > largest {
            let message =
                format!("The event is too large: it takes {} bytes, and the bus carries {largest}", message.len());
            return Err(Error::bad_request(message));
        }
        let full = || Error::unavailable("The event could not be sent: too much waits for the bus");
        let sending = async {
            while self.connection.publish(&topics, &message).is_err() {
                if self.is_lost.0.load(Ordering::Acquire) {
                    return Err(full());
                }
                self.connection.has_room().await;
            }
            Ok(())
        };
        timeout(PATIENCE, sending).await.unwrap_or_else(|_| Err(full()))
    }

    /// Sends what is queued, and ends the connection.
    pub async fn close(self) {
        self.connection.close(PATIENCE).await;
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("events", &self.events).finish_non_exhaustive()
    }
}

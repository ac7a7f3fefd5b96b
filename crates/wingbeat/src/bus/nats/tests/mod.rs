mod access;
mod carrying;
mod credentials;
mod loss;
mod tls;

use super::Nats;
use crate::BoxFuture;
use crate::bus::brokers::{self, Broker};
use crate::bus::contract::Node;
use crate::bus::{Bus, Inbox, Incoming, Topic};
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::Error;

/// Who expects to hear nothing.
struct Deaf;

impl Inbox for Deaf {
    fn arrived(&self, _: Incoming) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Why a connection is refused.
async fn refused(nats: &Nats) -> Error {
    match nats.connect(Arc::new(Deaf)).await {
        Ok(_) => panic!("{nats:?} is connected"),
        Err(error) => error,
    }
}

async fn works(nats: &Nats) {
    let node = Node::listening(nats, &[Topic::All]).await;
    node.says(&Topic::All, "it works");
    assert_eq!(node.hears(&Topic::All, 1).await, ["it works"]);
    node.connection.close(Duration::from_secs(5)).await;
}

impl Broker {
    fn nats(&self) -> Nats {
        Nats::new(&self.url("nats")).unwrap().silence(Duration::from_secs(2))
    }
}

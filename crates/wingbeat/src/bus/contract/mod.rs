//! One suite for all buses (feature `contract`): each fact is checked on each of them, on those of Wingbeat and on yours.
//!
//! ```
//! use wingbeat::bus::{Memory, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In your crate this is a `#[tokio::test]`.
//! contract::check(async || Memory::new()).await;
//! # }
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "who calls this is a test")]

mod asking;
mod carrying;
mod ending;
mod loss;
mod names;
mod node;

use super::Bus;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
#[cfg(not(test))]
use node::Node;
#[cfg(test)]
pub(super) use node::Node;
use std::panic::AssertUnwindSafe;

/// Holds a bus against every fact of the suite.
///
/// `bus` makes one for each of them, with nobody on it: those that it makes may share a broker, and must not hear each other
/// (by a prefix, for instance). What is connected to the same one hears each other.
///
/// # Panics
/// If a fact does not hold. The message has the names of all that do not; what was found instead is printed before.
pub async fn check<B: Bus>(bus: impl AsyncFn() -> B) {
    let mut broken = Vec::new();
    for (name, fact) in [carrying::facts(), names::facts(), asking::facts(), ending::facts()].into_iter().flatten() {
        let buses = [bus().await, bus().await];
        note(name, fact(buses), &mut broken).await;
    }
    none(&broken);
}

/// Holds a bus to what it says and does when the connections to its broker are lost, and there again.
///
/// `bus` is as for [`check`]. `cut` makes all connections of a bus fail and keeps them away, until `restore` is called.
///
/// # Panics
/// As [`check`].
pub async fn check_loss<B: Bus>(bus: impl AsyncFn() -> B, cut: impl AsyncFn(&B), restore: impl AsyncFn(&B)) {
    let mut broken = Vec::new();
    for (name, before, during, after) in loss::facts() {
        let bus = bus().await;
        let fact = async {
            let mut nodes = [Node::on(&bus).await, Node::on(&bus).await];
            before(&mut nodes).await;
            cut(&bus).await;
            for node in &nodes {
                node.lost().await;
            }
            during(&mut nodes).await;
            restore(&bus).await;
            nodes[0].restored().await;
            after(&mut nodes).await;
        };
        note(name, fact, &mut broken).await;
    }
    none(&broken);
}

async fn note(name: &'static str, fact: impl Future<Output = ()>, broken: &mut Vec<&'static str>) {
    if AssertUnwindSafe(fact).catch_unwind().await.is_err() {
        eprintln!("does not hold: {name}");
        broken.push(name);
    }
}

fn none(broken: &[&str]) {
    assert!(broken.is_empty(), "these facts do not hold: {}", broken.join(", "));
}

/// A fact has a name and is checked on a bus, with another one that must not hear it.
type Fact<B> = (&'static str, fn([B; 2]) -> LocalBoxFuture<'static, ()>);

/// The facts of a module, which tests run one by one on the bus in memory.
macro_rules! facts {
    ($($fact:ident)*) => {
        pub(super) fn facts<B: $crate::bus::Bus>() -> Vec<super::Fact<B>> {
            vec![$((stringify!($fact), |buses| Box::pin($fact(buses)))),*]
        }

        #[cfg(test)]
        mod memory {
            use $crate::bus::Memory;
            $(#[tokio::test] async fn $fact() { super::$fact([Memory::new(), Memory::new()]).await })*
        }
    };
}
use facts;

#[cfg(test)]
mod tests {
    use super::super::{BusConnection, Full, Inbox, Memory, Topic};
    use super::*;
    use crate::BoxFuture;
    use bytes::Bytes;
    use std::sync::Arc;
    use std::time::Duration;
    use wingbeat_core::Result;

    /// The facts say how many nodes there are: two.
    #[tokio::test]
    async fn memory_says_what_it_loses() {
        let both = |then: fn(&Memory, usize)| async move |bus: &Memory| (0..2).for_each(|node| then(bus, node));
        check_loss(async || Memory::new(), both(Memory::cut), both(Memory::restore)).await;
    }

    /// Says everything twice.
    struct Stammering(Memory);
    struct Twice(Arc<dyn BusConnection>);

    impl Bus for Stammering {
        fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>> {
            Box::pin(async move { Ok(Arc::new(Twice(self.0.connect(inbox).await?)) as Arc<dyn BusConnection>) })
        }
    }

    impl BusConnection for Twice {
        fn publish(&self, topics: &[Topic], message: &Bytes) -> Result<(), Full> {
            self.0.publish(topics, message)?;
            self.0.publish(topics, message)
        }
        fn has_room(&self) -> BoxFuture<'_, ()> {
            self.0.has_room()
        }
        fn subscribe(&self, topic: &Topic) {
            self.0.subscribe(topic);
        }
        fn unsubscribe(&self, topic: &Topic) {
            self.0.unsubscribe(topic);
        }
        fn subscribed(&self) -> BoxFuture<'_, Result<()>> {
            self.0.subscribed()
        }
        fn close(&self, patience: Duration) -> BoxFuture<'_, ()> {
            self.0.close(patience)
        }
    }

    #[tokio::test]
    #[should_panic = "these facts do not hold: what_is_published_arrives_where_it_is_asked_for_and_nowhere_else, "]
    async fn a_bus_that_says_things_twice_is_noticed() {
        check(async || Stammering(Memory::new())).await;
    }
}

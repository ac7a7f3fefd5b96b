//! What is said and done when the connections are lost, and there again.

use super::node::{Node, channel};
use crate::bus::Topic;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::ErrorKind;

/// What two nodes do before the connections are lost, while they are, and afterwards.
type Step = for<'a> fn(&'a mut [Node; 2]) -> LocalBoxFuture<'a, ()>;
type Fact = (&'static str, Step, Step, Step);

pub(super) fn facts() -> Vec<Fact> {
    vec![
        ("subscriptions_are_in_force_again", asks_for_two, asks_for_other_two, hears_what_is_asked_for),
        ("what_cannot_be_sent_is_refused_within_bounds", nothing, is_refused, speaks_again),
        ("who_waits_is_told", nothing, waits_for_nothing, speaks_again),
        ("a_connection_ends_while_it_is_lost", nothing, one_ends, the_other_speaks),
    ]
}

fn nothing(_: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {})
}

fn asks_for_two([node, _]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        node.asks(&[channel("stays"), channel("goes")]).await;
        node.says(&channel("stays"), "before");
        node.hears(&channel("stays"), 1).await;
    })
}

fn asks_for_other_two([node, _]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        node.connection.unsubscribe(&channel("goes"));
        node.connection.subscribe(&channel("comes"));
        node.connection.subscribe(&channel("passes"));
        node.connection.unsubscribe(&channel("passes"));
    })
}

fn hears_what_is_asked_for([node, other]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        other.restored().await;
        for name in ["goes", "passes", "stays", "comes"] {
            other.says(&channel(name), "after");
        }
        assert_eq!(node.hears(&channel("comes"), 1).await, ["after"]);
        assert_eq!(node.hears(&channel("stays"), 2).await, ["before", "after"]);
        assert_eq!(node.messages(), 3);
    })
}

fn is_refused([node, _]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        let message = Bytes::from(vec![b'x'; 512 * 1024]);
        let refused = (0..256).any(|_| node.connection.publish(&[Topic::All], &message).is_err());
        assert!(refused, "128 MiB are queued while nothing can be sent");
    })
}

fn waits_for_nothing([node, _]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        let waiting = async {
            node.connection.has_room().await;
            node.connection.subscribe(&Topic::All);
            node.connection.subscribed().await.unwrap_err()
        };
        let error = timeout(Duration::from_secs(10), waiting).await.expect("nobody is told that it is lost");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    })
}

fn speaks_again([node, other]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        node.asks(&[channel("room")]).await;
        other.restored().await;
        other.says(&channel("room"), "again");
        assert_eq!(node.hears(&channel("room"), 1).await, ["again"]);
    })
}

/// It is there again, and says nothing more.
fn one_ends([_, other]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async { other.connection.close(Duration::from_secs(10)).await })
}

fn the_other_speaks([node, _]: &mut [Node; 2]) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {
        node.asks(&[channel("room")]).await;
        node.says(&channel("room"), "again");
        assert_eq!(node.hears(&channel("room"), 1).await, ["again"]);
    })
}

//! A bus within one process.

use super::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
use crate::{BoxFuture, locked};
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use wingbeat_core::{Error, Result};

/// How many bytes may wait for one node. One that is slower loses some, and is told so.
const WAITING: usize = 16 * 1024 * 1024;
/// What a message takes beside its bytes.
const MESSAGE: usize = 64;

/// Connects applications of one process: its clones are the same bus. For tests of what an application does on several nodes,
/// and for programs that serve several applications.
///
/// ```
/// use wingbeat::{bus, prelude::*, store::Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let bus = bus::Memory::new();
/// let node = || App::builder().mount("notes", Mount::new(Memory::new()).publish(|_| channel("all"))).bus(bus.clone());
/// let (one, two) = (node().build()?, node().build()?);
/// one.setup().await?;
/// two.setup().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Hub>>);

#[derive(Default)]
struct Hub {
    /// By the order in which they came.
    nodes: Vec<Weak<Node>>,
    subscribers: HashMap<Topic, Vec<usize>>,
}

struct Node {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Incoming>,
    bytes: usize,
    topics: HashSet<Topic>,
    is_cut: bool,
    is_closed: bool,
}

struct Connection {
    hub: Memory,
    at: usize,
    node: Arc<Node>,
}

impl Memory {
    /// A bus of its own, with nobody on it.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Cuts the connection of a node off, as if its network had failed: nothing reaches it, and nothing leaves it. `node` is
    /// its place in the order in which nodes have connected, from 0.
    pub fn cut(&self, node: usize) {
        self.with_node(node, |node| {
            let mut state = locked(&node.state);
            if !std::mem::replace(&mut state.is_cut, true) {
                state.push(Incoming::Lost);
            }
        });
    }

    /// Ends what [`cut`](Memory::cut) has begun.
    pub fn restore(&self, node: usize) {
        self.with_node(node, |node| {
            let mut state = locked(&node.state);
            if std::mem::replace(&mut state.is_cut, false) {
                state.push(Incoming::Restored);
            }
        });
    }

    fn with_node(&self, at: usize, then: impl FnOnce(&Node)) {
        // The lock orders what is published and who is cut off.
        let hub = locked(&self.0);
        if let Some(node) = hub.nodes.get(at).and_then(Weak::upgrade) {
            then(&node);
            node.more.notify_one();
        }
    }
}

impl Bus for Memory {
    fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>> {
        let node = Arc::new(Node { state: Mutex::default(), more: Notify::new() });
        let mut hub = locked(&self.0);
        let at = hub.nodes.len();
        hub.nodes.push(Arc::downgrade(&node));
        tokio::spawn(hand_over(Arc::downgrade(&node), inbox));
        Box::pin(ready(Ok(Arc::new(Connection { hub: self.clone(), at, node }) as Arc<dyn BusConnection>)))
    }
}

/// Hands what waits for a node to its inbox, until the node is gone.
async fn hand_over(node: Weak<Node>, inbox: Arc<dyn Inbox>) {
    while let Some(strong) = node.upgrade() {
        let next = locked(&strong.state).next();
        match next {
            Some(next) => {
                drop(strong);
                inbox.arrived(next).await;
            }
            None if locked(&strong.state).is_closed => return,
            None => strong.more.notified().await,
        }
    }
}

impl State {
    fn push(&mut self, what: Incoming) {
        self.bytes += size(&what);
        self.waiting.push_back(what);
    }

    fn next(&mut self) -> Option<Incoming> {
        let next = self.waiting.pop_front()?;
        self.bytes -= size(&next);
        Some(next)
    }
}

fn size(what: &Incoming) -> usize {
    match what {
        Incoming::Message { message, .. } => MESSAGE + message.len(),
        Incoming::Lost | Incoming::Restored => MESSAGE,
    }
}

impl BusConnection for Connection {
    fn publish(&self, topics: &[Topic], message: &Bytes) -> Result<(), Full> {
        let hub = locked(&self.hub.0);
        {
            let state = locked(&self.node.state);
            if state.is_cut || state.is_closed {
                return Err(Full);
            }
        }
        for topic in topics {
            let subscribers = hub.subscribers.get(topic).into_iter().flatten();
            for node in subscribers.filter_map(|at| hub.nodes[*at].upgrade()) {
                let mut state = locked(&node.state);
                if state.is_cut || state.is_closed {
                    continue;
                }
                let message = Incoming::Message { topic: topic.clone(), message: message.clone() };
                if state.bytes + size(&message) > WAITING {
                    state.waiting.clear();
                    state.bytes = 0;
                    state.push(Incoming::Lost);
                    state.push(Incoming::Restored);
                }
                state.push(message);
                node.more.notify_one();
            }
        }
        Ok(())
    }

    fn has_room(&self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::task::yield_now())
    }

    fn subscribe(&self, topic: &Topic) {
        let mut hub = locked(&self.hub.0);
        if locked(&self.node.state).topics.insert(topic.clone()) {
            hub.subscribers.entry(topic.clone()).or_default().push(self.at);
        }
    }

    fn unsubscribe(&self, topic: &Topic) {
        let mut hub = locked(&self.hub.0);
        if locked(&self.node.state).topics.remove(topic) {
            hub.forget(topic, self.at);
        }
    }

    fn subscribed(&self) -> BoxFuture<'_, Result<()>> {
        let is_cut = locked(&self.node.state).is_cut;
        Box::pin(ready(if is_cut { Err(Error::unavailable("The connection to the bus is lost")) } else { Ok(()) }))
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, ()> {
        self.leave();
        Box::pin(ready(()))
    }
}

impl Connection {
    fn leave(&self) {
        let mut hub = locked(&self.hub.0);
        let topics = std::mem::take(&mut locked(&self.node.state).topics);
        topics.iter().for_each(|topic| hub.forget(topic, self.at));
        locked(&self.node.state).is_closed = true;
        self.node.more.notify_one();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Hub {
    fn forget(&mut self, topic: &Topic, at: usize) {
        if let Some(subscribers) = self.subscribers.get_mut(topic) {
            subscribers.retain(|other| *other != at);
            if subscribers.is_empty() {
                self.subscribers.remove(topic);
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} nodes)", locked(&self.0).nodes.len())
    }
}

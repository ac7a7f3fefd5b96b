//! What the connection's task and the handles both look at.

use super::command_queue::CommandQueue;
use super::{ConnectionEvent, Event, Options, Queue};
use crate::locked;
use crate::transport::TransportKind;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

// Mutexes of std: they are held for a look, never across an await.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) commands: CommandQueue,
    // None once the client has ended: who comes then hears at once that nothing will come.
    listeners: Mutex<Option<Listeners>>,
    observers: Mutex<Option<Vec<Weak<Queue<ConnectionEvent>>>>>,
    authentication: Mutex<Option<Arc<Value>>>,
    socket: Mutex<Option<Socket>>,
    transport: Mutex<Option<TransportKind>>,
    announced: Mutex<Option<usize>>,
}

/// The connection to the namespace of the services.
#[derive(Clone)]
pub(crate) struct Socket {
    pub(crate) id: Arc<str>,
    pub(crate) recovered: bool,
}

/// By namespace.
type Listeners = HashMap<Arc<str>, Names>;

#[derive(Default)]
struct Names {
    named: HashMap<Box<str>, Queues>,
    /// Those that hear events of any name.
    any: Queues,
}

type Queues = Vec<Weak<Queue<Event>>>;

impl Shared {
    pub(crate) fn new(options: Options) -> Shared {
        Shared {
            commands: CommandQueue::new(options.buffer),
            options,
            listeners: Mutex::new(Some(Listeners::default())),
            observers: Mutex::new(Some(Vec::new())),
            authentication: Mutex::default(),
            socket: Mutex::default(),
            transport: Mutex::default(),
            announced: Mutex::default(),
        }
    }

    /// A new listener, which hears until it is dropped or the client has ended.
    pub(crate) fn listen(&self, namespace: &Arc<str>, event: Option<&str>) -> Arc<Queue<Event>> {
        let queue = Arc::new(Queue::new(self.options.listener));
        let mut listeners = locked(&self.listeners);
        let Some(listeners) = listeners.as_mut() else {
            queue.close();
            return queue;
        };
        let names = listeners.entry(namespace.clone()).or_default();
        let queues = match event {
            Some(event) => names.named.entry(event.into()).or_default(),
            None => &mut names.any,
        };
        queues.push(Arc::downgrade(&queue));
        queue
    }

    /// Forgets listeners that are gone.
    pub(crate) fn forget(&self, namespace: &str, event: Option<&str>) {
        let mut listeners = locked(&self.listeners);
        let Some(names) = listeners.as_mut().and_then(|listeners| listeners.get_mut(namespace)) else { return };
        let Some(event) = event else { return names.any.retain(is_heard) };
        let Some(queues) = names.named.get_mut(event) else { return };
        queues.retain(is_heard);
        if queues.is_empty() {
            names.named.remove(event);
        }
    }

    /// Brings an event to its listeners.
    pub(crate) fn deliver(&self, namespace: &str, name: &str, event: impl FnOnce() -> Event) {
        let listening: Vec<Arc<Queue<Event>>> = {
            let listeners = locked(&self.listeners);
            let Some(names) = listeners.as_ref().and_then(|listeners| listeners.get(namespace)) else { return };
            names.named.get(name).into_iter().flatten().chain(&names.any).filter_map(Weak::upgrade).collect()
        };
        if listening.is_empty() {
            return;
        }
        let event = event();
        let bytes = event.bytes();
        for queue in listening {
            queue.push(event.clone(), bytes);
        }
    }

    pub(crate) fn observe(&self) -> Arc<Queue<ConnectionEvent>> {
        let queue = Arc::new(Queue::new(self.options.listener));
        match locked(&self.observers).as_mut() {
            Some(observers) => {
                observers.retain(|observer| observer.strong_count() > 0);
                observers.push(Arc::downgrade(&queue));
            }
            None => queue.close(),
        }
        queue
    }

    pub(crate) fn report(&self, event: &ConnectionEvent) {
        let observers: Vec<_> = locked(&self.observers).iter().flatten().filter_map(Weak::upgrade).collect();
        if observers.is_empty() {
            return;
        }
        let bytes = event.bytes();
        for queue in observers {
            queue.push(event.clone(), bytes);
        }
    }

    /// Ends all streams, and those that are still asked for.
    pub(crate) fn close(&self) {
        self.set_socket(None);
        let listeners = locked(&self.listeners).take();
        listeners
            .iter()
            .flat_map(HashMap::values)
            .flat_map(|names| names.named.values().flatten().chain(&names.any))
            .filter_map(Weak::upgrade)
            .for_each(|queue| queue.close());
        let observers = locked(&self.observers).take();
        observers.iter().flatten().filter_map(Weak::upgrade).for_each(|queue| queue.close());
    }

    pub(crate) fn authentication(&self) -> Option<Arc<Value>> {
        locked(&self.authentication).clone()
    }

    pub(crate) fn set_authentication(&self, result: Option<Arc<Value>>) {
        *locked(&self.authentication) = result;
    }

    pub(crate) fn socket(&self) -> Option<Socket> {
        locked(&self.socket).clone()
    }

    pub(crate) fn set_socket(&self, socket: Option<Socket>) {
        *locked(&self.socket) = socket;
    }

    pub(crate) fn transport(&self) -> Option<TransportKind> {
        *locked(&self.transport)
    }

    pub(crate) fn announced(&self) -> Option<usize> {
        *locked(&self.announced)
    }

    pub(crate) fn set_announced(&self, max_payload: Option<usize>) {
        *locked(&self.announced) = max_payload;
    }

    pub(crate) fn set_transport(&self, kind: Option<TransportKind>) {
        *locked(&self.transport) = kind;
    }
}

fn is_heard(queue: &Weak<Queue<Event>>) -> bool {
    queue.strong_count() > 0
}

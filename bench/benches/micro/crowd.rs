//! An application with many sessions over connections in memory, all in the channel `everybody`.

use bench_memory::{Connections, Count, Wire};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use wingbeat::prelude::*;

pub(crate) struct Crowd {
    pub(crate) runtime: Runtime,
    pub(crate) app: App,
    /// One of the clients, and what all of them count.
    pub(crate) sender: Wire,
    pub(crate) count: Arc<Count>,
    connections: Arc<Mutex<Vec<Connection>>>,
}

struct Messages;

impl RawService for Messages {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, _data: Option<Payload>, _params: &Params) -> Result<Payload> {
        Ok(json!({ "id": 1, "text": "hello" }).into())
    }
}

impl Crowd {
    pub(crate) fn new(sessions: u64) -> Crowd {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let connections = Arc::new(Mutex::new(Vec::new()));
        let known = connections.clone();
        let app = App::builder()
            .mount("messages", Mount::new(Messages).publish(|_| channel("everybody")))
            .on_connection(move |app, connection| {
                app.channel("everybody").join(connection);
                locked(&known).push(connection.clone());
            })
            .configure(SocketIo::new())
            .build()
            .expect("the application is in order");
        let (connect, accepted) = mpsc::channel(1);
        let serving = wingbeat::serve(Connections(accepted), app.clone()).until(std::future::pending());
        runtime.spawn(serving.into_future());
        let count = Arc::new(Count::default());
        let sender = Wire::new(count.clone());
        runtime.block_on(async {
            connect.send(sender.clone()).await.expect("the server runs");
            for n in 1..sessions {
                connect.send(Wire::new(count.clone())).await.expect("the server runs");
                reach(&count.joined, n.saturating_sub(100)).await;
            }
            reach(&count.joined, sessions).await;
        });
        Crowd { runtime, app, sender, count, connections }
    }

    /// So many of the connections, from all parts of the channel.
    pub(crate) fn some(&self, wanted: usize) -> Vec<Connection> {
        let connections = locked(&self.connections);
        connections.iter().step_by((connections.len() / wanted).max(1)).take(wanted).cloned().collect()
    }

    /// Publishes to all.
    pub(crate) fn publish(&self) {
        self.sender.say(r#"420["create","messages",{},{}]"#);
    }

    /// Lets the server work until the clients have heard so many events.
    pub(crate) fn heard(&self, events: u64) {
        self.runtime.block_on(reach(&self.count.events, events));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn reach(counter: &AtomicU64, value: u64) {
    while counter.load(Relaxed) < value {
        tokio::task::yield_now().await;
    }
}

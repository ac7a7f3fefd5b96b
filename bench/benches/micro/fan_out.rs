//! From a `create` to everybody who hears of it: sessions over connections in memory.

use bench_memory::{Connections, Count, Wire};
use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use wingbeat::prelude::*;

struct Messages;

impl RawService for Messages {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, _data: Option<Payload>, _params: &Params) -> Result<Payload> {
        Ok(json!({ "id": 1, "text": "hello" }).into())
    }
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan-out");
    for sessions in [10, 100, 1000, 10_000] {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let (sender, count) = open(&runtime, sessions);
        group.throughput(Throughput::Elements(sessions));
        group.bench_function(BenchmarkId::from_parameter(sessions), |bencher| {
            bencher.iter(|| {
                let target = count.events.load(Relaxed) + sessions;
                sender.say(r#"420["create","messages",{},{}]"#);
                runtime.block_on(reach(&count.events, target));
            });
        });
    }
    group.finish();
}

/// Opens sessions: one of the clients, and what all of them count.
fn open(runtime: &Runtime, sessions: u64) -> (Wire, Arc<Count>) {
    let app = App::builder()
        .mount("messages", Mount::new(Messages).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::new())
        .build()
        .expect("the application is in order");
    let (connect, connections) = mpsc::channel(1);
    runtime.spawn(wingbeat::serve(Connections(connections), app).until(std::future::pending()).into_future());
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
    (sender, count)
}

async fn reach(counter: &AtomicU64, value: u64) {
    while counter.load(Relaxed) < value {
        tokio::task::yield_now().await;
    }
}

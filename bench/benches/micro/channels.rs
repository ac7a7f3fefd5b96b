//! Joining and leaving a channel while a delivery to it is under way, which must not cost more where it has more members.

use crate::crowd::Crowd;
use criterion::{BenchmarkId, Criterion, Throughput};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use wingbeat::Connection;
use wingbeat::test::Client;

/// How many leave and come back during each delivery.
const MOVING: usize = 64;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("channels");
    group.sample_size(10).throughput(Throughput::Elements(MOVING as u64));
    for members in [1000, 10_000, 100_000] {
        let crowd = Crowd::new(members);
        let (everybody, moving) = (crowd.app.channel("everybody"), crowd.some(MOVING));
        group.bench_function(BenchmarkId::new("leave, join", members), |bencher| {
            bencher.iter_custom(|times| {
                during_deliveries(&crowd, times, &moving, || {
                    moving.iter().for_each(|connection| everybody.leave(connection));
                    moving.iter().for_each(|connection| everybody.join(connection));
                })
            });
        });
        // As a logout does: out of all channels.
        group.bench_function(BenchmarkId::new("come, go", members), |bencher| {
            bencher.iter_custom(|times| {
                during_deliveries(&crowd, times, &moving, || {
                    let come = (0..MOVING).map(|_| crowd.runtime.block_on(Client::connect(&crowd.app)));
                    drop(come.collect::<Vec<_>>());
                })
            });
        });
    }
    group.finish();
}

/// How long something takes at the beginning of so many deliveries, each of which is then let go on to its end.
fn during_deliveries(crowd: &Crowd, times: u64, moving: &[Connection], mut run: impl FnMut()) -> Duration {
    let (mut time, elsewhere) = (Duration::ZERO, crowd.app.channel("elsewhere"));
    for _ in 0..times {
        let before = crowd.count.events.load(Relaxed);
        crowd.publish();
        crowd.heard(before + 1);
        // The work is to be seen, and not that a delivery to many leaves nothing else in the processor's caches.
        moving.iter().for_each(|connection| elsewhere.join(connection));
        moving.iter().for_each(|connection| elsewhere.leave(connection));
        let begin = Instant::now();
        run();
        time += begin.elapsed();
        while !crowd.runtime.block_on(async {
            // Whoever has left in time is not served, so the end is where nobody hears any more.
            let before = crowd.count.events.load(Relaxed);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            crowd.count.events.load(Relaxed) == before
        }) {}
    }
    time
}
